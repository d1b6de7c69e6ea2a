"""Costs of small networks, computed by hand and, as a whole, by torch's own counter."""

import copy

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from emostudio.evaluation.complexity import count, total_macs, total_parameters


class _Branches(nn.Module):
    def __init__(self):
        super().__init__()
        self.left, self.right = nn.Conv2d(3, 2, 1), nn.Conv2d(3, 2, 3, padding=1)

    def forward(self, features):
        return torch.cat([self.left(features), self.right(features)], dim=1)


class _Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1, bias=False)

    def forward(self, features):
        return self.conv(self.conv(features))


NETWORKS = {
    "linear": (nn.Sequential(nn.Flatten(), nn.Linear(48, 5)), (3, 4, 4), 245, 240),
    "no bias": (nn.Sequential(nn.Flatten(), nn.Linear(48, 5, bias=False)), (3, 4, 4), 240, 240),
    "conv": (nn.Conv2d(3, 8, 3), (3, 8, 8), 224, 8 * 6 * 6 * 27),
    "padded": (nn.Conv2d(3, 8, 3, padding=1), (3, 8, 8), 224, 8 * 8 * 8 * 27),
    "strided": (nn.Conv2d(1, 4, 5, stride=2), (1, 11, 11), 104, 4 * 4 * 4 * 25),
    "grouped": (nn.Conv2d(4, 8, 3, groups=2), (4, 6, 6), 152, 8 * 4 * 4 * 18),
    "depthwise": (nn.Conv2d(4, 4, 3, groups=4, bias=False), (4, 5, 5), 36, 4 * 3 * 3 * 9),
    "batch norm": (
        nn.Sequential(nn.Conv2d(3, 2, 1, bias=False), nn.BatchNorm2d(2), nn.ReLU()),
        (3, 4, 4),
        10,
        2 * 16 * 3,
    ),
    "branches": (_Branches(), (3, 4, 4), 8 + 56, 2 * 16 * 3 + 2 * 16 * 27),
    "shared": (_Twice(), (3, 4, 4), 9, 2 * 3 * 16 * 3),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_costs_equal_those_computed_by_hand(name):
    network, shape, parameters, macs = NETWORKS[name]
    costs = count(network, shape)
    assert (total_parameters(costs), total_macs(costs)) == (parameters, macs)


@pytest.mark.parametrize("name", NETWORKS)
def test_macs_equal_half_the_flops_torch_counts(name):
    network, shape, _, macs = NETWORKS[name]
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        network.eval()(torch.zeros(1, *shape))
    assert counter.get_total_flops() == 2 * macs


def test_layers_come_in_running_order_with_names_and_shapes():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
    costs = count(network, (3, 8, 8))
    assert [(cost.name, cost.kind) for cost in costs] == [
        ("0", "conv"),
        ("1", "activation"),
        ("2", "pool"),
        ("3", "shape"),
    ]
    assert [cost.output_shape for cost in costs] == [(4, 6, 6), (4, 6, 6), (4, 3, 3), (36,)]


def test_counting_works_without_values():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(144, 8))
    on_meta = copy.deepcopy(network).to("meta")
    assert count(on_meta, (3, 8, 8)) == count(network, (3, 8, 8))


def test_counting_leaves_the_network_as_it_was():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    count(network, (3, 8, 8))
    assert network.training
    assert not network[0]._forward_hooks
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_special_layers_declare_their_own_cost():
    class Hashed(nn.Linear):
        def mac_count(self, output_shape):
            return 7 * output_shape[0]

    costs = count(nn.Sequential(nn.Flatten(), Hashed(48, 5)), (3, 4, 4))
    assert costs[1].macs == 35
    assert costs[1].kind == "linear"
