"""The ledger of METHODS.md 4.3, on real tensors and by the formula."""

import numpy as np
import pytest
import torch
from compression_fakes import context_for, finish

from emostudio.compression import packing, storage
from emostudio.compression.catalogue import METHODS
from emostudio.compression.coding import relative_index
from emostudio.compression.storage import SparseLayer, best_index_bits, expected_fillers
from emostudio.models.catalogue import ARCHITECTURES
from emostudio.worker.model_report import described_model

MIB = 2**20
DENSITIES = (0.84, 0.38, 0.35, 0.37, 0.37, 0.09, 0.09, 0.25)


@pytest.fixture
def coded(teacher, tmp_path):
    model = teacher
    for key, values in (
        ("magnitude_pruning", {"epochs": 0}),
        ("weight_sharing", {"epochs": 0, "bits_conv": 4}),
        ("huffman", {}),
    ):
        method = METHODS.get(key)
        settings = method.settings_type(**values)
        model = finish(method.apply(model, settings, context_for(tmp_path / key, model)))[0]
    return model


def test_d2_the_ledger_adds_up_to_the_bytes_of_every_layer(coded):
    ledger = storage.layer_storage(coded)
    totals = {layer: sum(parts.values()) for layer, parts in ledger.items()}
    assert totals == packing.layer_bytes(coded)
    fc1 = coded.coded["fc1.weight"].arrays
    assert ledger["fc1"] == {
        "codebook": 4 * 32,
        "code tables": fc1["value_lengths"].nbytes + fc1["index_lengths"].nbytes,
        "values": fc1["value_stream"].nbytes,
        "indices": fc1["index_stream"].nbytes,
        "float32": 4 * 40,
    }
    assert set(ledger["bn2"]) == {"float32"}


def test_a_mask_counts_as_places_and_unknown_parts_keep_their_name(teacher, tmp_path):
    method = METHODS.get("magnitude_pruning")
    settings = method.settings_type(epochs=0)
    pruned = finish(method.apply(teacher, settings, context_for(tmp_path, teacher)))[0]
    parts = storage.storage_parts(pruned.coded["fc1.weight"])
    survivors = pruned.coded["fc1.weight"].header["survivors"]
    count = teacher.module.fc1.weight.numel()
    assert parts == {"indices": -(-count // 8), "values": 4 * survivors}
    strange = type(pruned.coded["fc1.weight"])("x", {"seed": np.zeros(3, np.uint8)}, {})
    assert storage.storage_parts(strange) == {"seed": 3}


@pytest.mark.parametrize(
    ("density", "index_bits", "fillers"),
    [
        (0.30, 4, 0.003), (0.11, 4, 0.183), (0.11, 5, 0.025), (0.09, 4, 0.284), (0.09, 5, 0.051),
        (0.05, 4, 0.786), (0.05, 5, 0.240), (0.04, 4, 1.085), (0.04, 5, 0.371), (0.04, 8, 0.0),
    ],
)  # fmt: skip
def test_d2_fillers_are_those_of_the_table(density, index_bits, fillers):
    assert expected_fillers(density, index_bits) == pytest.approx(fillers, abs=6e-4)


@pytest.mark.parametrize("density", [0.04, 0.09, 0.35])
def test_d2_scattered_survivors_need_as_many_fillers_as_expected(density):
    survivors = np.flatnonzero(np.random.default_rng(0).random(400_000) < density)
    fields, _ = relative_index.encode(survivors, np.ones(survivors.size, np.uint8), 4)
    found = fields.size / survivors.size - 1
    assert found == pytest.approx(expected_fillers(density, 4), abs=0.02)


@pytest.mark.parametrize("density", [0.04, 0.09, 0.37, 0.84])
def test_d2_the_best_index_width_is_the_cheapest_of_all(density):
    survivors = np.flatnonzero(np.random.default_rng(1).random(200_000) < density)
    codes = np.ones(survivors.size, np.uint8)
    sizes = {
        width: (5 + width) * relative_index.encode(survivors, codes, width)[0].size
        for width in range(1, 13)
    }
    best = best_index_bits(density, 5)
    assert sizes[best] <= 1.01 * min(sizes.values())


def vgg_s(convolutions, dense):
    architecture = ARCHITECTURES.get("vgg_s_paper")
    with torch.device("meta"):
        network = architecture.build(architecture.settings_type(class_count=8))
    weights = [
        layer.weight.numel()
        for layer in network.modules()
        if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear)
    ]
    layers = [
        SparseLayer(count, density, *(convolutions if number < 5 else dense))
        for number, (count, density) in enumerate(zip(weights, DENSITIES, strict=True))
    ]
    everything = sum(parameter.numel() for parameter in network.parameters())
    return layers, everything - sum(weights), everything


def test_d2_vgg_s_with_the_densities_of_alexnet_takes_14_92_mib():
    layers, rest, everything = vgg_s((8, 8), (5, 5))
    assert (everything, rest) == (97_571_944, 13_768)
    size = storage.sparse_bytes(layers, rest)
    assert size / MIB == pytest.approx(14.92, abs=0.005)
    assert 4 * everything / size == pytest.approx(24.95, abs=0.005)


def test_d2_vgg_s_with_the_released_widths_takes_13_5_mib():
    # the reference says 13.54 MiB and 27.5 times; this sum of the same parts gives 13.535
    layers, rest, everything = vgg_s((8, 4), (4, 4))
    size = storage.sparse_bytes(layers, rest)
    assert size / MIB == pytest.approx(13.54, abs=0.01)
    assert 4 * everything / size == pytest.approx(27.5, abs=0.01)


def test_the_report_of_a_model_says_what_its_layers_spend(coded):
    report = described_model(coded, packing.predict_bytes(coded))
    layers = {layer.name: layer for layer in report.layers}
    assert layers["fc1"].stored == storage.layer_storage(coded)["fc1"]
    assert all(layer.disk_bytes == sum(layer.stored.values()) for layer in report.layers)
