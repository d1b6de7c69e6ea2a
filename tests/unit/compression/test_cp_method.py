import dataclasses

import pytest
import torch
from compression_fakes import context_for, finish, logits_of
from torch import nn

from emostudio.compression import cp_als, cp_layers
from emostudio.compression.catalogue import METHODS
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


def test_f1_the_survey_s_layers_and_rank_leave_556872_parameters():
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
    assert (rank + 1) * (16 + 16 + 3 + 3) > 0.4 * 2304


def test_a_rank_at_break_even_is_refused(teacher):
    limit = cp_layers.break_even_rank(teacher.module.conv3, "four")
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


@pytest.fixture
def never_stable(monkeypatch):
    """Let every try end degenerate, and note the ridges tried."""
    tried, real = [], cp_als.decompose

    def degenerate(kernel, start, **options):
        tried.append(options["ridge"])
        found = real(kernel, start, **{**options, "sweeps": 1})
        return cp_als.Decomposition(found.factors, found.errors, rho=9.0)

    monkeypatch.setattr(cp_als, "decompose", degenerate)
    return tried


def test_a_degenerate_result_is_refused_after_the_retries(teacher, tmp_path, never_stable):
    with pytest.raises(UnsupportedLayerError, match=r"conv2.*cancel"):
        decompose(teacher, tmp_path, epochs=0, rank=4, restarts=2)
    assert [first for first, _ in never_stable] == pytest.approx([0.01, 0.1, 1.0])


@pytest.mark.usefixtures("never_stable")
def test_the_doctor_names_the_blow_up_at_every_try(teacher, tmp_path):
    told = []
    steps = METHOD.apply(
        teacher,
        settings(epochs=0, rank=4, restarts=1, size_only=True),
        context_for(tmp_path, teacher),
    )
    with pytest.raises(UnsupportedLayerError):
        told.extend(event for event in iter(lambda: next(steps), None) if event.type == "note")
    assert [note.level for note in told] == ["doctor", "doctor"]
    assert all(note.what.startswith("Component blow-up: terms of conv2") for note in told)
    assert "9.0 times" in told[0].why
    assert "ten times the ridge" in told[0].next_step
    assert "lower rank" in told[1].next_step


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


def test_three_convolutions_keep_the_window_in_one_piece(teacher, tmp_path):
    result, _ = decompose(teacher, tmp_path, epochs=0, scheme="three", layers="conv3", sweeps=10)
    layers = result.module.conv3
    assert [name for name, _ in layers.named_children()] == ["reduce", "taps", "expand"]
    rank = int(0.4 * 2304 / (16 + 9 + 16))
    assert layers.taps.weight.shape == (rank, 1, 3, 3)
    assert layers.taps.stride == (2, 2)
    assert result.info.structure[0].arguments == {"rank": rank, "scheme": "three"}


def test_files_of_earlier_versions_state_the_rank_alone():
    layers = METHOD.rebuild(nn.Conv2d(4, 4, 3), {"rank": 2})
    assert list(dict(layers.named_children())) == ["reduce", "rows", "columns", "expand"]


@pytest.mark.parametrize("arguments", [{"rank": 2, "scheme": "nine"}, {"rank": 2, "scheme": []}])
def test_a_forged_scheme_is_refused(arguments):
    with pytest.raises(InputError, match="scheme"):
        METHOD.rebuild(nn.Conv2d(4, 4, 3), arguments)


def test_the_polish_lowers_the_error_and_may_be_left_out(teacher, tmp_path):
    errors = []
    for polish in (0, 100):
        _, events = decompose(teacher, tmp_path, epochs=0, layers="conv3", sweeps=20, polish=polish)
        notes = [event for event in events if event.type == "note"]
        note = next(note for note in notes if note.what.startswith("conv3 decomposed"))
        errors.append(float(note.why.split()[2].strip(",")))
    assert errors[1] < errors[0]


def test_ranks_of_a_budget_fill_the_vectors_of_the_depthwise_kernels():
    planned = METHOD.plan(squeezenet(), settings(layers="fire*.expand3x3", budget=0.9))
    ranks = {record.arguments["rank"] for record in planned.model.info.structure}
    assert ranks == {96, 192, 288, 400}
