"""Depthwise convolutions: what share of the dense rate they reach, bound by memory as they are."""

from __future__ import annotations

from emostudio.evaluation.probe.base import Reading, Workload
from emostudio.evaluation.probe.workloads import (
    LAYERS,
    convolutions,
    dense_convolutions,
    float_work,
)

_CHANNELS, _SIDE = 256, 56
"""Large enough that a query is more than the call around it."""


class DepthwiseConvolution(Reading):
    """3x3 convolutions on each channel alone, in float32."""

    key = "depthwise_convolution"
    title = "Depthwise convolution"
    family = "float"
    summary = "Rate of depthwise 3×3 convolutions as a share of the dense rate"
    reference = "Ma et al. 2018, arXiv:1807.11164 (operations are not time)"
    what = f"{LAYERS} depthwise convolutions 3×3, {_CHANNELS} channels, {_SIDE}×{_SIDE}"
    layers = "depthwise conv"
    engine = "onnxruntime"
    unit = "GFLOP/s"
    against = "the dense rate"
    compares_rates = True

    def workload(self, threads: int) -> Workload:
        """Return depthwise and dense convolutions."""
        shape = (_CHANNELS, _SIDE, _SIDE)
        layers = convolutions(_CHANNELS, groups=_CHANNELS)
        kernel = float_work("depthwise convolution", layers, shape, threads)
        return Workload(kernel, dense_convolutions(threads))


READING = DepthwiseConvolution()
