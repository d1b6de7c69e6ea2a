import pytest
import torch
from torch import nn

from emostudio.compression.factor_layers import (
    convolution,
    decomposable,
    filled,
    kernel_shape,
    part,
    rank_argument,
    why_unsplittable,
)
from emostudio.core.errors import InputError

LAYER = nn.Conv2d(4, 6, (5, 3), stride=(2, 3), padding=(1, 2), dilation=(2, 1))


@pytest.mark.parametrize(
    ("directions", "expected"),
    [
        ({}, ((1, 1), (1, 1), (0, 0), (1, 1))),
        ({"rows": True}, ((5, 1), (2, 1), (1, 0), (2, 1))),
        ({"columns": True}, ((1, 3), (1, 3), (0, 2), (1, 1))),
        ({"rows": True, "columns": True}, ((5, 3), (2, 3), (1, 2), (2, 1))),
    ],
)
def test_a_part_takes_the_whole_geometry_of_its_directions(directions, expected):
    found = part(LAYER, 4, 2, **directions)
    assert (found.kernel_size, found.stride, found.padding, found.dilation) == expected
    assert found.bias is None


def test_the_shape_is_that_of_the_kernel():
    assert kernel_shape(LAYER) == tuple(LAYER.weight.shape)


def test_filled_layers_have_type_mode_and_bias_of_the_old_one():
    layer = nn.Linear(3, 2).double().eval()
    thin = nn.Sequential()
    thin.add_module("reduce", nn.Linear(3, 1, bias=False))
    thin.add_module("expand", nn.Linear(1, 2))
    weights = {"reduce": torch.ones(1, 3), "expand": torch.full((2, 1), 2.0)}
    new = filled(thin, layer, weights)
    assert not new.training
    assert new.expand.weight.dtype == torch.float64
    assert torch.equal(new.expand.bias, layer.bias)
    assert torch.equal(new.reduce.weight, torch.ones(1, 3).double())


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(8, 8, 3, groups=8),
        nn.Conv2d(8, 8, 3, padding="same"),
        nn.Conv2d(8, 8, 3, padding_mode="reflect", padding=1),
    ],
)
def test_grouped_and_oddly_padded_convolutions_cannot_be_split(layer):
    assert why_unsplittable(layer)
    assert why_unsplittable(LAYER) == ""


@pytest.mark.parametrize("rank", [0, -1, 10**12, 2.0, True, "3", None])
def test_forged_ranks_are_refused(rank):
    with pytest.raises(InputError, match=r"in rank is"):
        rank_argument({"in_rank": rank}, "in_rank")


def test_only_convolutions_and_linear_layers_are_decomposable():
    assert decomposable(LAYER) is LAYER
    with pytest.raises(InputError, match="ReLU"):
        decomposable(nn.ReLU())
    with pytest.raises(TypeError, match="Linear"):
        convolution(nn.Linear(1, 1))
