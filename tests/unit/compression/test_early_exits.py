"""Early exits, METHODS.md 2.6: really taken, counted honestly, put where they pay."""

import dataclasses
import math

import numpy as np
import pytest
import scipy.stats
import torch
from compression_fakes import (
    SIDE,
    logits_of,
    toy_model,
)
from early_exit_fakes import (
    METHOD,
    branchy_toy,
    faces,
    middle_limits,
    set_limits,
    settings,
    toy_on_one_thread,
)
from torch import nn

from emostudio.compression import exits, packing
from emostudio.compression.exit_thresholds import Answers, leaving
from emostudio.compression.graph import LayerGraph
from emostudio.compression.surgery import skeleton, weight_layers
from emostudio.core.errors import InputError
from emostudio.evaluation.complexity import count, total_macs
from emostudio.models.branch_points import branch_points
from emostudio.models.branchy import ALWAYS, NEVER, uncertainty
from emostudio.models.catalogue import ARCHITECTURES

toy = pytest.fixture(autouse=True)(toy_on_one_thread)

branchy = pytest.fixture(branchy_toy)


def test_without_thresholds_the_answer_is_the_trunks(branchy):
    model = toy_model()
    assert torch.equal(logits_of(branchy), logits_of(model))


def test_with_an_endless_threshold_the_answer_is_the_first_exits(branchy):
    network = set_limits(branchy, ALWAYS, NEVER)
    with torch.no_grad():
        assert torch.equal(network(faces()), network.all_logits(faces())[0])


def test_every_picture_gets_the_answer_of_the_exit_it_takes(branchy):
    images = faces()
    network = set_limits(branchy, *middle_limits(branchy.module.eval(), images))
    with torch.no_grad():
        heads = torch.stack(network.all_logits(images))
        doubts = np.stack([uncertainty(logits).numpy() for logits in heads[:-1]])
        found = network(images)
    taken = leaving(Answers(doubts, np.ones((3, len(images)), bool)), network.thresholds.tolist())
    assert len(set(taken.tolist())) == 3, "all three ways are taken"
    torch.testing.assert_close(found, heads[taken, torch.arange(len(images))])


def test_shuffled_pictures_give_shuffled_answers(branchy):
    images = faces()
    network = set_limits(branchy, *middle_limits(branchy.module.eval(), images))
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        torch.testing.assert_close(network(images[order]), network(images)[order])


def test_layers_behind_a_taken_exit_never_run(branchy):
    images = faces()
    network = set_limits(branchy, *middle_limits(branchy.module.eval(), images))
    seen = []
    network.conv2.register_forward_hook(lambda _m, inputs, _o: seen.append(len(inputs[0])))
    network.fc2.register_forward_hook(lambda _m, inputs, _o: seen.append(len(inputs[0])))
    with torch.no_grad():
        network(images)
    assert 0 < seen[1] < seen[0] < len(images)
    set_limits(branchy, ALWAYS, NEVER)
    seen.clear()
    with torch.no_grad():
        network(images)
    assert not seen


def test_uncertainty_is_scipys_entropy_over_that_of_chance():
    logits = torch.randn(20, 8, dtype=torch.float64) * 4
    expected = scipy.stats.entropy(torch.softmax(logits, 1).numpy(), axis=1) / math.log(8)
    np.testing.assert_allclose(uncertainty(logits).numpy(), expected, atol=1e-12)
    assert float(uncertainty(torch.zeros(1, 7))) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("limits", "way"), [((ALWAYS, NEVER), 0), ((0.001, ALWAYS), 1), ((0.001, NEVER), 2)]
)
def test_cost_of_a_way_is_what_hooks_count_on_it(branchy, limits, way):
    network = set_limits(branchy, *limits)
    expected = exits.way_macs(network, (3, SIDE, SIDE), limits)[way]
    counted = 0

    def hook(layer, inputs, output):
        nonlocal counted
        if isinstance(layer, nn.Conv2d):
            counted += output[0].numel() * layer.weight[0].numel()
        elif isinstance(layer, nn.Linear):
            counted += layer.weight.numel()

    for layer in network.modules():
        layer.register_forward_hook(hook)
    with torch.no_grad():
        network(faces(1))
    assert counted == expected


def test_complexity_counts_the_longest_way_with_every_branch(branchy):
    trunk, branches = exits.exit_macs(branchy.module, (3, SIDE, SIDE))
    for network in (branchy.module, skeleton(branchy).module):
        assert total_macs(count(network, (3, SIDE, SIDE))) == trunk[-1] + sum(branches)


def test_the_file_grows_by_the_branches(branchy):
    model = toy_model()
    added = sum(tensor.numel() for tensor in branchy.module.exits.parameters())
    assert branchy.parameter_count == model.parameter_count + added
    assert packing.predict_bytes(branchy) > packing.predict_bytes(model) + 4 * added
    branch = branchy.module.exits["pool1"]
    assert sum(tensor.numel() for tensor in branch.parameters()) == 8 * 64 * 9 + 128 + 64 * 4 + 4


def test_layers_of_the_trunk_keep_their_names_and_are_followed_through(branchy):
    names = list(weight_layers(toy_model().module))
    assert list(weight_layers(branchy.module))[: len(names)] == names
    graph = LayerGraph(branchy.module)
    assert graph.after("pool1") == ("exits.pool1.conv", "conv2")
    assert graph.before("fc2") == ("relu4",)


def test_exits_go_where_the_method_text_says():
    def points(key, **values):
        member = ARCHITECTURES.get(key)
        with torch.device("meta"):
            trunk = member.build(member.settings_type(**values))
        side = member.settings_type(**values).input_size
        return branch_points(trunk, member.family, "auto", (3, side, side))

    assert points("vgg_s_paper") == {"pool2": 256, "relu4": 512}
    assert points("squeezenet1_1") == {"fire4": 256, "fire6": 384}
    assert list(points("pvanet")) == ["conv3_1", "conv4_2"]  # 0.314 and 0.667 of the work
    assert len(points("tiny_darknet")) == 2


def test_exits_in_impossible_places_are_refused():
    model = toy_model()
    for after in ("fc1", "nowhere", "squeeze pool9"):
        with pytest.raises(InputError, match="Exits cannot be added there"):
            METHOD.plan(model, settings(after=after))
    odd = dataclasses.replace(model, module=nn.ModuleList([model.module]))
    assert "not a chain" in METHOD.plan(odd, settings(after="auto")).skipped[0].reason


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"exits": {}, "classes": 4, "weights": "equal"},
        {"exits": {"pool1": 10**9}, "classes": 4, "weights": "equal"},
        {"exits": {"pool1": True}, "classes": 4, "weights": "equal"},
        {"exits": {"nowhere": 8}, "classes": 4, "weights": "equal"},
        {"exits": {"pool1": 8}, "classes": 10**9, "weights": "equal"},
        {"exits": {"pool1": 8}, "classes": 4, "weights": [1, 1]},
        {"exits": {f"pool{n}": 8 for n in range(99)}, "classes": 4, "weights": "equal"},
    ],
)
def test_forged_descriptions_are_refused(arguments):
    with pytest.raises(InputError):
        METHOD.rebuild(toy_model().module, arguments)
