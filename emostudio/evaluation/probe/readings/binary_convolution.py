"""Convolutions of signs with signs on the packed engine: whether XNOR pays here."""

from __future__ import annotations

from torch import nn

from emostudio.evaluation.probe.base import Workload
from emostudio.evaluation.probe.binary_layers import SignConvolution
from emostudio.evaluation.probe.packed_reading import PackedReading
from emostudio.evaluation.probe.workloads import (
    CHANNELS,
    LAYERS,
    SIDE,
    conv_words,
    dense_convolutions,
    packed_work,
)


class BinaryConvolution(PackedReading):
    """Binary weights and binary inputs: signs are counted instead of multiplied."""

    key = "binary_convolution"
    title = "XNOR convolution"
    family = "binary"
    summary = "Rate of convolutions of signs, in the operations that they stand for"
    reference = "Rastegari et al. 2016, arXiv:1603.05279"
    what = conv_words()
    layers = "3×3 conv"

    def workload(self, threads: int) -> Workload:
        """Return the binary convolutions and the float ones."""
        network = nn.Sequential(*(SignConvolution(CHANNELS) for _ in range(LAYERS)))
        kernel = packed_work("XNOR convolution", network, (CHANNELS, SIDE, SIDE), threads)
        return Workload(kernel, dense_convolutions(threads))


READING = BinaryConvolution()
