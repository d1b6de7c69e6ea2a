import math

import pytest
import torch
from torch import nn

from emostudio.core.errors import DivergedError
from emostudio.training.divergence import DeadStartWatch, non_finite_weight, require_finite_loss


def test_finite_network_has_no_broken_weight():
    assert non_finite_weight(nn.Linear(3, 3)) == ""


def test_huge_but_finite_weights_are_not_taken_for_broken():
    module = nn.Linear(3, 3)
    with torch.no_grad():
        module.weight.fill_(3e38)
    assert non_finite_weight(module) == ""


def test_infinities_that_cancel_in_a_sum_are_found():
    module = nn.Linear(2, 1)
    with torch.no_grad():
        module.weight.copy_(torch.tensor([[math.inf, -math.inf]]))
    assert non_finite_weight(module) == "weight"


def test_loss_alone_is_named_where_no_layer_is_broken():
    with pytest.raises(DivergedError, match="step 4 in the loss"):
        require_finite_loss(torch.tensor(math.nan), nn.Linear(2, 2), torch.zeros(1, 2), 4)


def test_flat_loss_is_counted_in_a_row_only():
    watch = DeadStartWatch(8)
    chance = math.log(8)
    flat = 0
    for step in range(199):
        flat = watch.observe(chance, flat, step)
    assert flat == 199
    assert watch.observe(chance - 0.1, flat, 200) == 0
    with pytest.raises(DivergedError, match="step 200"):
        watch.observe(chance + 1e-4, flat, 200)
