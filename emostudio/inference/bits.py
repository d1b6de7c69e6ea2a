"""Sums of products of signs by counting bits: convolution and linear layers of -1 and +1.

A bit of 1 stands for +1. Rows are padded to 64-bit words, the padding being equal in both
operands, so that the dot product of n signs is n - 2 popcount(a XOR b).

References
----------
.. [1] Rastegari et al., "XNOR-Net", ECCV 2016, arXiv:1603.05279, section 3.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

_WORD = 64
_ROWS_AT_ONCE = 1024


@dataclass(frozen=True)
class Geometry:
    """Stride, zero padding and dilation of a convolution, each (vertical, horizontal)."""

    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)


@dataclass(frozen=True)
class SignThreshold:
    """Batch normalisation and the sign after it, folded into a comparison per channel.

    Attributes
    ----------
    threshold
        float64 (C,); infinite where gamma is 0, so that the answer is constant.
    direction
        +1 where large values give +1, -1 where small ones do, (C,).
    """

    threshold: np.ndarray
    direction: np.ndarray

    def bits(self, values: np.ndarray) -> np.ndarray:
        """Return True where the sign is +1; `values` has the channels in axis 1."""
        shape = (1, -1) + (1,) * (values.ndim - 2)
        above = self.direction.reshape(shape) > 0
        threshold = self.threshold.reshape(shape)
        answer: np.ndarray = np.where(above, values >= threshold, values <= threshold)
        return answer


def folded_threshold(
    gamma: np.ndarray, beta: np.ndarray, mean: np.ndarray, variance: np.ndarray, eps: float
) -> SignThreshold:
    """Fold sgn(gamma (x - mean) / sqrt(variance + eps) + beta), all (C,), into comparisons."""
    gamma, beta, mean, variance = (
        np.asarray(values, np.float64) for values in (gamma, beta, mean, variance)
    )
    constant = gamma == 0
    slope = np.where(constant, 1.0, gamma)
    threshold = mean - beta * np.sqrt(variance + eps) / slope
    # with gamma = 0 the sign is that of beta, whatever comes in
    threshold = np.where(constant, np.where(beta >= 0, -np.inf, np.inf), threshold)
    return SignThreshold(threshold, np.where(slope > 0, 1, -1))


def pack_signs(values: np.ndarray) -> np.ndarray:
    """Pack the signs of rows.

    Parameters
    ----------
    values
        Shape (..., n); True, or 0 and above, stand for +1.

    Returns
    -------
    uint64 of shape (..., ceil(n / 64)); the padding is zero.
    """
    signs = values if values.dtype == np.bool_ else values >= 0
    n = signs.shape[-1]
    padded = np.zeros((*signs.shape[:-1], -(-n // _WORD) * _WORD), np.bool_)
    padded[..., :n] = signs
    return np.packbits(padded, axis=-1, bitorder="little").view("<u8")


def sign_products(rows: np.ndarray, filters: np.ndarray, n: int) -> np.ndarray:
    """Return the dot products of packed signs.

    Parameters
    ----------
    rows, filters
        From `pack_signs`, shapes (R, words) and (T, words).
    n
        Signs per row, without the padding.

    Returns
    -------
    int32 of shape (R, T).
    """
    products = np.empty((rows.shape[0], filters.shape[0]), np.int32)
    for start in range(0, rows.shape[0], _ROWS_AT_ONCE):
        some = rows[start : start + _ROWS_AT_ONCE]
        differing = np.zeros((some.shape[0], filters.shape[0]), np.int32)
        # word by word: an array of all words of all pairs would not fit into the cache
        for word in range(rows.shape[1]):
            differing += np.bitwise_count(some[:, word, None] ^ filters[None, :, word])
        products[start : start + _ROWS_AT_ONCE] = n - 2 * differing
    return products


def sign_linear(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return sgn(values) sgn(weight)^T, int32 (N, O), for shapes (N, I) and (O, I)."""
    return sign_products(pack_signs(values), pack_signs(weight), values.shape[-1])


def sign_convolution(values: np.ndarray, weight: np.ndarray, geometry: Geometry) -> np.ndarray:
    """Convolve signs with signs, zeros around them.

    A zero is no sign: it is packed as -1, and the sum of the weights that meet the padding is
    added again.

    Parameters
    ----------
    values
        Shape (N, S, H, W); True, or 0 and above, stand for +1.
    weight
        Shape (T, S, kH, kW), read in the same way.

    Returns
    -------
    int32 of shape (N, T, H_out, W_out).
    """
    signs = values if values.dtype == np.bool_ else values >= 0
    upper = weight if weight.dtype == np.bool_ else weight >= 0
    kernel = (weight.shape[2], weight.shape[3])
    windows = _windows(_padded(signs, geometry.padding, fill=False), kernel, geometry)
    count, height, width = windows.shape[0], windows.shape[2], windows.shape[3]
    rows = windows.transpose(0, 2, 3, 1, 4, 5).reshape(count * height * width, -1)
    n = rows.shape[1]
    products = sign_products(pack_signs(rows), pack_signs(upper.reshape(len(upper), -1)), n)
    shaped = products.reshape(count, height, width, -1).transpose(0, 3, 1, 2)
    corrected: np.ndarray = shaped + _border(signs.shape[2:], upper, geometry)
    return corrected


def _border(side: tuple[int, ...], upper: np.ndarray, geometry: Geometry) -> np.ndarray:
    """Return the sum of the signs of all weights over the padding, (T, H_out, W_out)."""
    outside = _padded(np.zeros((1, 1, *side), np.bool_), geometry.padding, fill=True)
    windows = _windows(outside, (upper.shape[2], upper.shape[3]), geometry)[0, 0]
    taps = (2 * upper.astype(np.int32) - 1).sum(axis=1)
    sums: np.ndarray = np.einsum("hwij,tij->thw", windows.astype(np.int32), taps)
    return sums.astype(np.int32)


def _padded(signs: np.ndarray, padding: tuple[int, int], *, fill: bool) -> np.ndarray:
    around = ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2)
    return np.pad(signs, around, constant_values=fill)


def _windows(signs: np.ndarray, kernel: tuple[int, int], geometry: Geometry) -> np.ndarray:
    """Return all places of the kernel, (N, S, H_out, W_out, kH, kW)."""
    (rows, columns), (down, right) = geometry.dilation, geometry.stride
    span = (rows * (kernel[0] - 1) + 1, columns * (kernel[1] - 1) + 1)
    every: np.ndarray = sliding_window_view(signs, span, axis=(2, 3))
    return every[:, :, ::down, ::right, ::rows, ::columns]
