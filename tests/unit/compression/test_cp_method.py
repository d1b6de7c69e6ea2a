import dataclasses

import pytest
import torch
from compression_fakes import context_for, finish, logits_of
from torch import nn

from emostudio.compression import cp_als
from emostudio.compression.catalogue import METHODS
from emostudio.compression.cp_layers import filled_layers
from emostudio.core.emotions import EMOTIONS
from emostudio.core.errors import InputError, UnsupportedLayerError
from emostudio.core.settings import parse_settings
from emostudio.models.catalogue import build, new_info
from emostudio.models.loaded import LoadedModel

METHOD = METHODS.get("cp")


def settings(**values):
    return parse_settings(METHOD.settings_type, values, "test")


def decompose(teacher, tmp_path, faces=None, **values):
    context = context_for(tmp_path, teacher, faces)
    return finish(METHOD.apply(teacher, settings(**values), context))


def squeezenet(**values):
    info = new_info("teacher", "squeezenet1_1", values, EMOTIONS)
    with torch.device("meta"):
        return LoadedModel(info, module=build(info))


def test_the_survey_s_layers_and_rank_leave_556872_parameters():
    planned = METHOD.plan(squeezenet(), settings())
    assert planned.layers == ("fire8.expand3x3", "fire9.expand3x3")
    assert planned.model.parameter_count == 556_872
    saved = 1 - planned.model.parameter_count / 726_600
    assert saved == pytest.approx(0.2336, abs=1e-4)


def test_without_a_published_choice_every_larger_convolution_is_taken(teacher):
    planned = METHOD.plan(teacher, settings(budget=0.5))
    assert planned.layers == ("conv2", "conv3")
    reasons = {item.layer: item.reason for item in planned.skipped}
    assert "first layer" in reasons["conv1"]
    assert "1x1" in reasons["squeeze"]
    assert reasons["fc1"] == "not a convolution"


def test_the_budget_bounds_the_factors(teacher):
    planned = METHOD.plan(teacher, settings(budget=0.4, layers="conv3"))
    factors = planned.model.module.conv3
    weights = sum(layer.weight.numel() for layer in factors)
    assert weights <= 0.4 * teacher.module.conv3.weight.numel()
    rank = factors.reduce.out_channels
    assert cp_als.parameter_count((16, 16, 3, 3), rank + 1) > 0.4 * 2304


def test_a_rank_at_break_even_is_refused(teacher):
    limit = cp_als.break_even_rank((16, 16, 3, 3))
    planned = METHOD.plan(teacher, settings(rank=limit, layers="conv3"))
    assert planned.layers == ()
    assert planned.skipped[0].reason == f"rank {limit} >= break-even rank {limit}"


def test_the_children_are_ordinary_convolutions(teacher, tmp_path):
    result, _ = decompose(teacher, tmp_path, epochs=0, rank=6)
    children = dict(result.module.conv2.named_children())
    assert list(children) == ["reduce", "rows", "columns", "expand"]
    assert all(isinstance(child, nn.Conv2d) for child in children.values())


def test_a_nearly_full_rank_is_nearly_the_teacher(teacher, tmp_path):
    # conv3 made of six terms: rank 8 must find them
    planted = cp_als.random_start((16, 16, 3, 3), 6, torch.Generator().manual_seed(1)).kernel()
    with torch.no_grad():
        teacher.module.conv3.weight.copy_(0.05 * planted)
    result, _ = decompose(
        teacher, tmp_path, epochs=0, rank=9, layers="conv3", sweeps=800, ridge=1e-6
    )
    before, after = logits_of(teacher), logits_of(result)
    assert float((before - after).norm() / before.norm()) < 1e-4


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "dilation"),
    [
        ((3, 3), (1, 1), (1, 1), (1, 1)),
        ((5, 3), (2, 1), (0, 2), (1, 2)),
        ((3, 5), (1, 3), (2, 0), (2, 1)),
    ],
)
def test_exact_factors_keep_the_output_of_any_geometry(kernel, stride, padding, dilation):
    torch.manual_seed(0)
    layer = nn.Conv2d(4, 6, kernel, stride, padding, dilation).double()
    factors = cp_als.exact_factors(layer.weight.detach())
    layers = filled_layers(layer, factors).double()
    with torch.no_grad():
        for name, factor in zip(("expand", "reduce", "rows", "columns"), factors.all, strict=True):
            shape = layers.get_submodule(name).weight.shape
            values = factor if name == "expand" else factor.T
            layers.get_submodule(name).weight.copy_(values.reshape(shape))
        layers.expand.bias.copy_(layer.bias)
        images = torch.randn(2, 4, 17, 19, dtype=torch.float64)
        assert torch.allclose(layers(images), layer(images), atol=1e-12)


def test_a_degenerate_result_is_refused_after_the_retries(teacher, tmp_path, monkeypatch):
    tried = []
    real = cp_als.decompose

    def degenerate(kernel, start, **options):
        tried.append(options["ridge"])
        found = real(kernel, start, **{**options, "sweeps": 1})
        return cp_als.Decomposition(found.factors, found.errors, rho=9.0)

    monkeypatch.setattr(cp_als, "decompose", degenerate)
    with pytest.raises(UnsupportedLayerError, match=r"conv2.*cancel"):
        decompose(teacher, tmp_path, epochs=0, rank=4, restarts=2)
    assert [first for first, _ in tried] == pytest.approx([0.01, 0.1, 1.0])


def test_cancelling_inside_the_solver_stops_it(teacher, tmp_path):
    context = context_for(tmp_path, teacher)

    def cancel(fraction, message):
        raise KeyboardInterrupt(message)

    job = dataclasses.replace(context.job, report=cancel)
    context = dataclasses.replace(context, job=job)
    with pytest.raises(KeyboardInterrupt, match="conv2"):
        finish(METHOD.apply(teacher, settings(epochs=0), context))


def test_layers_are_fine_tuned_one_after_the_other_then_together(teacher, faces, tmp_path):
    _, events = decompose(teacher, tmp_path, faces, epochs=2, epochs_per_layer=1, rank=6)
    epochs = [event for event in events if event.type == "epoch"]
    assert [event.epochs for event in epochs] == [1, 2, 2]


def test_a_forged_rank_is_refused():
    with pytest.raises(InputError, match="rank"):
        METHOD.rebuild(nn.Conv2d(4, 4, 3), {"rank": 10**12})


def test_grouped_and_oddly_padded_convolutions_are_refused():
    reasons = [
        METHOD.refuses("x", layer, settings(rank=2))
        for layer in (
            nn.Conv2d(8, 8, 3, groups=8),
            nn.Conv2d(8, 8, 3, padding="same"),
            nn.Conv2d(8, 8, 3, padding_mode="reflect", padding=1),
        )
    ]
    assert all(reasons)
