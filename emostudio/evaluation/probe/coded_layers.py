"""A linear layer whose weights share a few values, for the packed engine to time."""

from __future__ import annotations

import torch
from torch import nn

from emostudio.evaluation.probe.base import Workload
from emostudio.evaluation.probe.workloads import FEATURES, dense_linear, linear_of, packed_work

_LARGEST = 0.1
_SEED = 0


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
