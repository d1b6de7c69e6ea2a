import dataclasses

import pytest
import torch
from compression_fakes import context_for, finish, logits_of
from torch import nn

from emostudio.compression import tucker_hooi
from emostudio.compression.catalogue import METHODS
from emostudio.core.errors import InputError
from emostudio.core.settings import parse_settings

METHOD = METHODS.get("tucker2")


def settings(**values):
    return parse_settings(METHOD.settings_type, values, "test")


def decompose(teacher, tmp_path, faces=None, **values):
    context = context_for(tmp_path, teacher, faces)
    return finish(METHOD.apply(teacher, settings(**values), context))


def test_on_its_own_it_takes_the_larger_convolutions(teacher):
    planned = METHOD.plan(teacher, settings())
    assert planned.layers == ("conv2", "conv3")
    reasons = {item.layer: item.reason for item in planned.skipped}
    assert "first layer" in reasons["conv1"]
    assert "use svd" in reasons["squeeze"]
    assert "use svd" in reasons["fc1"]


def test_f2_the_budget_bounds_core_and_factors(teacher):
    planned = METHOD.plan(teacher, settings(budget=0.4, layers="conv3"))
    layers = planned.model.module.conv3
    assert list(dict(layers.named_children())) == ["reduce", "core", "expand"]
    needed = sum(layer.weight.numel() for layer in layers)
    arguments = planned.model.info.structure[0].arguments
    out_rank, in_rank = arguments["out_rank"], arguments["in_rank"]
    assert needed == 16 * in_rank + in_rank * out_rank * 9 + 16 * out_rank
    assert needed <= 0.4 * teacher.module.conv3.weight.numel()


def test_ranks_of_no_use_are_refused(teacher):
    planned = METHOD.plan(teacher, settings(out_rank=16, in_rank=16, layers="conv3"))
    assert planned.layers == ()
    assert "break-even: 2816 weights instead of 2304" in planned.skipped[0].reason


def test_given_ranks_are_taken_and_cut_to_the_layer(teacher, tmp_path):
    result, _ = decompose(teacher, tmp_path, epochs=0, out_rank=5, in_rank=100, layers="conv2")
    assert result.info.structure[0].arguments == {"out_rank": 5, "in_rank": 8}
    assert result.module.conv2.core.weight.shape == (5, 8, 3, 3)


def test_a_kernel_of_low_rank_is_kept_as_it_is(teacher, tmp_path):
    with torch.no_grad():
        core = torch.randn(4, 3, 3, 3)
        kernel = torch.einsum("abyx,ta,sb->tsyx", core, torch.randn(16, 4), torch.randn(16, 3))
        teacher.module.conv3.weight.copy_(0.02 * kernel)
    result, events = decompose(teacher, tmp_path, epochs=0, out_rank=4, in_rank=3, layers="conv3")
    assert torch.allclose(logits_of(result), logits_of(teacher), atol=1e-4)
    assert any(
        event.type == "note" and event.why == "keeps 100.0% of its energy" for event in events
    )


def test_f2_vbmf_finds_planted_ranks_and_the_plan_says_it_guesses(teacher, tmp_path):
    generator = torch.Generator().manual_seed(3)
    layer = nn.Conv2d(64, 64, 3, padding=1)
    with torch.no_grad():
        sides = [torch.randn(64, rank, generator=generator) for rank in (24, 16)]
        core = torch.randn(24, 16, 3, 3, generator=generator)
        kernel = torch.einsum("abyx,ta,sb->tsyx", core, *sides)
        layer.weight.copy_(kernel + 0.5 * torch.randn(64, 64, 3, 3, generator=generator))
    teacher.module.conv3 = nn.Sequential(nn.Conv2d(16, 64, 1), layer, nn.Conv2d(64, 16, 3, 2))
    wanted = {"epochs": 0, "rank_from": "vbmf", "layers": "conv3.1"}
    planned = METHOD.plan(teacher, settings(**wanted))
    assert not planned.exact
    assert any("finds its ranks in the weights" in note for note in planned.notes)
    result, _ = decompose(teacher, tmp_path, **wanted)
    assert result.info.structure[0].arguments == {"out_rank": 24, "in_rank": 16}


