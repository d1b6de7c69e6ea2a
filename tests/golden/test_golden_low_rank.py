"""Low-rank decompositions against F.conv2d, NumPy, SciPy and TensorLy (F1 and F2)."""

import numpy as np
import pytest
import torch
from scipy.optimize import brentq
from torch.nn import functional as F

from emostudio.compression import cp_als, cp_layers, evbmf, svd_layers, tucker_hooi, tucker_layers
from emostudio.compression.subspaces import two_factors

GEOMETRIES = [
    ((3, 3), (1, 1), (1, 1), (1, 1)),
    ((3, 3), (2, 1), (0, 1), (1, 2)),
    ((5, 3), (1, 2), (2, 0), (2, 1)),
    ((1, 7), (1, 3), (0, 3), (1, 1)),
]
each_geometry = pytest.mark.parametrize(("kernel", "stride", "padding", "dilation"), GEOMETRIES)


def layer_of(kernel, stride, padding, dilation):
    torch.manual_seed(8)
    return torch.nn.Conv2d(5, 7, kernel, stride, padding, dilation)


def dense_output(layer, images, reconstructed):
    bias, geometry = layer.bias.double(), (layer.stride, layer.padding, layer.dilation)
    return F.conv2d(images, reconstructed, bias, *geometry)


def images_for(seed=9):
    return torch.randn(2, 5, 16, 17, generator=torch.Generator().manual_seed(seed)).double()


@each_geometry
def test_f1_four_thin_convolutions_equal_one_with_the_reconstructed_kernel(
    kernel, stride, padding, dilation
):
    layer = layer_of(kernel, stride, padding, dilation)
    factors = cp_als.random_start((7, 5, *kernel), 6, torch.Generator().manual_seed(9))
    thin = cp_layers.filled_layers(layer, factors).double()
    rounded = [factor.float().double() for factor in factors.all]
    reconstructed = torch.einsum("tr,sr,yr,xr->tsyx", *rounded)
    expected = dense_output(layer, images_for(), reconstructed)
    assert torch.allclose(thin(images_for()), expected, atol=1e-10)


@each_geometry
def test_f1_three_thin_convolutions_equal_one_with_the_reconstructed_kernel(
    kernel, stride, padding, dilation
):
    layer = layer_of(kernel, stride, padding, dilation).double()
    a, b, taps, rest = cp_als.random_start(
        (7, 5, kernel[0] * kernel[1], 1), 6, torch.Generator().manual_seed(9)
    ).all
    thin = cp_layers.filled_layers(layer, cp_als.Factors(a, b, taps, rest), "three")
    flat = np.einsum("tr,sr,kr,xr->tsk", *(factor.numpy() for factor in (a, b, taps, rest)))
    reconstructed = torch.from_numpy(flat.reshape(7, 5, *kernel))
    expected = dense_output(layer, images_for(), reconstructed)
    assert torch.allclose(thin(images_for()), expected, atol=1e-10)


def test_factors_reconstruct_as_tensorly_does():
    tensorly = pytest.importorskip("tensorly")
    from tensorly.cp_tensor import CPTensor, cp_to_tensor

    tensorly.set_backend("numpy")
    factors = cp_als.random_start((6, 5, 3, 3), 4, torch.Generator().manual_seed(10))
    arrays = [factor.numpy() for factor in factors.all]
    expected = cp_to_tensor(CPTensor((np.ones(4), arrays)))
    assert np.allclose(factors.kernel().numpy(), expected)


def test_the_solver_is_as_good_as_tensorly_from_the_same_start():
    tensorly = pytest.importorskip("tensorly")
    from tensorly.cp_tensor import CPTensor, cp_to_tensor
    from tensorly.decomposition import parafac

    tensorly.set_backend("numpy")
    kernel = torch.randn(12, 10, 3, 3, generator=torch.Generator().manual_seed(11)).double()
    start = cp_als.random_start((12, 10, 3, 3), 8, torch.Generator().manual_seed(12))
    theirs = parafac(
        kernel.numpy(), 8, n_iter_max=60, tol=0,
        init=CPTensor((np.ones(8), [factor.numpy().copy() for factor in start.all])),
    )  # fmt: skip
    norm = float(kernel.norm())
    their_error = np.linalg.norm(kernel.numpy() - cp_to_tensor(theirs)) / norm
    ours = cp_als.decompose(kernel, start, sweeps=60, ridge=(0.0, 0.0))
    assert ours.error <= their_error + 0.01


