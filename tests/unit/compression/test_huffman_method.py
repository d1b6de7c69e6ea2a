import numpy as np
import pytest
import torch
from compression_fakes import StripeFaces, context_for, finish, logits_of, toy_model

from emostudio.compression import packing, pipeline
from emostudio.compression.catalogue import METHODS, unpack
from emostudio.compression.packing import predict_bytes
from emostudio.core.recipe import Recipe, RecipeStep
from emostudio.core.settings import parse_settings


def run(key, model, folder, **values):
    method = METHODS.get(key)
    return finish(method.apply(model, method.settings_type(**values), context_for(folder, model)))[
        0
    ]


def test_huffman_changes_no_weight_and_shrinks_the_file(teacher, tmp_path):
    pruned = run("magnitude_pruning", teacher, tmp_path, epochs=0)
    shared = run("weight_sharing", pruned, tmp_path, epochs=0, bits_conv=4, bits_linear=4)
    coded = run("huffman", shared, tmp_path)
    assert np.array_equal(logits_of(coded), logits_of(shared))
    sizes = [
        sum(array.nbytes for item in model.coded.values() for array in item.arrays.values())
        for model in (shared, coded)
    ]
    assert sizes[1] < sizes[0]
    assert np.array_equal(unpack(coded.coded["fc1.weight"]), unpack(shared.coded["fc1.weight"]))


def test_the_plan_is_exact_once_the_weights_are_known(teacher, tmp_path):
    pruned = run("magnitude_pruning", teacher, tmp_path, epochs=0)
    method = METHODS.get("huffman")
    planned = method.plan(pruned, method.settings_type())
    assert planned.exact
    assert predict_bytes(planned.model) == predict_bytes(run("huffman", pruned, tmp_path))


def test_the_plan_is_an_estimate_before_training(teacher):
    pruning, method = METHODS.get("magnitude_pruning"), METHODS.get("huffman")
    before = pruning.plan(teacher, pruning.settings_type())
    planned = method.plan(before.model, method.settings_type())
    assert not planned.exact
    assert planned.notes


def test_float_weights_are_refused_with_the_reason():
    method = METHODS.get("huffman")
    planned = method.plan(toy_model(), method.settings_type())
    assert planned.layers == ()
    assert all("prune or share" in item.reason for item in planned.skipped)


AFTER = {
    "hashed": {"epochs": 0, "layers": "fc1"},
    "tucker2": {"epochs": 0, "layers": "conv2"},
    "tt_linear": {"epochs": 0, "layers": "fc1", "rank": 4},
}


@pytest.mark.parametrize("key", sorted(AFTER.keys() & METHODS.members().keys()))
def test_d2_buckets_factors_and_cores_are_shared_and_coded(key, teacher, tmp_path):
    model = teacher
    steps = ((key, AFTER[key]), ("weight_sharing", {"epochs": 0, "bits_conv": 3, "bits_linear": 3}))
    for method_key, values in (*steps, ("huffman", {})):
        method = METHODS.get(method_key)
        context = context_for(tmp_path / method_key, model)
        settings = parse_settings(method.settings_type, values, "test")
        model = finish(method.apply(model, settings, context))[0]
    made = next(record.layer for record in model.info.structure)
    coded = [name for name in model.coded if name.startswith(f"{made}.")]
    assert coded
    assert all(np.unique(unpack(model.coded[name])).size <= 8 for name in coded)
    packing.save_variant(model, tmp_path / "v.safetensors")
    loaded = packing.load_variant(tmp_path / "v.safetensors")
    assert torch.equal(logits_of(loaded), logits_of(model))


def test_d2_integers_are_coded_and_read_back_bit_by_bit(teacher, tmp_path):
    quantise = METHODS.get("int8_ptq")
    settings = quantise.settings_type()
    pruned = run("magnitude_pruning", teacher, tmp_path, epochs=0)
    context = context_for(tmp_path / "int8", pruned, StripeFaces())
    quantised = finish(quantise.apply(pruned, settings, context))[0]
    method = METHODS.get("huffman")
    coded = finish(
        method.apply(quantised, method.settings_type(), context_for(tmp_path / "h", quantised))
    )[0]
    assert any(tensor.codec == "sparse-rel+huff" for tensor in coded.coded.values())
    packing.save_variant(coded, tmp_path / "v.safetensors")
    loaded = packing.load_variant(tmp_path / "v.safetensors")
    assert torch.equal(logits_of(loaded), logits_of(quantised))


def test_j1_huffman_may_follow_int8():
    steps = (RecipeStep(method="int8_ptq"), RecipeStep(method="huffman"))
    report = pipeline.plan(toy_model(), Recipe(steps=steps))
    assert report.refusals == ()
    assert report.stages[-1].disk_bytes <= report.stages[-2].disk_bytes
