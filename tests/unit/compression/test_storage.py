"""The ledger of METHODS.md 4.3, on real tensors and by the formula."""

import numpy as np
import pytest
import torch
from compression_fakes import context_for, finish

from emostudio.compression import packing, storage
from emostudio.compression.catalogue import METHODS
from emostudio.compression.coding import relative_index
from emostudio.compression.coding.entropy import expected_fillers
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
    written = sum(sum(parts.values()) for parts in ledger.values())
    raw = [v for name, v in coded.module.state_dict().items() if name not in coded.coded]
    packed = [array for tensor in coded.coded.values() for array in tensor.arrays.values()]
    assert written == sum(v.nbytes for v in (*raw, *packed))
    assert 0 < packing.predict_bytes(coded) - written < 64 * 1024
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


@pytest.mark.parametrize(
    ("convolutions", "dense", "mib", "times"),
    # the reference says 13.54 MiB for the released widths; this sum of the same parts gives 13.535
    [((8, 8), (5, 5), 14.92, 24.95), ((8, 4), (4, 4), 13.54, 27.5)],
)
def test_d2_vgg_s_with_the_densities_of_alexnet_takes_what_the_table_says(
    convolutions, dense, mib, times
):
    architecture = ARCHITECTURES.get("vgg_s_paper")
    with torch.device("meta"):
        network = architecture.build(architecture.settings_type(class_count=8))
    everything = sum(parameter.numel() for parameter in network.parameters())
    weights = [
        layer.weight.numel()
        for layer in network.modules()
        if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear)
    ]
    size = 4 * (everything - sum(weights))
    for number, (count, density) in enumerate(zip(weights, DENSITIES, strict=True)):
        value_bits, index_bits = convolutions if number < 5 else dense
        entries = count * density * (1 + expected_fillers(density, index_bits))
        size += entries * (value_bits + index_bits) / 8 + 4 * 2**value_bits
    assert everything == 97_571_944
    assert size / MIB == pytest.approx(mib, abs=0.01)
    assert 4 * everything / size == pytest.approx(times, abs=0.01)


def test_the_report_of_a_model_says_what_its_layers_spend(coded):
    report = described_model(coded, packing.predict_bytes(coded))
    layers = {layer.name: layer for layer in report.layers}
    assert layers["fc1"].stored == storage.layer_storage(coded)["fc1"]
    assert all(layer.disk_bytes == sum(layer.stored.values()) for layer in report.layers)
