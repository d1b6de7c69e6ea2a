"""A convolution or linear layer on signs, from float32 or packed signs to either of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from emostudio.inference.packed import xnor
from emostudio.inference.packed.compiling import use_threads
from emostudio.inference.packed.kernels import signs as kernels
from emostudio.inference.packed.step import Scratch, Values
from emostudio.inference.packed.window import Window

Pair = tuple[int, int]


@dataclass(frozen=True)
class Limits:
    """Normalisation, pooling and sign behind a layer, folded into a comparison of integers.

    Attributes
    ----------
    limit
        int32 (C_out,): a sum at least as great gives +1.
    flip
        uint8 (C_out,): 1 where it gives -1 instead.
    pool
        Kernel, stride and padding of the max-pooling before, the same both ways.
    places
        Height and width behind the pooling.
    """

    limit: NDArray[np.int32]
    flip: NDArray[np.uint8]
    pool: tuple[int, int, int]
    places: Pair


@dataclass(frozen=True)
class Finish:
    """What turns integer sums into numbers.

    Attributes
    ----------
    scale, shift, slope, post
        float32 (C_out,), see `SignLayerSpec`; `scale` holds the weights' magnitude too.
    input_scaling
        Whether sums are multiplied by K.
    shortcut
        Repeats of the input's channels, vertical and horizontal stride; none if empty.
    """

    scale: NDArray[np.float32]
    shift: NDArray[np.float32]
    slope: NDArray[np.float32]
    post: NDArray[np.float32]
    input_scaling: bool
    shortcut: tuple[int, ...]


@dataclass(frozen=True)
class SignLayer:
    """A step: sums of products of signs, and what follows them.

    Attributes
    ----------
    inputs, outputs
        One name each; the input is float32 (N, H, W, C) or (N, C), or packed signs (N, H, W, G).
    weights
        Packed, (groups, blocks, runs, bytes, 32).
    channels
        C_in and C_out.
    input_scale, input_shift
        float32 (C_in,): the sign taken is that of ``x * scale + shift``.
    window
        Geometry.
    around
        Packed signs of a place of padding, (G,); empty where zeros stand there.
    base, kind
        Integer sums without differing signs (kinds, C_out), and which row of it belongs to a
        place (places,).
    flat
        Whether it is a linear layer, whose output is (N, C).
    finish, limits
        What follows the sums: numbers, or with `limits` packed signs.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    weights: NDArray[np.uint8]
    channels: Pair
    input_scale: NDArray[np.float32]
    input_shift: NDArray[np.float32]
    window: Window
    around: NDArray[np.uint8]
    base: NDArray[np.int32]
    kind: NDArray[np.int32]
    finish: Finish
    flat: bool
    limits: Limits | None = None

    def run(self, values: Values, scratch: Scratch) -> None:
        """Add float32 (N, H, W, C) or (N, C), or with `limits` packed signs (N, H, W, G)."""
        given = values[self.inputs[0]]
        use_threads(scratch.threads)
        packed = self._packed(given, scratch)
        counts = self._counts(packed, scratch)
        if self.limits is not None:
            values[self.outputs[0]] = self._signs(counts, len(given), self.limits, scratch)
            return
        places, outputs = len(counts), self.channels[1]
        out = scratch.array(self, "out", (places, outputs), np.float32)
        finish, extra = self.finish, self._extra(given)
        kernels.finish(
            counts, self.base, self.kind, finish.scale, finish.shift, self._input_sizes(given),
            extra, extra.shape[1], finish.slope, finish.post, out,
        )  # fmt: skip
        rows, columns = self.window.places
        shape = (len(given), outputs) if self.flat else (len(given), rows, columns, outputs)
        values[self.outputs[0]] = out.reshape(shape)

    def _packed(self, given: NDArray[Any], scratch: Scratch) -> NDArray[np.uint8]:
        """Return the signs of the input with its padding, (N, Hp, Wp, G)."""
        (height, width), (top, left) = self.window.size, self.window.padding
        rows, columns = self.window.padded
        groups = len(self.weights)
        per_group = self.channels[0] // groups
        depth = groups * -(-per_group // xnor.GROUP)
        shape = (len(given), rows, columns, depth)
        out: NDArray[np.uint8] = scratch.array(self, "signs", shape, np.uint8)
        if len(self.around) and not np.array_equal(out[0, 0, 0], self.around):
            out[:] = self.around
        if given.dtype == np.uint8:
            out[:, top : top + height, left : left + width] = given
            return out
        shaped = given.reshape(len(given), height, width, self.channels[0])
        kernels.pack(shaped, self.input_scale, self.input_shift, per_group, out, top, left)
        return out

    def _counts(self, packed: NDArray[np.uint8], scratch: Scratch) -> NDArray[np.uint16]:
        count, depth = len(packed), packed.shape[3]
        joined = self.weights.shape[2] == self.window.kernel[0]
        origins, runs = scratch.kept(
            self, "reach", count, lambda: self.window.reach(count, depth, joined=joined)
        )
        blocks = self.weights.shape[1]
        shape = (len(origins), blocks * xnor.OUTPUTS)
        groups = len(self.weights)
        share, step = self.channels[1] // groups, depth // groups
        all_counts = scratch.array(self, "all", (len(origins), self.channels[1]), np.uint16)
        for group, weights in enumerate(self.weights):
            counts: NDArray[np.uint16] = scratch.array(self, "counts", shape, np.uint16)
            window = xnor.Reach(origins + group * step, runs, weights.shape[2])
            xnor.count_differing(
                packed.reshape(-1), weights, window, counts, scratch.threads,
                vectors=scratch.vectors,
            )  # fmt: skip
            if groups == 1:
                return counts
            all_counts[:, group * share : (group + 1) * share] = counts[:, :share]
        found: NDArray[np.uint16] = all_counts
        return found

    def _extra(self, given: NDArray[Any]) -> NDArray[np.float32]:
        """Return the shortcut, (P, C), or (0, 1)."""
        if not self.finish.shortcut:
            return np.empty((0, 1), np.float32)
        _, down, right = self.finish.shortcut
        if (down, right) != (1, 1):
            given = _averaged(given, down, right)
        flat: NDArray[np.float32] = given.reshape(-1, self.channels[0])
        return flat

    def _input_sizes(self, given: NDArray[Any]) -> NDArray[np.float32]:
        """Return K, (P,), or (0,)."""
        if not self.finish.input_scaling:
            return np.empty(0, np.float32)
        prepared = given * self.input_scale + self.input_shift
        sizes = np.abs(prepared).mean(axis=-1, dtype=np.float32)
        if given.ndim == 2:
            return np.ascontiguousarray(sizes)
        edge = float(np.abs(self.input_shift).mean()) if len(self.around) else 0.0
        (top, left), (rows, columns) = self.window.padding, self.window.kernel
        padded = np.pad(sizes, ((0, 0), (top, top), (left, left)), constant_values=edge)
        down, right = self.window.stride
        windows = sliding_window_view(padded, (rows, columns), axis=(1, 2))[:, ::down, ::right]
        return np.ascontiguousarray(windows.mean(axis=(3, 4), dtype=np.float32).reshape(-1))

    def _signs(
        self, counts: NDArray[np.uint16], count: int, limits: Limits, scratch: Scratch
    ) -> NDArray[np.uint8]:
        height, width = self.window.places
        groups = -(-self.channels[1] // xnor.GROUP)
        shape = (count, *limits.places, groups)
        out: NDArray[np.uint8] = scratch.array(self, "bits", shape, np.uint8)
        kernels.finish_signs(
            counts, self.base, self.kind, height, width, limits.pool, limits.limit, limits.flip, out
        )
        return out


def _averaged(values: NDArray[Any], down: int, right: int) -> NDArray[np.float32]:
    """Average (N, H, W, C) over windows of its strides; those at the end may be smaller."""
    rows = np.arange(0, values.shape[1], down)
    columns = np.arange(0, values.shape[2], right)
    sums = np.add.reduceat(np.add.reduceat(values, rows, axis=1), columns, axis=2)
    heights = np.diff(np.append(rows, values.shape[1]))
    widths = np.diff(np.append(columns, values.shape[2]))
    sizes = (heights[:, None] * widths[None, :])[None, :, :, None].astype(np.float32)
    averaged: NDArray[np.float32] = np.divide(sums, sizes, dtype=np.float32)
    return averaged
