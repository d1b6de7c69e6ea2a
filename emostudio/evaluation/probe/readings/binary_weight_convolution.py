"""Convolutions with binary weights on numbers: whether BWN pays in convolutions here."""

from __future__ import annotations

from torch import nn

from emostudio.evaluation.probe.base import Workload
from emostudio.evaluation.probe.packed_reading import PackedReading
from emostudio.evaluation.probe.workloads import (
    CHANNELS,
    LAYERS,
    SIDE,
    binary_values,
    conv_words,
    dense_convolutions,
    packed_work,
)


class BinaryWeightConvolution(PackedReading):
    """Binary weights, inputs as they are: sums are looked up four inputs at a time."""

    key = "binary_weight_convolution"
    title = "Binary-weight convolution"
    family = "binary"
    summary = "Rate of convolutions with weights of one bit, in the operations they stand for"
    reference = "Rastegari et al. 2016, arXiv:1603.05279, section 3.1"
    what = conv_words()
    layers = "3×3 conv"

    def workload(self, threads: int) -> Workload:
        """Return the convolutions with binary weights and the float ones."""
        layers = [nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1) for _ in range(LAYERS)]
        for layer in layers:
            layer.weight = nn.Parameter(binary_values((CHANNELS, CHANNELS, 3, 3)))
        shape = (CHANNELS, SIDE, SIDE)
        kernel = packed_work("binary-weight convolution", nn.Sequential(*layers), shape, threads)
        return Workload(kernel, dense_convolutions(threads))


READING = BinaryWeightConvolution()
