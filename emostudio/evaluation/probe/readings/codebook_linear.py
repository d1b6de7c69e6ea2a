"""A linear layer with 16 shared values against the float one: whether 4-bit codes pay here."""

from __future__ import annotations

import torch
from torch import nn

from emostudio.evaluation.probe.base import Reading, Workload
from emostudio.evaluation.probe.workloads import (
    FEATURES,
    dense_linear,
    linear_words,
    packed_work,
)
from emostudio.inference.layer_spec import MOST_LEVELS
from emostudio.inference.packed.compiling import why_no_kernels


class CodebookLinear(Reading):
    """Four bits per weight instead of 32: less to read."""

    key = "codebook_linear"
    title = "4-bit linear layer"
    family = "codebook"
    summary = "Rate of a linear layer whose weights share 16 values, kept as codes of 4 bits"
    reference = "Han et al. 2016, arXiv:1510.00149, section 3"
    what = f"{linear_words()}, {MOST_LEVELS} shared values"
    layers = "linear, 4 bits"
    engine = "packed"
    unit = "GOP/s"
    against = "float"

    def why_unavailable(self) -> str:
        """Return why there are no kernels for this processor, or nothing."""
        return why_no_kernels()

    def workload(self, threads: int) -> Workload:
        """Return the layer of codes and the float one."""
        levels = torch.linspace(-0.1, 0.1, MOST_LEVELS)
        generator = torch.Generator().manual_seed(0)
        codes = torch.randint(0, MOST_LEVELS, (FEATURES, FEATURES), generator=generator)
        layer = nn.Linear(FEATURES, FEATURES)
        layer.weight = nn.Parameter(levels[codes])
        kernel = packed_work("4-bit linear layer", nn.Sequential(layer), (FEATURES,), threads)
        return Workload(kernel, dense_linear(threads))


READING = CodebookLinear()
