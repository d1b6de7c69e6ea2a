"""A linear layer whose weights are at most 16 values, kept as codes of 4 bits.

Each input is multiplied by all 16 values, in whole units so small that no sum of 32 products can
overflow 16 bits; a code then looks up the product it stands for. The kernel is that of binary
weights: 16 products of one input take the place of 16 sums of four.

References
----------
.. [1] Han et al., "Deep Compression", ICLR 2016, arXiv:1510.00149, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emostudio.inference.packed import xnor
from emostudio.inference.packed.binary_weights import PLACE_OF_BYTE
from emostudio.inference.packed.compiling import use_threads
from emostudio.inference.packed.kernels import binary_weights as kernels
from emostudio.inference.packed.step import Scratch, Values

LEVELS = 16
_CHUNK = 32
_LARGEST_SUM = 32767 - _CHUNK // 2  # rounding can add half a unit to each product


@dataclass(frozen=True)
class CodebookLinear:
    """A step: numbers (N, C_in) in, numbers (N, C_out) out.

    Attributes
    ----------
    inputs, outputs
        One name each.
    codes
        Packed, (blocks, C_in, 32), see `packed_codes`.
    levels
        float32 (16,), what the codes stand for.
    bias
        float32 (C_out,).
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    codes: NDArray[np.uint8]
    levels: NDArray[np.float32]
    bias: NDArray[np.float32]

    def run(self, values: Values, scratch: Scratch) -> None:
        """Add float32 (N, C_out)."""
        given = np.ascontiguousarray(values[self.inputs[0]])
        use_threads(scratch.threads)
        units = self._units(given)
        count, outputs = len(given), len(self.bias)
        if scratch.vectors:
            sums = self._sums(given, units, scratch)
        else:
            sums = self._plain_sums(given, units)
        out = scratch.array(self, "out", (count, outputs), np.float32)
        kernels.finish_sums(sums, units, np.ones(outputs, np.float32), self.bias, out)
        values[self.outputs[0]] = out

    def _units(self, given: NDArray[Any]) -> NDArray[np.float32]:
        """Return the size of one step of each row, (N,)."""
        starts = np.arange(0, given.shape[1], _CHUNK)
        largest = np.add.reduceat(np.abs(given), starts, axis=1).max(axis=1)
        largest = largest * np.abs(self.levels).max()
        units: NDArray[np.float32] = np.where(largest > 0, largest / np.float32(_LARGEST_SUM), 1.0)
        return units.astype(np.float32)

    def _sums(
        self, given: NDArray[Any], units: NDArray[np.float32], scratch: Scratch
    ) -> NDArray[np.int32]:
        count, inputs = given.shape
        blocks = len(self.codes)
        tables = scratch.array(self, "tables", (count, inputs * 32), np.uint8)
        kernels.tabulate_products(given, units, self.levels, tables)
        sums: NDArray[np.int32] = scratch.array(
            self, "sums", (count, blocks * xnor.OUTPUTS), np.int32
        )
        origins = np.arange(count, dtype=np.int64) * (inputs * 32)
        arguments = (
            tables.reshape(-1), self.codes.reshape(-1), origins, np.zeros(1, np.int64), inputs,
            _CHUNK, sums.reshape(-1), blocks,
        )  # fmt: skip
        if scratch.threads == 1:
            kernels.accumulate(*arguments, 0, blocks, 0, count)
        else:
            parts = xnor.parts_of(blocks, count, scratch.threads)
            kernels.accumulate_threaded(*arguments, count, parts)
        return sums

    def _plain_sums(self, given: NDArray[Any], units: NDArray[np.float32]) -> NDArray[np.int32]:
        """Return the same sums with NumPy, a block of outputs at a time."""
        factors = np.float32(1.0) / units
        products = np.rint(given[..., None] * self.levels * factors[:, None, None])
        places = np.arange(given.shape[1])
        found = [products[:, places, codes].sum(axis=-1) for codes in self._unpacked()]
        return np.stack(found, axis=1).astype(np.int32)

    def _unpacked(self) -> NDArray[np.uint8]:
        """Return the codes (C_out, C_in)."""
        blocks, inputs, _ = self.codes.shape
        codes = np.empty((blocks, 2, 32, inputs), np.uint8)
        halves = np.stack([self.codes & 15, self.codes >> 4], axis=1).transpose(0, 1, 3, 2)
        codes[:, :, PLACE_OF_BYTE] = halves
        return codes.reshape(-1, inputs)[: len(self.bias)]


def packed_codes(codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pack codes below 16, (C_out, C_in), into (blocks, C_in, 32): two outputs to a byte."""
    outputs, inputs = codes.shape
    blocks = -(-outputs // xnor.OUTPUTS)
    padded = np.zeros((blocks * xnor.OUTPUTS, inputs), np.uint8)
    padded[:outputs] = codes
    halves = padded.reshape(blocks, 2, 32, inputs)[:, :, PLACE_OF_BYTE].transpose(0, 1, 3, 2)
    return np.ascontiguousarray(halves[:, 0] | (halves[:, 1] << 4))
