import pytest
import torch
from torch import nn

from emostudio.training.averaging import WeightAverage


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))


def test_average_follows_its_formula_with_a_short_start():
    module = network()
    average = WeightAverage(module, 0.9)
    expected = module[0].weight.detach().clone()
    for step in range(1, 200):
        with torch.no_grad():
            module[0].weight.add_(0.1)
        average.update(step)
        decay = min(0.9, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * module[0].weight.detach()
    torch.testing.assert_close(average.tensors["0.weight"], expected)


def test_applied_average_is_taken_back():
    module = network()
    first = module[0].weight.detach().clone()
    average = WeightAverage(module, 0.5)
    with torch.no_grad():
        module[0].weight.add_(1.0)
        module[1].running_mean.add_(1.0)
    trained = module[0].weight.detach().clone()
    with average.applied():
        assert torch.equal(module[0].weight, first)
        assert module[1].running_mean.abs().max() == 0
    assert torch.equal(module[0].weight, trained)
    assert module[1].running_mean.min() == 1


def test_applied_average_is_taken_back_after_an_error():
    module = network()
    average = WeightAverage(module, 0.5)
    with torch.no_grad():
        module[0].weight.add_(1.0)
    trained = module[0].weight.detach().clone()
    with pytest.raises(RuntimeError), average.applied():
        raise RuntimeError
    assert torch.equal(module[0].weight, trained)


def test_no_decay_keeps_no_average():
    module = network()
    average = WeightAverage(module, 0.0)
    with torch.no_grad():
        module[0].weight.fill_(3.0)
    average.update(1)
    assert not average.tensors
    assert (average.weights()["0.weight"] == 3.0).all()
    with average.applied():
        assert (module[0].weight == 3.0).all()
