"""A linear layer whose weights are at most 32 values, kept as codes of 4 or 8 bits.

Each input is multiplied by all values, in whole units so small that no sum of 32 products can
overflow 16 bits; a code then looks up the product it stands for. The kernel of up to 16 values is
that of binary weights: 16 products of one input take the place of 16 sums of four. Up to 32 values
take two look-ups, and codes of a byte. `lookup.LookupLinear` takes layers of more values.

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
from emostudio.inference.packed.binary_weights import PLACE_OF_BYTE, accumulate
from emostudio.inference.packed.compiling import use_threads
from emostudio.inference.packed.kernels import binary_weights as kernels
from emostudio.inference.packed.kernels import codebook as codebook_kernels
from emostudio.inference.packed.step import Scratch, Values

LEVELS = 16
MOST_LEVELS = 32
_UPPER = 128  # the bit of a byte for which a look-up gives nothing
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
        Packed, (blocks, C_in, 32) or (blocks, C_in, 64), see `packed_codes`.
    levels
        float32 (16,) or (32,), what the codes stand for.
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
        """Return the size of one step of each row, (N,); NaN where the row holds one."""
        starts = np.arange(0, given.shape[1], _CHUNK)
        largest = np.add.reduceat(np.abs(given), starts, axis=1).max(axis=1)
        largest = largest * np.abs(self.levels).max()
        units: NDArray[np.float32] = np.where(largest == 0, 1.0, largest / np.float32(_LARGEST_SUM))
        return units.astype(np.float32)

    def _sums(
        self, given: NDArray[Any], units: NDArray[np.float32], scratch: Scratch
    ) -> NDArray[np.int32]:
        count, inputs = given.shape
        blocks = len(self.codes)
        row = inputs * 2 * len(self.levels)
        tables = scratch.array(self, "tables", (count, row), np.uint8)
        codebook_kernels.tabulate_products(given, units, self.levels, tables)
        shape = (count, blocks * xnor.OUTPUTS)
        sums: NDArray[np.int32] = scratch.array(self, "sums", shape, np.int32)
        flat = tables.reshape(-1), self.codes.reshape(-1)
        if len(self.levels) > LEVELS:
            codebook_kernels.accumulate_pairs_threaded(
                *flat, inputs, _CHUNK, sums.reshape(-1), blocks, count
            )
            return sums
        origins = np.arange(count, dtype=np.int64) * row
        arguments = (
            *flat, origins, np.zeros(1, np.int64), inputs, _CHUNK, sums.reshape(-1), blocks,
        )  # fmt: skip
        accumulate(arguments, blocks, count, scratch.threads)
        return sums

    def _plain_sums(self, given: NDArray[Any], units: NDArray[np.float32]) -> NDArray[np.int32]:
        """Return the same sums with NumPy, a block of outputs at a time."""
        factors = np.float32(1.0) / units
        with np.errstate(invalid="ignore"):  # a row whose unit is NaN or infinite has no sums
            products = np.rint(given[..., None] * self.levels * factors[:, None, None])
        places = np.arange(given.shape[1])
        found = [products[:, places, codes].sum(axis=-1) for codes in self._unpacked()]
        sums: NDArray[np.float32] = np.nan_to_num(np.stack(found, axis=1))
        return sums.astype(np.int32)

    def _unpacked(self) -> NDArray[np.uint8]:
        """Return the codes (C_out, C_in)."""
        blocks, inputs, _ = self.codes.shape
        if len(self.levels) > LEVELS:
            both = self.codes.reshape(blocks, inputs, 2, 32).transpose(0, 2, 3, 1)
            halves = np.where(both >= _UPPER, both - _UPPER + LEVELS, both)
        else:
            halves = np.stack([self.codes & 15, self.codes >> 4], axis=1).transpose(0, 1, 3, 2)
        codes = np.empty((blocks, 2, 32, inputs), np.uint8)
        codes[:, :, PLACE_OF_BYTE] = halves
        return codes.reshape(-1, inputs)[: len(self.bias)]


def packed_codes(codes: NDArray[np.uint8], levels: int = LEVELS) -> NDArray[np.uint8]:
    """Pack codes (C_out, C_in).

    Parameters
    ----------
    codes
        Below `levels`.
    levels
        16: (blocks, C_in, 32), two outputs to a byte. 32: (blocks, C_in, 64), the upper half of
        the codes with the upper bit of a byte.
    """
    outputs, inputs = codes.shape
    blocks = -(-outputs // xnor.OUTPUTS)
    padded = np.zeros((blocks * xnor.OUTPUTS, inputs), np.uint8)
    padded[:outputs] = codes
    halves = padded.reshape(blocks, 2, 32, inputs)[:, :, PLACE_OF_BYTE]
    if levels > LEVELS:
        marked = np.where(halves < LEVELS, halves, halves - LEVELS + _UPPER).astype(np.uint8)
        return np.ascontiguousarray(marked.transpose(0, 3, 1, 2)).reshape(blocks, inputs, 64)
    turned = halves.transpose(0, 1, 3, 2)
    return np.ascontiguousarray(turned[:, 0] | (turned[:, 1] << 4))
