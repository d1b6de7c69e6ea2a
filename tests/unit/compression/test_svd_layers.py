import pytest
import torch
from torch import nn

from emostudio.compression import svd_layers
from emostudio.compression.subspaces import two_factors

LAYERS = [
    nn.Linear(7, 5),
    nn.Linear(5, 9, bias=False),
    nn.Conv2d(6, 8, 1),
    nn.Conv2d(6, 8, 1, stride=2, padding=1),
    nn.Conv2d(4, 6, 3, padding=1),
    nn.Conv2d(4, 6, (5, 3), (2, 1), (0, 2), (1, 2)),
    nn.Conv2d(4, 6, (3, 5), (1, 3), (2, 0), (2, 1), bias=False),
]


def batch_for(layer):
    generator = torch.Generator().manual_seed(1)
    shape = (
        (2, layer.in_features) if isinstance(layer, nn.Linear) else (2, layer.in_channels, 17, 19)
    )
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_full_rank_is_exact(layer):
    layer = layer.double()
    matrix = svd_layers.weight_matrix(layer)
    factors = two_factors(matrix, min(matrix.shape))
    thin = svd_layers.filled_layers(layer, *factors)
    images = batch_for(layer)
    assert torch.allclose(thin(images), layer(images), atol=1e-10)


@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_below_break_even_the_factors_are_smaller(layer):
    limit = svd_layers.break_even_rank(layer)
    sizes = [
        sum(child.weight.numel() for child in svd_layers.factor_layers(layer, rank))
        for rank in (limit - 1, limit)
    ]
    assert sizes[0] < layer.weight.numel() <= sizes[1]
    assert "break-even" in svd_layers.why_rank_refused(layer, limit)
    assert svd_layers.why_rank_refused(layer, limit - 1) == ""
    assert svd_layers.why_rank_refused(layer, 0)


def test_the_budget_is_kept_to_the_last_rank():
    layer = nn.Linear(400, 300, device="meta")
    rank = svd_layers.budget_rank(layer, 0.3)
    assert rank * 700 <= 0.3 * 120_000 < (rank + 1) * 700


def test_a_k_by_k_convolution_is_no_matrix():
    assert svd_layers.is_matrix(nn.Linear(2, 2))
    assert svd_layers.is_matrix(nn.Conv2d(2, 2, 1, stride=2))
    assert not svd_layers.is_matrix(nn.Conv2d(2, 2, (1, 3)))
    assert not svd_layers.is_matrix(nn.ReLU())


def test_the_energy_kept_is_that_of_the_leading_singular_values():
    torch.manual_seed(2)
    layer = nn.Linear(30, 20)
    thin, kept = svd_layers.split(layer, 6)
    energies = torch.linalg.svdvals(layer.weight.detach().double()) ** 2
    assert kept == pytest.approx(float(energies[:6].sum() / energies.sum()))
    with torch.no_grad():
        product = thin.expand.weight @ thin.reduce.weight
        lost = (layer.weight - product).pow(2).sum() / layer.weight.pow(2).sum()
    assert float(lost) == pytest.approx(1 - kept, abs=1e-5)
