"""Training with rounding: gradients, freezing, and the way back to plain layers."""

import torch
from compression_fakes import StripeFaces, context_for, finish, toy_model, use_toy_architecture
from torch import nn

from emostudio.compression.catalogue import METHODS
from emostudio.compression.quantisation_training import (
    freezing,
    prepare,
    restore,
    straight_through,
)


def test_the_gradient_is_one_inside_the_range_and_zero_outside():
    values = torch.tensor([-1.0, 0.1, 0.9, 2.0, 30.0], requires_grad=True)
    rounded = straight_through(values, torch.tensor(0.01), torch.tensor(0.0), 0, 255)
    rounded.sum().backward()
    assert values.grad.tolist() == [0, 1, 1, 1, 0]
    assert torch.allclose(rounded.detach(), torch.tensor([0, 0.1, 0.9, 2.0, 2.55]))


def test_ranges_freeze_first_and_batch_statistics_later():
    net = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2))
    prepare(net, ("0",), {("0", "input"): (0.0, 1.0)}, 8)
    after_step = freezing(net, 0.4, 0.6)
    net.train()
    seen = []
    for step in range(1, 11):
        net(torch.randn(4, 1, 3, 3) * step)
        after_step(step, 10, None)
        seen.append((float(net[0].high), net[1].running_var.tolist()))
    assert seen[2] != seen[3]
    assert len({high for high, _ in seen[3:]}) == 1
    assert seen[4][1] != seen[5][1]
    assert all(variance == seen[5][1] for _, variance in seen[5:])
    ranges = restore(net, ("0",))
    assert ranges["0", "input"][1] == seen[-1][0]
    assert [type(layer) for layer in net] == [nn.Conv2d, nn.BatchNorm2d]
    assert "1.is_frozen" not in net.state_dict()


def test_trained_rounding_keeps_the_answers_of_the_training(monkeypatch, tmp_path):
    use_toy_architecture(monkeypatch)
    teacher = toy_model()
    method = METHODS.get("int8_qat")
    settings = method.settings_type(epochs=2, batch_size=8, learning_rate=1e-3)
    context = context_for(tmp_path, teacher, StripeFaces())
    variant = finish(method.apply(teacher, settings, context))[0]
    assert variant.info.measurements["int8_agreement"] >= 0.97
    assert {type(layer).__name__ for layer in variant.network() if hasattr(layer, "weight")} == {
        "QuantisedConv2d", "QuantisedLinear",
    }  # fmt: skip
