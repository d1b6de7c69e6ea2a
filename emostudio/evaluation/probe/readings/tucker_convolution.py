"""Convolutions against their Tucker-2 factors: whether thinner chains are faster here."""

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

_RANK = CHANNELS // 2


class TuckerConvolution(Reading):
    """1x1 down, 3x3 between, 1x1 up, in place of each convolution."""

    key = "tucker_convolution"
    title = "Tucker-2 factors"
    family = "float"
    summary = "Time of Tucker-2 factors, of half the channels in between, against the layers"
    reference = "Kim et al. 2016, arXiv:1511.06530"
    what = f"{conv_words()}, as factors of {_RANK} channels"
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
                    nn.Conv2d(_RANK, _RANK, 3, padding=1, bias=False),
                    nn.Conv2d(_RANK, CHANNELS, 1),
                ]
        kernel = float_work("Tucker-2 factors", layers, (CHANNELS, SIDE, SIDE), threads)
        return Workload(kernel, dense_convolutions(threads))


READING = TuckerConvolution()
