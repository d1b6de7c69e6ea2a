"""A linear layer of 33 to 256 different weights, kept as codes of a byte.

Every weight is looked up as it is used: a quarter of the memory of float32, and no rounding. On one
thread that is about as fast as reading the weights themselves; the engine is only chosen where it
measured faster.

References
----------
.. [1] Han et al., "Deep Compression", ICLR 2016, arXiv:1510.00149, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emostudio.inference.packed.compiling import use_threads
from emostudio.inference.packed.kernels import codebook as kernels
from emostudio.inference.packed.step import Scratch, Values

LEVELS = 256
_TOGETHER = 8  # codes of one word, of as many outputs


@dataclass(frozen=True)
class LookupLinear:
    """A step: numbers (N, C_in) in, numbers (N, C_out) out.

    Attributes
    ----------
    inputs, outputs
        One name each.
    codes
        (blocks, C_in, 8), see `packed_bytes`.
    levels
        float32 (256,), what the codes stand for.
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
        blocks = len(self.codes)
        padded = scratch.array(self, "padded", (len(given), blocks * _TOGETHER), np.float32)
        kernels.look_up(given, self.codes.view(np.uint64)[..., 0], self.levels, padded)
        values[self.outputs[0]] = padded[:, : len(self.bias)] + self.bias


def packed_bytes(codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pack codes (C_out, C_in) into (blocks, C_in, 8): a code each of eight outputs."""
    outputs, inputs = codes.shape
    blocks = -(-outputs // _TOGETHER)
    padded = np.zeros((blocks * _TOGETHER, inputs), np.uint8)
    padded[:outputs] = codes
    return np.ascontiguousarray(padded.reshape(blocks, _TOGETHER, inputs).transpose(0, 2, 1))
