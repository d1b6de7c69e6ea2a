"""A convolution or linear layer with binary weights, by looking up sums of four inputs at a time.

Inputs become integers, in the smallest units in which no sum of 128 of them can overflow 16 bits:
8 bits and a sign at least, some bits more where few inputs are large. For four of them 16 sums are
possible; a weight nibble says which one is meant. Sums of integers are exact: those of 128 inputs
are added in 32 bits. Zeros around the input have tables of zeros.

References
----------
.. [1] Rastegari et al., "XNOR-Net", ECCV 2016, arXiv:1603.05279, section 3.1 (BWN).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emostudio.inference.packed import xnor
from emostudio.inference.packed.compiling import use_threads
from emostudio.inference.packed.kernels import binary_weights as kernels
from emostudio.inference.packed.step import Scratch, Values
from emostudio.inference.packed.window import Window

_MOST_GROUPS = 32
# What 16 bits hold, less what rounding can add to the inputs of one chunk.
_LARGEST_SUM = 32767 - xnor.GROUP * _MOST_GROUPS // 2
# Unpacking low and high bytes side by side gives words 0 to 7 and 16 to 23 first.
PLACE_OF_BYTE = np.concatenate(
    [np.arange(0, 8), np.arange(16, 24), np.arange(8, 16), np.arange(24, 32)]
)
_TABLE = 32


@dataclass(frozen=True)
class BinaryWeightLayer:
    """A step: numbers in, numbers out.

    Attributes
    ----------
    inputs, outputs
        One name each; float32 (N, H, W, C) or (N, C).
    weights
        Packed, (groups, blocks, runs, bytes, 32).
    channels
        C_in and C_out.
    window
        Geometry.
    scale, shift
        float32 (C_out,): the weights' magnitude and the bias.
    flat
        Whether it is a linear layer, whose output is (N, C).
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    weights: NDArray[np.uint8]
    channels: tuple[int, int]
    window: Window
    scale: NDArray[np.float32]
    shift: NDArray[np.float32]
    flat: bool

    def run(self, values: Values, scratch: Scratch) -> None:
        """Add float32 (N, H, W, C) or (N, C)."""
        given = values[self.inputs[0]]
        count = len(given)
        use_threads(scratch.threads)
        steps = self._units(given, scratch)
        rows, columns = self.window.places
        out = scratch.array(self, "out", (count * rows * columns, self.channels[1]), np.float32)
        if scratch.vectors:
            sums = self._sums(given, steps, scratch)
        else:
            sums = self._plain_sums(given, steps)
        kernels.finish_sums(sums, steps, self.scale, self.shift, out)
        shape = (count, -1) if self.flat else (count, rows, columns, self.channels[1])
        values[self.outputs[0]] = out.reshape(shape)

    @property
    def _chunk(self) -> int:
        """Return how many groups of four are summed in 16 bits: an even share of a place's."""
        groups = -(-self.channels[0] // len(self.weights) // xnor.GROUP)
        return -(-groups // -(-groups // _MOST_GROUPS))

    def _units(self, given: NDArray[Any], scratch: Scratch) -> NDArray[np.float32]:
        """Return the size of one step of each image, (N,): the smallest that overflows nothing.

        An image that holds NaN has NaN for it, which makes all its outputs NaN.
        """
        share = self.channels[0] // len(self.weights)
        shaped = given.reshape(-1, self.window.size[1], self.channels[0])
        rows = scratch.array(self, "rows", (len(shaped),), np.float32)
        kernels.largest_sums(shaped, share, self._chunk * xnor.GROUP, rows)
        largest = rows.reshape(len(given), -1).max(axis=1)
        units: NDArray[np.float32] = np.where(largest == 0, 1.0, largest / np.float32(_LARGEST_SUM))
        return units.astype(np.float32)

    def _sums(
        self, given: NDArray[Any], steps: NDArray[np.float32], scratch: Scratch
    ) -> NDArray[np.int32]:
        """Return exact sums (P, C_out or more) of integers and signs."""
        groups, blocks, _, length = self.weights.shape[:4]
        share = -(-self.channels[0] // groups // xnor.GROUP)
        (height, width), padded = self.window.size, self.window.padded
        shape = (len(given), *padded, groups * share * _TABLE)
        tables = scratch.array(self, "tables", shape, np.uint8)
        shaped = given.reshape(len(given), height, width, self.channels[0])
        per_group = self.channels[0] // groups
        kernels.tabulate(shaped, steps, per_group, tables, *self.window.padding)
        reach = functools.partial(self.window.reach, len(given), shape[3], joined=False)
        origins, offsets = scratch.kept(self, "reach", len(given), reach)
        places = len(origins)
        padded_sums = scratch.array(self, "sums", (places, blocks * xnor.OUTPUTS), np.int32)
        whole = scratch.array(self, "whole", (places, self.channels[1]), np.int32)
        outputs = self.channels[1] // groups
        for group, weights in enumerate(self.weights):
            arguments = (
                tables.reshape(-1), weights.reshape(-1), origins + group * share * _TABLE, offsets,
                length, self._chunk, padded_sums.reshape(-1), blocks,
            )  # fmt: skip
            accumulate(arguments, blocks, places, scratch.threads)
            if groups == 1:
                break
            whole[:, group * outputs : (group + 1) * outputs] = padded_sums[:, :outputs]
        found: NDArray[np.int32] = padded_sums if groups == 1 else whole
        return found

    def _plain_sums(self, given: NDArray[Any], steps: NDArray[np.float32]) -> NDArray[np.int32]:
        """Return the same sums with NumPy."""
        groups, _, _, length = self.weights.shape[:4]
        share, outputs = self.channels[0] // groups, self.channels[1] // groups
        (height, width), (top, left) = self.window.size, self.window.padding
        shaped = given.reshape(len(given), height, width, -1)
        factors = (np.float32(1.0) / steps).reshape(-1, 1, 1, 1)
        with np.errstate(invalid="ignore"):  # an image whose unit is NaN or infinite has no sums
            whole = np.nan_to_num(np.rint(shaped * factors)).astype(np.float64)
        padded = np.pad(whole, ((0, 0), (top, top), (left, left), (0, 0)))
        found = []
        for group, weights in enumerate(self.weights):
            signs = xnor.unpacked_weights(weights, outputs, length * xnor.GROUP, PLACE_OF_BYTE)
            per_tap = -(-share // xnor.GROUP) * xnor.GROUP
            taps = signs.reshape(outputs, *self.window.kernel, per_tap)[..., :share]
            part = padded[..., group * share : (group + 1) * share]
            found.append(self.window.correlated(part, 2.0 * taps - 1.0))
        return np.concatenate(found, axis=-1).reshape(-1, self.channels[1]).astype(np.int32)


def accumulate(arguments: tuple[Any, ...], blocks: int, places: int, threads: int) -> None:
    """Fill the sums of all blocks and places; `arguments` are the first of the kernel's."""
    if threads == 1:
        kernels.accumulate(*arguments, 0, blocks, 0, places)
    else:
        parts = xnor.parts_of(blocks, places, threads)
        kernels.accumulate_threaded(*arguments, places, parts)
