import dataclasses

import numpy as np
import pytest
import torch
from compression_fakes import context_for, finish

from emostudio.compression.base import PRUNED
from emostudio.compression.catalogue import METHODS
from emostudio.compression.coding import codecs
from emostudio.compression.packing import load_variant, save_variant
from emostudio.compression.pruning_ramp import PruningRamp, magnitude_mask
from emostudio.compression.rules import traits
from emostudio.core.settings import parse_settings

METHOD = METHODS.get("magnitude_pruning")


def settings(**values):
    return parse_settings(METHOD.settings_type, values, "test")


def zeros(model, name):
    return int((model.module.get_submodule(name).weight == 0).sum())


def prune(teacher, tmp_path, faces=None, **values):
    context = context_for(tmp_path, teacher, faces)
    return finish(METHOD.apply(teacher, settings(**values), context))[0]


def test_c1_the_largest_weights_stay(teacher, tmp_path):
    pruned = prune(teacher, tmp_path, epochs=0, sparsity_conv=0.5)
    before = teacher.module.conv2.weight.detach().reshape(-1)
    after = pruned.module.conv2.weight.detach().reshape(-1)
    kept = torch.topk(before.abs(), before.numel() // 2).indices
    assert set(torch.nonzero(after).reshape(-1).tolist()) == set(kept.tolist())
    assert torch.equal(after[kept], before[kept])


def test_every_layer_has_its_share_and_the_outermost_keep_more(teacher, tmp_path):
    pruned = prune(teacher, tmp_path, epochs=0, sparsity_conv=0.6, sparsity_linear=0.9)
    shares = {
        name: zeros(pruned, name) / pruned.module.get_submodule(name).weight.numel()
        for name in ("conv1", "conv2", "conv3", "fc1", "fc2")
    }
    assert shares == pytest.approx(
        {"conv1": 0.2, "conv2": 0.6, "conv3": 0.6, "fc1": 0.9, "fc2": 0.25}, abs=0.005
    )


def test_no_layer_is_emptied(teacher, tmp_path):
    pruned = prune(teacher, tmp_path, epochs=0, sparsity_conv=0.99, layers="squeeze")
    assert zeros(pruned, "squeeze") == 127


def test_pruning_nothing_is_refused_layer_by_layer(teacher):
    planned = METHOD.plan(teacher, settings(sparsity_conv=0.0, sparsity_linear=0.5))
    assert set(planned.layers) == {"fc1", "fc2"}
    assert {item.layer for item in planned.skipped} == {"conv1", "conv2", "conv3", "squeeze"}


def test_c1_masks_hold_through_training_and_the_counts_are_as_planned(teacher, faces, tmp_path):
    pruned = prune(teacher, tmp_path, faces, epochs=3, batch_size=8, sparsity_conv=0.7)
    for name in ("conv2", "conv3", "fc1"):
        coded = pruned.coded[f"{name}.weight"]
        weight = pruned.module.get_submodule(name).weight
        assert int((weight != 0).sum()) == coded.header["survivors"]
        assert np.array_equal(codecs.decode_masked(coded), weight.detach().numpy())
    moved = teacher.module.conv2.weight[pruned.module.conv2.weight != 0]
    assert not torch.equal(moved, pruned.module.conv2.weight[pruned.module.conv2.weight != 0])
    assert not any("mask" in name for name in pruned.module.state_dict())


@pytest.mark.parametrize("make", [
    lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9, weight_decay=0.01),
    lambda parameters: torch.optim.Adam(parameters, lr=0.1, weight_decay=0.01),
    lambda parameters: torch.optim.AdamW(parameters, lr=0.1),
])  # fmt: skip
def test_c1_no_optimiser_brings_masked_weights_back(teacher, make):
    model = teacher.copy()
    layers = {"conv2": model.module.conv2}
    ramp = PruningRamp(layers, 0.1, 20)
    ramp.attach("conv2", None)
    ramp.aim({"conv2": 200})
    optimiser = make(list(model.module.parameters()))
    for step in range(1, 9):
        optimiser.zero_grad()
        model.module(torch.randn(2, 3, 24, 24)).square().sum().backward()
        optimiser.step()
        ramp.after_step(step, 8, optimiser)
        weight = model.module.conv2.weight
        assert int((weight != 0).sum()) == 200
        state = optimiser.state[weight]
        moments = [value for value in state.values() if getattr(value, "shape", ()) == weight.shape]
        assert moments
        assert all(bool((moment[weight == 0] == 0).all()) for moment in moments)


