"""Whole networks as programs answer as torch does."""

import numpy as np
import pytest
import torch
from torch import nn

from emostudio.compression.binary_blocks import BinaryBlock, BlockDesign
from emostudio.core.errors import EmoStudioError
from emostudio.inference.packed.lowering import program_of
from emostudio.inference.packed.program import ProgramRun
from emostudio.inference.packed.sign_layer import SignLayer
from emostudio.inference.packed.step import Scratch
from emostudio.inference.packed.steps import GraphStep, MaxPool
from emostudio.models.catalogue import ARCHITECTURES


def binarised(network, design, skip_ends=True):
    """Put blocks on signs in the place of all layers but the first and the last."""
    layers = [
        (name, layer)
        for name, layer in network.named_modules()
        if isinstance(layer, nn.Conv2d | nn.Linear)
    ]
    for name, layer in layers[1:-1] if skip_ends else layers:
        if layer.weight[0].numel() < 9:
            continue
        weight = layer.weight.data
        alpha = weight.abs().flatten(1).mean(1).view(-1, *(1,) * (weight.ndim - 1))
        layer.weight.data = alpha * torch.where(weight >= 0, 1.0, -1.0)
        parent, _, own = name.rpartition(".")
        setattr(network.get_submodule(parent), own, BinaryBlock(layer, design))
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.5)
            layer.running_var.uniform_(0.5, 2)
            if layer.affine:
                nn.init.normal_(layer.weight)
                nn.init.normal_(layer.bias, 0, 0.3)
        shift = getattr(layer, "shift", None)
        if isinstance(shift, nn.Parameter):
            nn.init.normal_(shift, 0, 0.2)
    return network.eval()


def check(network, shape, threads=1):
    program = program_of(network, shape)
    inputs = torch.randn(3, *shape)
    with torch.inference_mode():
        expected = network(inputs).numpy()
    run = ProgramRun(program, threads)
    found = run.run(inputs.numpy())[0]
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1e-5 * max(1.0, np.abs(expected).max())
    alone = run.run(inputs.numpy()[:1])[0]
    assert np.allclose(alone, found[:1], atol=1e-5)
    return program


def chain(*between):
    return nn.Sequential(
        nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 12, 3, padding=1), *between,
        nn.Conv2d(12, 16, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(16, 8),
    )  # fmt: skip


def signs_handed_on(program):
    return sum(isinstance(s, SignLayer) and s.limits is not None for s in program.steps)


@pytest.mark.parametrize(
    ("key", "mode"),
    [
        ("squeezenet1_1", "recipe"),
        ("pvanet", "paper"),
        ("cnn_s", "recipe"),
        ("vgg_s_lite", "recipe"),
        ("vgg_s_lite", "paper"),
    ],
)
def test_architectures(key, mode):
    torch.manual_seed(0)
    architecture = ARCHITECTURES.get(key)
    settings = architecture.settings_type(input_size=64)
    network = binarised(architecture.build(settings), BlockDesign(mode=mode))
    check(network, (settings.channels, 64, 64))


@pytest.mark.parametrize("mode", ["recipe", "paper"])
def test_input_scaling(mode):
    torch.manual_seed(1)
    design = BlockDesign(mode=mode, input_scaling=True)
    check(binarised(chain(nn.ReLU(), nn.MaxPool2d(2)), design), (1, 20, 18), threads=2)


@pytest.mark.parametrize(
    "between",
    [
        (),
        (nn.ReLU(),),
        (nn.ReLU(), nn.MaxPool2d(3, 2, ceil_mode=True)),
        (nn.MaxPool2d(3, 2, padding=1), nn.BatchNorm2d(12)),
        (nn.LeakyReLU(0.2), nn.Dropout(0.5), nn.PReLU(12)),
    ],
)
def test_signs_are_handed_on_where_nothing_else_is_needed(between):
    torch.manual_seed(2)
    program = check(binarised(chain(*between), BlockDesign(mode="paper")), (1, 20, 18), threads=2)
    assert signs_handed_on(program) == 1


@pytest.mark.parametrize(
    "between",
    [
        (nn.BatchNorm2d(12), nn.MaxPool2d(2)),  # turns the order of some channels round
        (nn.PReLU(12, init=-0.5),),
        (nn.MaxPool2d((2, 3)),),
        (nn.AvgPool2d(2),),
    ],
)
def test_numbers_are_handed_on_where_signs_would_not_do(between):
    torch.manual_seed(3)
    program = check(binarised(chain(*between), BlockDesign(mode="paper")), (1, 20, 18))
    assert signs_handed_on(program) == 0


def test_a_normalisation_of_nothing_but_a_constant():
    torch.manual_seed(4)
    network = binarised(chain(nn.ReLU()), BlockDesign(mode="paper"))
    normalise = network[4].prepare[1]
    normalise.weight.data[:6] = 0.0
    normalise.bias.data[:3] = -1.0
    assert signs_handed_on(check(network, (1, 20, 18))) == 1


def test_networks_without_a_real_valued_stem():
    torch.manual_seed(5)
    network = nn.Sequential(nn.Conv2d(4, 8, 3, padding=1), nn.ReLU(), nn.Flatten())
    program = check(binarised(network, BlockDesign(), skip_ends=False), (4, 6, 6))
    assert not any(isinstance(step, GraphStep) for step in program.steps)


def test_what_depends_on_the_picture_is_refused_in_words():
    class Choosing(nn.Module):
        def forward(self, inputs):
            return inputs if inputs.sum() > 0 else -inputs

    with pytest.raises(EmoStudioError, match="cannot follow"):
        program_of(Choosing(), (1, 4, 4))


@pytest.mark.parametrize("input_scaling", [True, False])
def test_a_network_on_signs_gives_what_torch_gives_for_an_input_with_nan(input_scaling):
    torch.manual_seed(0)
    layer = nn.Conv2d(4, 8, 3, padding=1)
    layer.weight.data = torch.where(layer.weight >= 0, 0.5, -0.5)
    design = BlockDesign(mode="paper", input_scaling=input_scaling)
    network = nn.Sequential(BinaryBlock(layer, design), nn.MaxPool2d(2)).eval()
    inputs = torch.randn(2, 4, 8, 8)
    inputs[0, 1, 2, 3] = float("nan")
    with torch.no_grad():
        expected = network(inputs).numpy()
    (found,) = ProgramRun(program_of(network, (4, 8, 8)), 1).run(inputs.numpy())
    assert np.isnan(expected).any() == input_scaling
    assert np.allclose(found, expected, atol=1e-4, equal_nan=True)


def test_pooling_hands_nan_on():
    values = np.zeros((1, 4, 4, 1), np.float32)
    values[0, 0, 1, 0] = np.nan
    step = MaxPool(("in",), ("out",), (2, 2), (2, 2), (0, 0), (2, 2))
    known = {"in": values}
    step.run(known, Scratch(1))
    assert np.isnan(known["out"]).reshape(-1).tolist() == [True, False, False, False]
