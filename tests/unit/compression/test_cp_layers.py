import pytest
import torch
from compression_fakes import exact_factors
from torch import nn

from emostudio.compression import cp_als, cp_layers
from emostudio.compression.neutral_norm import add_norm
from emostudio.inference.graph import exchanged

GEOMETRIES = [
    ((3, 3), (1, 1), (1, 1), (1, 1)),
    ((5, 3), (2, 1), (0, 2), (1, 2)),
    ((3, 5), (1, 3), (2, 0), (2, 1)),
]


@pytest.mark.parametrize("scheme", ["four", "three"])
@pytest.mark.parametrize(("kernel", "stride", "padding", "dilation"), GEOMETRIES)
def test_f1_exact_factors_keep_the_output(scheme, kernel, stride, padding, dilation):
    torch.manual_seed(0)
    layer = nn.Conv2d(4, 6, kernel, stride, padding, dilation).double()
    tensor = layer.weight.detach().reshape(cp_layers.modes(layer, scheme))
    layers = cp_layers.filled_layers(layer, exact_factors(tensor), scheme)
    images = torch.randn(2, 4, 17, 19, dtype=torch.float64)
    assert torch.allclose(layers(images), layer(images), atol=1e-12)


@pytest.mark.parametrize(
    ("shape", "side", "rank"),
    [((64, 256), 3, 452), ((96, 256), 5, 1697), ((256, 512), 3, 1524), ((512, 512), 3, 2290)],
)
def test_break_even_ranks_are_those_of_the_reference(shape, side, rank):
    layer = nn.Conv2d(*shape, side, device="meta")
    assert cp_layers.break_even_rank(layer, "four") == rank


@pytest.mark.parametrize("scheme", ["four", "three"])
def test_the_layers_have_as_many_weights_as_the_formula_says(scheme):
    layer = nn.Conv2d(64, 256, 3, device="meta")
    layers = cp_layers.factor_layers(layer, 192, scheme)
    expected = 192 * {"four": 64 + 3 + 3 + 256, "three": 64 + 9 + 256}[scheme] + 256
    assert sum(parameter.numel() for parameter in layers.parameters()) == expected


@pytest.mark.parametrize(("rank_of", "percent"), [((64, 256, 3), 42.4), ((96, 256, 5), 11.3)])
def test_rank_192_costs_the_share_of_the_reference(rank_of, percent):
    layer = nn.Conv2d(*rank_of, device="meta")
    share = 192 * cp_layers.weights_per_rank(layer, "four") / layer.weight.numel()
    assert 100 * share == pytest.approx(percent, abs=0.05)


def test_three_layers_share_the_norm_of_each_term_evenly():
    layer = nn.Conv2d(5, 7, 3).double()
    skewed = cp_als.random_start((7, 5, 9, 1), 4, torch.Generator().manual_seed(1))
    skewed = cp_als.Factors(skewed.out_factor * 1000, *skewed.all[1:])
    layers = cp_layers.filled_layers(layer, skewed, "three")
    norms = torch.stack(
        [
            layers.reduce.weight.flatten(1).norm(dim=1),
            layers.taps.weight.flatten(1).norm(dim=1),
            layers.expand.weight.flatten(1).norm(dim=0),
        ]
    )
    assert torch.allclose(norms, norms[:1].expand_as(norms))


@pytest.mark.parametrize(("kernel", "stride", "padding", "dilation"), GEOMETRIES)
def test_exported_graphs_merge_the_two_vectors_and_say_the_same(kernel, stride, padding, dilation):
    torch.manual_seed(0)
    layer = nn.Conv2d(4, 6, kernel, stride, padding, dilation).double()
    layers = cp_layers.factor_layers(layer, 5).double().eval()
    merged = layers.exported()
    images = torch.randn(2, 4, 17, 19, dtype=torch.float64)
    assert [name for name, _ in merged.named_children()] == ["reduce", "taps", "expand"]
    assert torch.allclose(merged(images), layers(images), atol=1e-12)


def test_the_normalisation_behind_the_last_layer_is_kept():
    layers = cp_layers.factor_layers(nn.Conv2d(4, 6, 3, padding=1), 5)
    add_norm(layers)
    layers.norm.running_mean.normal_()
    images = torch.randn(2, 4, 9, 9)
    assert torch.allclose(layers.eval().exported()(images), layers(images), atol=1e-5)


def test_layers_that_another_method_has_changed_are_exchanged_one_by_one():
    class Twice(nn.Conv2d):
        def exported(self):
            return nn.Identity()

    layers = cp_layers.factor_layers(nn.Conv2d(4, 6, 3), 5)
    layers.expand = Twice(5, 6, 1)
    network = exchanged(nn.Sequential(layers))
    assert network[0] is layers
    assert isinstance(layers.expand, nn.Identity)
