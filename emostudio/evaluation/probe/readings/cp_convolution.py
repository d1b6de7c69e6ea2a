"""Convolutions against their CP factors, of which two in four are depthwise."""

from __future__ import annotations

import torch
from torch import nn

from emostudio.evaluation.probe.base import Reading, Workload
from emostudio.evaluation.probe.workloads import (
    CHANNELS,
    LAYERS,
    SIDE,
    conv_words,
    dense_convolutions,
    float_work,
)

_RANK = 224
"""Has 40 % of the layer's weights, and is a multiple of what depthwise kernels work on."""


class CpConvolution(Reading):
    """1x1, 3x1 and 1x3 on each channel alone, 1x1, in place of each convolution."""

    key = "cp_convolution"
    title = "CP factors"
    family = "float"
    summary = "Time of CP factors with 40 % of the weights against the layers"
    reference = "Lebedev et al. 2015, arXiv:1412.6553"
    what = f"{conv_words()}, as factors of rank {_RANK}"
    layers = "3×3 conv"
    engine = "onnxruntime"
    unit = "GFLOP/s"
    against = "the layers as they are"

    def workload(self, threads: int) -> Workload:
        """Return the factors and the whole convolutions."""
        layers: list[nn.Conv2d] = []
        with torch.device("meta"):
            for _ in range(LAYERS):
                layers += [
                    nn.Conv2d(CHANNELS, _RANK, 1, bias=False),
                    nn.Conv2d(_RANK, _RANK, (3, 1), padding=(1, 0), groups=_RANK, bias=False),
                    nn.Conv2d(_RANK, _RANK, (1, 3), padding=(0, 1), groups=_RANK, bias=False),
                    nn.Conv2d(_RANK, CHANNELS, 1),
                ]
        kernel = float_work("CP factors", layers, (CHANNELS, SIDE, SIDE), threads)
        return Workload(kernel, dense_convolutions(threads))


READING = CpConvolution()
