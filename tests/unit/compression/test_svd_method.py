import dataclasses

import pytest
import torch
from compression_fakes import context_for, finish, logits_of
from torch import nn

from emostudio.compression import svd_layers
from emostudio.compression.catalogue import METHODS
from emostudio.core.errors import InputError, UnsupportedLayerError
from emostudio.core.settings import parse_settings

METHOD = METHODS.get("svd")


def settings(**values):
    return parse_settings(METHOD.settings_type, values, "test")


def decompose(teacher, tmp_path, faces=None, **values):
    context = context_for(tmp_path, teacher, faces)
    return finish(METHOD.apply(teacher, settings(**values), context))


def test_on_its_own_it_takes_large_matrices_only(teacher):
    planned = METHOD.plan(teacher, settings())
    assert planned.layers == ("fc1",)
    reasons = {item.layer: item.reason for item in planned.skipped}
    assert "set scheme to spatial" in reasons["conv2"]
    assert "name the layer" in reasons["squeeze"]
    assert "name the layer" in reasons["fc2"]


def test_the_spatial_scheme_takes_convolutions_too(teacher):
    planned = METHOD.plan(teacher, settings(scheme="spatial"))
    assert planned.layers == ("conv3", "fc1")
    named = METHOD.plan(teacher, settings(scheme="spatial", layers="conv1 conv2 squeeze"))
    assert named.layers == ("conv1", "conv2", "squeeze")


def test_the_budget_bounds_the_factors(teacher):
    planned = METHOD.plan(teacher, settings(budget=0.3))
    factors = planned.model.module.fc1
    weights = sum(layer.weight.numel() for layer in factors)
    assert weights <= 0.3 * teacher.module.fc1.weight.numel()
    assert planned.exact
    assert planned.notes == (f"fc1: rank {factors.reduce.out_features}",)


def test_a_rank_at_break_even_is_refused(teacher):
    limit = svd_layers.break_even_rank(teacher.module.fc1)
    planned = METHOD.plan(teacher, settings(rank=limit))
    reasons = {item.layer: item.reason for item in planned.skipped}
    assert reasons["fc1"] == f"rank {limit} >= break-even rank {limit}"


def test_a_layer_of_low_rank_is_kept_as_it_is(teacher, tmp_path):
    with torch.no_grad():
        weight = teacher.module.fc1.weight
        weight.copy_(torch.randn(40, 3) @ torch.randn(3, weight.shape[1]) * 0.05)
    result, events = decompose(teacher, tmp_path, epochs=0, rank=3)
    assert torch.allclose(logits_of(result), logits_of(teacher), atol=1e-4)
    assert any(event.type == "note" and "100.0%" in event.why for event in events)


def test_energy_finds_the_rank_that_is_there(teacher, tmp_path):
    with torch.no_grad():
        weight = teacher.module.fc1.weight
        weight.copy_(torch.randn(40, 3) @ torch.randn(3, weight.shape[1]) * 0.05)
    wanted = {"epochs": 0, "rank_from": "energy", "energy": 0.99999}
    planned = METHOD.plan(teacher, settings(**wanted))
    assert not planned.exact
    assert any("about rank" in note for note in planned.notes)
    result, _ = decompose(teacher, tmp_path, **wanted)
    assert result.info.structure[0].arguments == {"rank": 3}


def test_a_layer_that_needs_all_its_energy_is_left_alone_and_said(teacher, tmp_path):
    with torch.no_grad():
        weight = teacher.module.fc1.weight
        weight.copy_(torch.randn(40, 3) @ torch.randn(3, weight.shape[1]))
    wanted = {"epochs": 0, "rank_from": "energy", "energy": 1.0, "layers": "fc1 fc2"}
    with torch.no_grad():
        teacher.module.fc2.weight.copy_(torch.eye(4, 40))
    result, events = decompose(teacher, tmp_path, **{**wanted, "energy": 0.999})
    assert [record.layer for record in result.info.structure] == ["fc1"]
    warnings = [event for event in events if event.type == "note" and event.level == "warning"]
    assert [note.what for note in warnings] == ["fc2 is left as it is"]
    assert "break-even" in warnings[0].why


def test_nothing_left_to_decompose_is_an_error(teacher, tmp_path):
    wanted = {"epochs": 0, "rank_from": "energy", "energy": 1.0, "layers": "fc2"}
    with pytest.raises(UnsupportedLayerError, match="No layer"):
        decompose(teacher, tmp_path, **wanted)


def test_layers_are_fine_tuned_one_after_the_other_then_together(teacher, faces, tmp_path):
    wanted = {"scheme": "spatial", "epochs": 2, "epochs_per_layer": 1, "batch_size": 16}
    planned = METHOD.plan(teacher, settings(**wanted))
    _, events = decompose(teacher, tmp_path, faces, **wanted)
    assert [event.epochs for event in events if event.type == "epoch"] == [1, 2, 2]
    assert planned.epochs == 3


def test_cancelling_stops_before_the_result(teacher, tmp_path):
    context = context_for(tmp_path, teacher)

    def cancel(fraction, message):
        raise KeyboardInterrupt(message)

    context = dataclasses.replace(context, job=dataclasses.replace(context.job, report=cancel))
    with pytest.raises(KeyboardInterrupt, match="fc1"):
        finish(METHOD.apply(teacher, settings(epochs=0), context))


@pytest.mark.parametrize("layer", [nn.Linear(4, 4), nn.Conv2d(4, 4, 3)])
def test_a_forged_rank_is_refused(layer):
    with pytest.raises(InputError, match="rank"):
        METHOD.rebuild(layer, {"rank": 10**12})


def test_a_layer_without_a_matrix_is_refused():
    assert METHOD.refuses("x", nn.ReLU(), settings())
    assert METHOD.refuses("x", nn.Conv2d(32, 32, 1, groups=2), settings())
    with pytest.raises(InputError, match="ReLU"):
        METHOD.rebuild(nn.ReLU(), {"rank": 2})