def test_f2_weights_like_noise_get_the_smallest_ranks(teacher, tmp_path):
    wanted = {"epochs": 0, "rank_from": "vbmf", "layers": "conv3"}
    with torch.no_grad():
        teacher.module.conv3.weight.normal_(generator=torch.Generator().manual_seed(4))
    result, _ = decompose(teacher, tmp_path, **wanted)
    assert result.info.structure[0].arguments == {"out_rank": 8, "in_rank": 8}


def test_a_layer_that_would_not_get_smaller_is_left_alone_and_said(teacher, tmp_path):
    # with all 16 outputs kept, the 8 inputs of conv2 cannot be cut far enough to pay
    wanted = {"rank_from": "vbmf", "layers": "conv2 conv3", "out_rank": 16}
    with torch.no_grad():
        teacher.module.conv3.weight.normal_(generator=torch.Generator().manual_seed(4))
    result, events = decompose(teacher, tmp_path, epochs=0, **wanted)
    warnings = [event for event in events if event.type == "note" and event.level == "warning"]
    assert [note.what for note in warnings] == ["conv2 is left as it is"]
    assert "break-even" in warnings[0].why
    assert [record.layer for record in result.info.structure] == ["conv3"]


def test_matrices_asked_for_by_name_get_two_factors(teacher, tmp_path):
    result, _ = decompose(teacher, tmp_path, epochs=0, layers="squeeze fc1", budget=0.3)
    assert [list(record.arguments) for record in result.info.structure] == [["rank"], ["rank"]]
    assert isinstance(result.module.fc1.reduce, nn.Linear)
    assert result.module.squeeze.reduce.kernel_size == (1, 1)


def test_vbmf_finds_the_rank_of_a_matrix(teacher, tmp_path):
    generator = torch.Generator().manual_seed(6)
    with torch.no_grad():
        weight = teacher.module.fc1.weight
        sides = [torch.randn(side, 16, generator=generator) for side in weight.shape]
        weight.copy_(sides[0] @ sides[1].T + 0.05 * torch.randn(weight.shape, generator=generator))
    result, _ = decompose(teacher, tmp_path, epochs=0, rank_from="vbmf", layers="fc1")
    assert result.info.structure[0].arguments == {"rank": 16}


def test_layers_are_fine_tuned_one_after_the_other_then_together(teacher, faces, tmp_path):
    _, events = decompose(teacher, tmp_path, faces, epochs=2, epochs_per_layer=1, batch_size=16)
    assert [event.epochs for event in events if event.type == "epoch"] == [1, 2, 2]


def test_cancelling_inside_the_solver_stops_it(teacher, tmp_path):
    context = context_for(tmp_path, teacher)

    def cancel(fraction, message):
        raise KeyboardInterrupt(message)

    context = dataclasses.replace(context, job=dataclasses.replace(context.job, report=cancel))
    with pytest.raises(KeyboardInterrupt, match="conv2: error"):
        finish(METHOD.apply(teacher, settings(epochs=0), context))


def test_each_sweep_is_reported(teacher, tmp_path):
    told = []
    context = context_for(tmp_path, teacher)
    job = dataclasses.replace(context.job, report=lambda *event: told.append(event))
    context = dataclasses.replace(context, job=job)
    finish(METHOD.apply(teacher, settings(epochs=0, layers="conv3", sweeps=4), context))
    kernel = teacher.module.conv3.weight.detach()
    ranks = tucker_hooi.budget_ranks((16, 16, 3, 3), 0.4)
    expected = tucker_hooi.decompose(kernel, ranks, sweeps=4).errors
    assert [message for _, message in told] == [
        f"Decomposing conv3: error {error:.3f}" for error in expected
    ]


@pytest.mark.parametrize(
    "arguments", [{}, {"out_rank": 2}, {"out_rank": 2, "in_rank": -1}, {"rank": 2}]
)
def test_forged_ranks_are_refused(arguments):
    with pytest.raises(InputError, match="rank is"):
        METHOD.rebuild(nn.Conv2d(4, 4, 3), arguments)


def test_grouped_and_other_layers_are_refused():
    assert METHOD.refuses("x", nn.Conv2d(8, 8, 3, groups=8), settings())
    assert METHOD.refuses("x", nn.ReLU(), settings())
