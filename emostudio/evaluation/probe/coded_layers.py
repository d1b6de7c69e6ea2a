"""Readings of a linear layer whose weights share a few values, on the packed engine."""

from __future__ import annotations

import torch
from torch import nn

from emostudio.evaluation.probe.base import Workload
from emostudio.evaluation.probe.packed_reading import PackedReading
from emostudio.evaluation.probe.workloads import (
    FEATURES,
    dense_linear,
    linear_of,
    linear_words,
    packed_work,
)

_LARGEST = 0.1
_SEED = 0


class CodedLinear(PackedReading):
    """Codes of shared values instead of numbers of 32 bits: less to read.

    Attributes
    ----------
    bits
        Of a code; a reading names it, and the words about it follow.
    """

    bits: int
    family = "codebook"
    reference = "Han et al. 2016, arXiv:1510.00149, section 3"

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        shared = f"{2**cls.bits} values"
        cls.title = f"{cls.bits}-bit linear layer"
        cls.summary = f"Rate of a linear layer whose weights share {shared}, kept as codes"
        cls.what = f"{linear_words()}, {2**cls.bits} shared values"
        cls.layers = f"linear, {cls.bits} bits"

    def workload(self, threads: int) -> Workload:
        """Return the layer of codes and the float one."""
        return coded_linear(self.bits, threads)


def coded_linear(bits: int, threads: int) -> Workload:
    """Return a linear layer of ``2 ** bits`` shared values, and the float one.

    Parameters
    ----------
    bits
        Per weight, if codes were packed without gaps.
    threads
        Of the sessions.

    Raises
    ------
    EmoStudioError
        If the engine has no kernel for it.
    """
    levels = torch.linspace(-_LARGEST, _LARGEST, 2**bits)
    generator = torch.Generator().manual_seed(_SEED)
    shape = (FEATURES, FEATURES)
    codes = torch.randint(0, 2**bits, shape, generator=generator, dtype=torch.int32)
    layer = linear_of(levels[codes])
    name = f"{bits}-bit linear layer"
    kernel = packed_work(name, nn.Sequential(layer), (FEATURES,), threads)
    return Workload(kernel, dense_linear(threads))
