"""Convolutions with binary weights on numbers: whether BWN pays in convolutions here."""

from __future__ import annotations

from torch import nn

from emostudio.evaluation.probe.base import Reading, Workload
from emostudio.evaluation.probe.workloads import (
    CHANNELS,
    LAYERS,
    SIDE,
    binary_values,
    conv_words,
    dense_convolutions,
    packed_work,
)
from emostudio.inference.packed.compiling import why_no_kernels


class BinaryWeightConvolution(Reading):
    """Binary weights, inputs as they are: sums are looked up four inputs at a time."""

    key = "binary_weight_convolution"
    title = "Binary-weight convolution"
    family = "binary"
    summary = "Rate of convolutions with weights of one bit, in the operations they stand for"
    reference = "Rastegari et al. 2016, arXiv:1603.05279, section 3.1"
    what = conv_words()
    layers = "3×3 conv"
    engine = "packed"
    unit = "GOP/s"
    against = "float"
    is_slow = True

    def why_unavailable(self) -> str:
        """Return why there are no kernels for this processor, or nothing."""
        return why_no_kernels()

    def workload(self, threads: int) -> Workload:
        """Return the convolutions with binary weights and the float ones."""
        layers = [nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1) for _ in range(LAYERS)]
        for layer in layers:
            layer.weight = nn.Parameter(binary_values((CHANNELS, CHANNELS, 3, 3)))
        shape = (CHANNELS, SIDE, SIDE)
        kernel = packed_work("binary-weight convolution", nn.Sequential(*layers), shape, threads)
        return Workload(kernel, dense_convolutions(threads))


READING = BinaryWeightConvolution()
