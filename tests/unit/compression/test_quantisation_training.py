"""Training with rounding: gradients, freezing, and the way back to plain layers."""

import numpy as np
import pytest
import torch
from compression_fakes import DimFaces, StripeFaces, context_for, finish, toy_model, trained_toy
from torch import nn

from emostudio.compression.catalogue import METHODS
from emostudio.compression.quantisation_training import (
    freezing,
    prepare,
    restore,
    straight_through,
)
from emostudio.core.events import EpochDone
from emostudio.data.transforms import normalise


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


def test_trained_rounding_keeps_the_answers_of_the_training(tmp_path):
    teacher = toy_model()
    method = METHODS.get("int8_qat")
    settings = method.settings_type(epochs=2, batch_size=8, learning_rate=1e-3)
    context = context_for(tmp_path, teacher, StripeFaces())
    variant = finish(method.apply(teacher, settings, context))[0]
    assert variant.info.measurements["int8_agreement"] >= 0.97
    assert {type(layer).__name__ for layer in variant.network() if hasattr(layer, "weight")} == {
        "QuantisedConv2d", "QuantisedLinear",
    }  # fmt: skip


def trained_with_rounding(model, folder, **values):
    method = METHODS.get("int8_qat")
    settings = method.settings_type(**{"epochs": 3, "batch_size": 16, **values})
    return method.apply(model, settings, context_for(folder, model, DimFaces()))


# Of three epochs, ranges and batch statistics freeze within the second.
@pytest.mark.parametrize("epochs_done", [1, 2])
def test_a_training_cut_short_ends_as_if_never_stopped(epochs_done, tmp_path):
    whole, _ = finish(trained_with_rounding(trained_toy(), tmp_path / "whole"))
    running = trained_with_rounding(trained_toy(), tmp_path / "cut")
    done = 0
    while done < epochs_done:
        done += isinstance(next(running), EpochDone)
    running.close()
    assert list((tmp_path / "cut").rglob("*.safetensors"))
    resumed, events = finish(trained_with_rounding(trained_toy(), tmp_path / "cut"))
    assert sum(isinstance(event, EpochDone) for event in events) == 3 - epochs_done
    wanted, got = whole.network().state_dict(), resumed.network().state_dict()
    assert wanted.keys() == got.keys()
    assert all(torch.equal(wanted[name], got[name]) for name in wanted)
    for name, coded in whole.coded.items():
        for part, array in coded.arrays.items():
            assert np.array_equal(array, resumed.coded[name].arrays[part])


def loss_and_accuracy(model):
    faces = DimFaces(400, seed=7)
    pixels = faces.pixels(model.info.preprocessing)
    with torch.inference_mode():
        logits = model.network()(torch.from_numpy(normalise(pixels, model.info.preprocessing)))
    truth = torch.from_numpy(faces.emotions.astype(np.int64))
    loss = float(nn.functional.cross_entropy(logits, truth))
    return loss, float((logits.argmax(1) == truth).double().mean())


@pytest.mark.parametrize("reduce_range", [False, True])
def test_training_with_rounding_is_not_worse_than_rounding_afterwards(reduce_range, tmp_path):
    after = METHODS.get("int8_ptq")
    settings = after.settings_type(reduce_range=reduce_range)
    context = context_for(tmp_path / "ptq", trained_toy(), DimFaces())
    rounded, _ = finish(after.apply(trained_toy(), settings, context))
    learned, _ = finish(
        trained_with_rounding(trained_toy(), tmp_path / "qat", reduce_range=reduce_range)
    )
    ptq_loss, ptq_accuracy = loss_and_accuracy(rounded)
    qat_loss, qat_accuracy = loss_and_accuracy(learned)
    assert qat_loss <= ptq_loss * 1.02
    assert qat_accuracy >= ptq_accuracy - 0.02