def test_the_ramp_is_cubic_and_only_grows(teacher):
    model = teacher.copy()
    count = model.module.fc1.weight.numel()
    ramp = PruningRamp({"fc1": model.module.fc1}, 0.5, 20)
    ramp.attach("fc1", None)
    ramp.aim({"fc1": 64})
    optimiser = torch.optim.SGD(model.module.parameters(), lr=0.1)
    found = []
    for step in range(1, 41):
        ramp.after_step(step, 40, optimiser)
        found.append(int((model.module.fc1.weight == 0).sum()))
    assert found == sorted(found)
    assert found[9] == pytest.approx((count - 64) * (1 - 0.5**3), abs=1)
    assert found[19:] == [count - 64] * 21


def test_c1_the_mask_survives_saving(teacher, tmp_path):
    pruned = prune(teacher, tmp_path, epochs=0)
    save_variant(pruned, tmp_path / "v.safetensors")
    loaded = load_variant(tmp_path / "v.safetensors")
    assert PRUNED in traits(loaded)["fc1"]
    before = codecs.survivor_mask(pruned.coded["fc1.weight"])
    assert np.array_equal(codecs.survivor_mask(loaded.coded["fc1.weight"]), before)


def test_pruning_again_starts_from_the_survivors(teacher, tmp_path):
    once = prune(teacher, tmp_path, epochs=0, sparsity_conv=0.5)
    twice = prune(once, tmp_path, epochs=0, sparsity_conv=0.8)
    gone = once.module.conv2.weight == 0
    assert bool((twice.module.conv2.weight[gone] == 0).all())
    assert zeros(twice, "conv2") == round(0.8 * once.module.conv2.weight.numel())


def test_among_equals_exactly_the_wanted_number_stays():
    weight, mask = torch.ones(4, 5), torch.ones(4, 5, dtype=torch.bool)
    assert int(magnitude_mask(weight, mask, 7).sum()) == 7
    assert int(magnitude_mask(weight, mask, 0).sum()) == 0


def test_c1_pruning_nothing_is_the_identity(teacher, tmp_path):
    pruned = prune(teacher, tmp_path, epochs=0, sparsity_conv=0.0, sparsity_linear=0.9)
    for name in ("conv1", "conv2", "conv3", "squeeze"):
        layer = pruned.module.get_submodule(name)
        assert torch.equal(layer.weight, teacher.module.get_submodule(name).weight)
    assert set(pruned.coded) == {"fc1.weight", "fc2.weight"}


def test_c1_the_threshold_is_in_standard_deviations_of_the_layer(teacher, tmp_path):
    pruned = prune(teacher, tmp_path, epochs=0, rule="deviation", deviations_conv=1.0)
    before = teacher.module.conv2.weight.detach().numpy()
    kept = np.abs(before) > before.std()
    assert np.array_equal(pruned.module.conv2.weight.detach().numpy(), np.where(kept, before, 0))


@pytest.mark.parametrize("factor", [1e-3, 1.0, 700.0])
def test_c1_the_rule_of_deviations_does_not_mind_the_scale(teacher, tmp_path, factor):
    scaled = teacher.copy()
    with torch.no_grad():
        scaled.module.fc1.weight.mul_(factor)
    masks = [
        prune(model, tmp_path, epochs=0, rule="deviation").module.fc1.weight != 0
        for model in (teacher, scaled)
    ]
    assert torch.equal(*masks)


def test_a_plan_by_deviations_is_an_honest_estimate(teacher, tmp_path):
    gaussian = teacher.copy()
    torch.nn.init.normal_(gaussian.module.fc1.weight, generator=torch.Generator().manual_seed(0))
    planned = METHOD.plan(gaussian, settings(rule="deviation"))
    assert not planned.exact
    assert "normally distributed" in planned.notes[0]
    pruned = prune(gaussian, tmp_path, epochs=0, rule="deviation")
    expected = planned.model.coded["fc1.weight"].header["survivors"]
    assert pruned.coded["fc1.weight"].header["survivors"] == pytest.approx(expected, rel=0.1)


def test_a_threshold_above_every_weight_leaves_one(teacher, tmp_path):
    pruned = prune(
        teacher, tmp_path, epochs=0, rule="deviation", deviations_conv=5.0, layers="squeeze"
    )
    assert zeros(pruned, "squeeze") == 127


def test_rounds_take_turns_with_trainings_and_end_where_planned(teacher, faces, tmp_path):
    wanted = settings(rounds=3, epochs=1, batch_size=8, sparsity_conv=0.9, ramp_share=0.0)
    context, found = context_for(tmp_path, teacher, faces), []

    def train(network, *arguments, **changes):
        result = yield from context.train(network, *arguments, **changes)
        found.append(int((network.conv2.weight == 0).sum()))
        return result

    pruned = finish(METHOD.apply(teacher, wanted, dataclasses.replace(context, train=train)))[0]
    count = pruned.module.conv2.weight.numel()
    assert found == [pytest.approx(0.9 * count * share, abs=1) for share in (1 / 3, 2 / 3, 1)]
    assert zeros(pruned, "conv2") == pytest.approx(0.9 * count, abs=1)
    assert len(METHOD.plan(teacher, wanted).trainings) == 3
