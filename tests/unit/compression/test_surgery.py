import copy

import pytest
import torch
from compression_fakes import toy_model
from torch import nn

from emostudio.compression import surgery
from emostudio.core.errors import InputError


def test_a_layer_is_replaced_at_any_depth():
    network = nn.Sequential(nn.Sequential(nn.ReLU(), nn.Linear(3, 3)), nn.ReLU())
    surgery.replace_layer(network, "0.1", nn.Identity())
    assert isinstance(network[0][1], nn.Identity)


def test_a_path_without_layer_is_named():
    with pytest.raises(InputError, match=r"conv7\.rows"):
        surgery.layer_at(toy_model().module, "conv7.rows")


def test_the_skeleton_has_shapes_but_no_values_and_leaves_the_model_alone():
    model = toy_model()
    before = copy.deepcopy(model.module.state_dict())
    planned = surgery.skeleton(model)
    assert all(tensor.is_meta for tensor in planned.module.state_dict().values())
    shapes = {name: tensor.shape for name, tensor in planned.module.state_dict().items()}
    assert shapes == {name: tensor.shape for name, tensor in before.items()}
    after = model.module.state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ("all", {"a.x", "a.y", "b"}),
        ("", {"a.x", "a.y", "b"}),
        ("a.*", {"a.x", "a.y"}),
        ("a.x + b", {"a.x", "b"}),
        ("a.y;b", {"a.y", "b"}),
    ],
)
def test_layers_are_chosen_by_wildcards(patterns, expected):
    assert surgery.matching({"a.x": 1, "a.y": 2, "b": 3}, patterns) == expected


def test_a_pattern_that_matches_nothing_lists_the_layers():
    with pytest.raises(InputError, match=r"fire9.*Layers: a\.x, b"):
        surgery.matching({"a.x": 1, "b": 2}, "fire9")


def test_the_path_of_a_block_selects_what_is_inside():
    assert surgery.matching({"a.x": 1, "a.y": 2, "ab": 3}, "a") == {"a.x", "a.y"}


def test_the_empty_path_replaces_the_network_itself():
    network = nn.Sequential(nn.ReLU())
    new = nn.Identity()
    assert surgery.put(network, "", new) is new
    assert surgery.put(network, "0", new) is network
    assert network[0] is new


def test_layers_of_methods_count_as_weight_layers():
    class Buckets(surgery.WeightHolder):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(5))

    network = nn.Sequential(nn.Linear(2, 2), Buckets())
    assert list(surgery.weight_layers(network)) == ["0", "1"]
