import numpy as np
from compression_fakes import context_for, finish, logits_of, toy_model

from emostudio.compression.catalogue import METHODS, unpack
from emostudio.compression.packing import predict_bytes


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
