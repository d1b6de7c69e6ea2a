"""Channels followed, removed and judged; references are gates and formulas, not our own graph."""

from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from emostudio.compression.channel_following import IS_OUTPUT, PAIRED
from emostudio.compression.channel_scores import TaylorScores
from emostudio.compression.channel_surgery import cut_layer, remove_channels
from emostudio.compression.channels import ChannelGraph
from emostudio.core.errors import InputError
from emostudio.evaluation import complexity
from emostudio.models.catalogue import ARCHITECTURES

SHAPE = (3, 40, 40)


class ResidualToy(nn.Module):
    """Two convolutions whose outputs are added, a depthwise one, and two concatenated branches."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 12, 3, padding=1)
        self.inner = nn.Conv2d(12, 12, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(12)
        self.depthwise = nn.Conv2d(12, 12, 3, padding=1, groups=12)
        self.left = nn.Conv2d(12, 10, 1)
        self.right = nn.Conv2d(12, 6, 3, padding=1)
        self.dense = nn.Linear(16, 4)

    def forward(self, images):
        stem = F.relu(self.stem(images))
        summed = F.relu(self.depthwise(F.relu(stem + self.bn(self.inner(stem)))))
        joined = torch.cat((F.relu(self.left(summed)), F.relu(self.right(summed))), 1)
        return self.dense(joined.mean((2, 3)))


def gated_toy(toy, images, gates):
    """Run a `ResidualToy` with channels forced to zero wherever they are made."""
    added, left, right = (gates[name].view(1, -1, 1, 1) for name in ("stem", "left", "right"))
    stem = F.relu(toy.stem(images)) * added
    summed = F.relu(stem + toy.bn(toy.inner(stem))) * added
    summed = F.relu(toy.depthwise(summed)) * added
    joined = torch.cat((F.relu(toy.left(summed)) * left, F.relu(toy.right(summed)) * right), 1)
    return toy.dense(joined.mean((2, 3)))


def lively(network, seed=0):
    """Give a network values none of which is zero, in double precision."""
    generator = torch.Generator().manual_seed(seed)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.copy_(torch.rand(layer.num_features, generator=generator) - 0.5)
            layer.running_var.copy_(torch.rand(layer.num_features, generator=generator) + 0.5)
    with torch.no_grad():
        for parameter in network.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.copy_(noise / max(parameter[0].numel(), 4) ** 0.5)
    return network.double().eval()


def built(key, **values):
    architecture = ARCHITECTURES.get(key)
    settings = architecture.settings_type(class_count=5, input_size=SHAPE[1], **values)
    return lively(architecture.build(settings))


def images(count=2):
    return torch.randn(count, *SHAPE, generator=torch.Generator().manual_seed(9)).double()


def removed_at_random(graph, share=0.4, seed=1):
    """Return which channels stay, and for each producer a gate of ones and zeros."""
    generator = np.random.default_rng(seed)
    alive = np.ones(graph.count, bool)
    for block in graph.blocks:
        if not block.reason:
            count = max(1, int(share * len(block.channels)))
            alive[generator.choice(block.channels, count, replace=False)] = False
    gates = {
        name: torch.from_numpy(alive[found.outputs]).double()
        for name, found in graph.producers.items()
    }
    return alive, gates


def gate_activations(network, gates, activation_of):
    """Force channels to zero where `activation_of(layer)` says their maps are complete."""
    for name, gate in gates.items():
        layer = network.get_submodule(activation_of(name))

        def force(_layer, _inputs, output, gate=gate):
            return output * gate.view(1, -1, *[1] * (output.ndim - 2))

        layer.register_forward_hook(force)


def relu_of_vgg(name):
    return f"relu{name[-1]}" if name != "fc8" else name


def relu_of_squeezenet(name):
    if name == "conv10":
        return name
    return "relu1" if name == "conv1" else f"{name}_relu"


@pytest.mark.parametrize(
    ("key", "values", "activation_of"),
    [
        ("vgg_s_lite", {"width": 0.125, "dense_width": 24}, relu_of_vgg),
        ("squeezenet1_1", {}, relu_of_squeezenet),
        ("squeezenet1_1", {"bn": True}, relu_of_squeezenet),
    ],
)
def test_c2_the_pruned_network_is_the_gated_one(key, values, activation_of):
    network, gated = built(key, **values), built(key, **values)
    graph = ChannelGraph(network, SHAPE)
    alive, gates = removed_at_random(graph)
    gate_activations(gated, gates, activation_of)
    changed = remove_channels(network, graph, np.ones_like(alive), alive)
    with torch.no_grad():
        expected, found = gated(images()), network(images())
    assert len(changed) > 10
    assert torch.allclose(found, expected, atol=1e-9)
    assert not torch.allclose(found, built(key, **values)(images()), atol=1e-3)


def test_c2_added_channels_go_together_and_the_rest_is_as_if_gated():
    network, whole = lively(ResidualToy()), lively(ResidualToy())
    graph = ChannelGraph(network, SHAPE)
    assert {block.producers for block in graph.blocks if not block.reason} == {
        ("stem", "inner"), ("left",), ("right",),
    }  # fmt: skip
    alive, gates = removed_at_random(graph)
    assert torch.equal(gates["stem"], gates["inner"])
    with torch.no_grad():
        expected = gated_toy(whole, images(), gates)
        remove_channels(network, graph, np.ones_like(alive), alive)
        assert torch.allclose(network(images()), expected, atol=1e-9)
    assert network.depthwise.groups == network.depthwise.in_channels == int(gates["stem"].sum())


def test_c2_removing_in_two_goes_is_removing_at_once():
    once, twice = lively(ResidualToy()), lively(ResidualToy())
    graph = ChannelGraph(once, SHAPE)
    everything = np.ones(graph.count, bool)
    alive, _ = removed_at_random(graph, share=0.5)
    halfway = alive | (np.arange(graph.count) % 2 == 0)
    remove_channels(once, graph, everything, alive)
    remove_channels(twice, graph, everything, halfway)
    remove_channels(twice, graph, halfway, alive)
    assert all(
        torch.equal(one, other)
        for one, other in zip(once.state_dict().values(), twice.state_dict().values(), strict=True)
    )


def test_c2_a_shift_of_the_normalisation_goes_with_its_channel():
    network = lively(built("vgg_s_lite", width=0.125, dense_width=24))
    graph = ChannelGraph(network, SHAPE)
    alive = np.ones(graph.count, bool)
    alive[graph.layers["conv2"].outputs[3]] = False
    bias = network.bn2.bias.detach().clone()
    remove_channels(network, graph, np.ones_like(alive), alive)
    assert torch.equal(network.bn2.bias, torch.cat((bias[:3], bias[4:])))
    assert network.bn2.running_var.shape == bias[1:].shape


def test_c2_removing_nothing_changes_nothing():
    network = built("squeezenet1_1")
    graph = ChannelGraph(network, SHAPE)
    layers = dict(network.named_modules())
    everything = np.ones(graph.count, bool)
    assert remove_channels(network, graph, everything, everything) == ()
    assert all(layers[name] is layer for name, layer in network.named_modules())


def test_c2_fc6_loses_the_columns_of_the_channel():
    architecture = ARCHITECTURES.get("vgg_s_lite")
    settings = architecture.settings_type(class_count=5, input_size=224, width=0.125)
    network = lively(architecture.build(settings))
    graph = ChannelGraph(network, (3, 224, 224))
    channels = network.conv5.out_channels
    assert network.fc6.in_features == 36 * channels
    before = network.fc6
    alive = np.ones(graph.count, bool)
    gone = [0, 7, channels - 1]
    alive[graph.layers["conv5"].outputs[gone]] = False
    remove_channels(network, graph, np.ones_like(alive), alive)
    kept = [channel for channel in range(channels) if channel not in gone]
    for place, channel in enumerate(kept):
        old, new = torch.zeros(1, channels, 6, 6), torch.zeros(1, len(kept), 6, 6)
        pattern = torch.arange(36.0).view(6, 6)
        old[0, channel], new[0, place] = pattern, pattern
        assert torch.equal(before(old.double().flatten(1)), network.fc6(new.double().flatten(1)))


def test_c2_parameters_and_multiply_adds_are_those_of_the_formula():
    network = built("vgg_s_lite", width=0.25, dense_width=32)
    graph = ChannelGraph(network, SHAPE)
    alive, _ = removed_at_random(graph)
    remove_channels(network, graph, np.ones_like(alive), alive)
    costs = {cost.name: cost for cost in complexity.count(network.float(), SHAPE)}
    channels, parameters, macs = 3, 0, 0
    for name, side in (("conv1", 7), ("conv2", 5), ("conv3", 3), ("conv4", 3), ("conv5", 3)):
        layer = network.get_submodule(name)
        height, width = costs[name].output_shape[1:]
        assert layer.in_channels == channels
        parameters += layer.out_channels * (channels * side**2 + 1 + 2)
        macs += layer.out_channels * channels * side**2 * height * width
        channels = layer.out_channels
    features = channels * costs["pool5"].output_shape[1] ** 2
    for name in ("fc6", "fc7", "fc8"):
        layer = network.get_submodule(name)
        parameters += layer.out_features * (features + 1)
        macs += layer.out_features * features
        features = layer.out_features
    assert complexity.total_parameters(list(costs.values())) == parameters
    assert complexity.total_macs(list(costs.values())) == macs == graph.macs(alive)


def gates_theta(network, observed, inputs, targets):
    """Theta by its definition: gradient of gates that multiply the maps, per example."""
    gates, pixels = {}, {}

    def gate(name):
        def multiply(_layer, _inputs, output):
            shape = (*output.shape[:2], *[1] * (output.ndim - 2))
            gates[name] = torch.ones(shape, dtype=output.dtype, requires_grad=True)
            pixels[name] = output[0, 0].numel()
            return output * gates[name]

        return multiply

    handles = [
        network.get_submodule(path).register_forward_hook(gate(name))
        for name, path in observed.items()
    ]
    loss = F.cross_entropy(network(inputs), targets)
    slopes = torch.autograd.grad(loss, list(gates.values()))
    for handle in handles:
        handle.remove()
    return {
        name: slope.flatten(1).abs().mean(0).numpy() / pixels[name]
        for name, slope in zip(gates, slopes, strict=True)
    }


def test_c2_theta_is_the_gradient_of_gates():
    network = built("vgg_s_lite", width=0.125, dense_width=24)
    graph = ChannelGraph(network, SHAPE)
    observed = {name: graph.observed_at(name) for name in graph.producers}
    assert observed["conv2"] == "relu2"
    assert observed["fc6"] == "relu6"
    inputs, targets = images(6), torch.arange(6) % 5
    with TaylorScores(network, observed) as watch:
        loss = F.cross_entropy(network(inputs.requires_grad_()), targets)
        torch.autograd.grad(loss, inputs)
    expected = gates_theta(network, observed, inputs, targets)
    found = watch.scores()
    assert set(found) == set(expected)
    assert all(np.allclose(found[name], expected[name], rtol=1e-6) for name in expected)
    assert not any(layer._forward_hooks for layer in network.modules())


def test_the_outputs_of_the_network_and_concatenated_rectifiers_are_left_alone():
    graph = ChannelGraph(built("pvanet"), SHAPE)
    reasons = {name: block.reason for block in graph.blocks for name in block.producers}
    assert reasons["fc"] == IS_OUTPUT
    assert reasons["conv1.conv"] == reasons["conv3_1.crelu.conv"] == PAIRED
    assert reasons["conv2_1.reduce"] == ""


def test_pvanet_without_some_channels_still_runs():
    network = built("pvanet")
    graph = ChannelGraph(network, SHAPE)
    alive, _ = removed_at_random(graph, share=0.3)
    remove_channels(network, graph, np.ones_like(alive), alive)
    assert network(images()).shape == (2, 5)


def test_local_response_normalisation_and_groups_stop_the_pruning():
    layers = OrderedDict(
        first=nn.Conv2d(3, 8, 1), lrn=nn.LocalResponseNorm(5), second=nn.Conv2d(8, 8, 1),
        grouped=nn.Conv2d(8, 8, 1, groups=2), pool=nn.AdaptiveAvgPool2d(1), flat=nn.Flatten(),
        dense=nn.Linear(8, 4),
    )  # fmt: skip
    graph = ChannelGraph(nn.Sequential(layers), SHAPE)
    reasons = {name: block.reason for block in graph.blocks for name in block.producers}
    assert "neighbouring" in reasons["first"]
    assert "grouped" in reasons["second"]


def test_a_layer_used_twice_keeps_the_same_channels_in_both_uses():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.again = nn.Conv2d(3, 9, 1), nn.Conv2d(9, 9, 1)
            self.last = nn.Conv2d(9, 4, 1)

        def forward(self, maps):
            maps = self.again(torch.relu(self.first(maps)))
            return self.last(torch.relu(self.again(maps))).mean((2, 3))

    network = lively(Twice())
    graph = ChannelGraph(network, SHAPE)
    alive, _ = removed_at_random(graph)
    remove_channels(network, graph, np.ones_like(alive), alive)
    assert network.again.in_channels == network.again.out_channels == network.first.out_channels
    assert network(images()).shape == (2, 4)


@pytest.mark.parametrize(
    ("layer", "arguments"),
    [
        (nn.Conv2d(4, 8, 3), {"channels_in": 4, "channels_out": 9}),
        (nn.Conv2d(4, 8, 3), {"channels_in": 0, "channels_out": 8}),
        (nn.Conv2d(4, 8, 3), {"channels_in": True, "channels_out": 8}),
        (nn.Conv2d(4, 8, 3), {"channels_in": 4}),
        (nn.Conv2d(4, 8, 3, groups=2), {"channels_in": 2, "channels_out": 4}),
        (nn.Conv2d(8, 8, 3, groups=8), {"channels_in": 4, "channels_out": 5}),
        (nn.BatchNorm2d(8), {"channels_in": 4, "channels_out": 5}),
        (nn.Linear(8, 8), {"channels_in": 2**40, "channels_out": 4}),
        (nn.ReLU(), {"channels_in": 4, "channels_out": 4}),
    ],
)
def test_forged_numbers_of_channels_are_refused(layer, arguments):
    with pytest.raises(InputError, match="cannot be rebuilt"):
        cut_layer(layer, arguments)