@each_geometry
def test_f2_core_and_factors_equal_one_convolution_with_the_reconstructed_kernel(
    kernel, stride, padding, dilation
):
    layer = layer_of(kernel, stride, padding, dilation).double()
    parts = tucker_hooi.decompose(layer.weight, (4, 3))
    core, u, v = (tensor.numpy() for tensor in (parts.core, parts.out_factor, parts.in_factor))
    reconstructed = torch.from_numpy(np.einsum("abyx,ta,sb->tsyx", core, u, v))
    thin = tucker_layers.filled_layers(layer, parts)
    expected = dense_output(layer, images_for(), reconstructed)
    assert torch.allclose(thin(images_for()), expected, atol=1e-10)


@each_geometry
def test_the_spatial_scheme_equals_one_convolution_with_the_truncated_kernel(
    kernel, stride, padding, dilation
):
    layer = layer_of(kernel, stride, padding, dilation).double()
    height, width = kernel
    matrix = np.zeros((7 * width, 5 * height))
    weight = layer.weight.detach().numpy()
    for t, s, y, x in np.ndindex(weight.shape):
        matrix[t * width + x, s * height + y] = weight[t, s, y, x]
    u, sigma, vt = np.linalg.svd(matrix, full_matrices=False)
    truncated = (u[:, :4] * sigma[:4]) @ vt[:4]
    reconstructed = np.zeros_like(weight)
    for t, s, y, x in np.ndindex(weight.shape):
        reconstructed[t, s, y, x] = truncated[t * width + x, s * height + y]
    thin = svd_layers.filled_layers(layer, *two_factors(svd_layers.weight_matrix(layer), 4))
    expected = dense_output(layer, images_for(), torch.from_numpy(reconstructed))
    assert torch.allclose(thin(images_for()), expected, atol=1e-9)


def test_f2_hooi_keeps_as_much_as_tensorly():
    tensorly = pytest.importorskip("tensorly")
    from tensorly.decomposition import partial_tucker

    tensorly.set_backend("numpy")
    kernel = torch.randn(24, 16, 3, 3, generator=torch.Generator().manual_seed(13)).double()
    (core, _), _ = partial_tucker(
        kernel.numpy(), rank=[9, 6], modes=[0, 1], n_iter_max=200, tol=1e-10
    )
    ours = tucker_hooi.decompose(kernel, (9, 6), sweeps=200, tolerance=1e-12)
    assert float(ours.core.norm()) == pytest.approx(np.linalg.norm(core), rel=1e-4)


def evbmf_by_grid(matrix):
    """Return the EVBMF rank with the exact threshold and the noise from a fine grid."""
    low, high = sorted(matrix.shape)
    alpha = low / high

    def phi(z):
        return np.log(z + 1) / z - 0.5

    tau = brentq(lambda t: phi(t) + phi(t / alpha), 1e-3, 100)
    threshold = (1 + tau) * (1 + alpha / tau)
    squared = np.linalg.svd(matrix, compute_uv=False) ** 2

    def energy(noise):
        total = 0.0
        for x in squared / (high * noise):
            if x <= threshold:
                total += x - np.log(x)
            else:
                root = (x - 1 - alpha + np.sqrt((x - 1 - alpha) ** 2 - 4 * alpha)) / 2
                total += x - root + np.log((root + 1) / x) + alpha * np.log(root / alpha + 1)
        return total

    top = squared.sum() / (low * high)
    grid = np.geomspace(top / 1e3, top, 400)
    noise = min(grid, key=energy)
    return int((squared > high * noise * threshold).sum()), noise


@pytest.mark.parametrize("rank", [0, 5, 20])
def test_f2_evbmf_matches_the_exact_equations_on_a_grid(rank):
    generator = np.random.default_rng(14)
    matrix = generator.normal(size=(60, rank)) @ generator.normal(size=(rank, 200))
    matrix += 0.5 * generator.normal(size=(60, 200))
    expected, noise = evbmf_by_grid(matrix)
    assert noise == pytest.approx(0.25, rel=0.1)
    singular_values = np.linalg.svd(matrix, compute_uv=False)
    assert evbmf.evbmf_rank(singular_values, 60, 200) == expected == rank
