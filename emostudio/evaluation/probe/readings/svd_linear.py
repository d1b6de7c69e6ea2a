"""A linear layer against its two SVD factors: less to read from memory."""

from __future__ import annotations

import torch
from torch import nn

from emostudio.evaluation.probe.base import Reading, Workload
from emostudio.evaluation.probe.workloads import FEATURES, float_work

_INPUTS, _RANK = 2 * FEATURES, 1088
"""The factors have 40 % of the weights, and are too large for most caches as well."""


class SvdLinear(Reading):
    """Two thin linear layers in place of one."""

    key = "svd_linear"
    title = "SVD factors"
    family = "float"
    summary = "Time of two linear layers with 40 % of the weights against the one they stand for"
    reference = "Xue et al. 2013 (Interspeech)"
    what = f"a linear layer {_INPUTS} to {FEATURES}, one picture, as factors of rank {_RANK}"
    layers = "linear"
    engine = "onnxruntime"
    unit = "GFLOP/s"
    against = "the layer as it is"
    is_slow = True

    def workload(self, threads: int) -> Workload:
        """Return the factors and the whole layer."""
        with torch.device("meta"):
            whole = nn.Linear(_INPUTS, FEATURES)
            factors = [nn.Linear(_INPUTS, _RANK, bias=False), nn.Linear(_RANK, FEATURES)]
        shape = (_INPUTS,)
        dense = float_work("float linear layer", [whole], shape, threads)
        return Workload(float_work("SVD factors", factors, shape, threads), dense)


READING = SvdLinear()
