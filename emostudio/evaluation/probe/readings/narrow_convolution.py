"""Convolutions with half the channels: how much of the arithmetic pruned away becomes time."""

from __future__ import annotations

from emostudio.evaluation.probe.base import Reading, Workload
from emostudio.evaluation.probe.workloads import (
    CHANNELS,
    SIDE,
    conv_words,
    convolutions,
    dense_convolutions,
    float_work,
)

_KEPT = CHANNELS // 2


class NarrowConvolution(Reading):
    """Half of the channels going in and out, in float32: a quarter of the multiply-adds."""

    key = "narrow_convolution"
    title = "Convolution, half the channels"
    family = "float"
    summary = "Time of convolutions with half the channels against the whole ones"
    reference = "Li et al. 2017, arXiv:1608.08710"
    what = f"{conv_words(_KEPT)}, instead of {CHANNELS}"
    layers = "3×3 conv"
    engine = "onnxruntime"
    unit = "GFLOP/s"
    against = "all channels"

    def workload(self, threads: int) -> Workload:
        """Return the thin convolutions and the whole ones."""
        layers = convolutions(_KEPT)
        kernel = float_work("narrow convolution", layers, (_KEPT, SIDE, SIDE), threads)
        return Workload(kernel, dense_convolutions(threads))


READING = NarrowConvolution()
