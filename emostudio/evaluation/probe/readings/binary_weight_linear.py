"""A linear layer with binary weights against the float one, whose weights come from memory."""

from __future__ import annotations

from torch import nn

from emostudio.evaluation.probe.base import Workload
from emostudio.evaluation.probe.packed_reading import PackedReading
from emostudio.evaluation.probe.workloads import (
    FEATURES,
    binary_values,
    dense_linear,
    linear_of,
    linear_words,
    packed_work,
)


class BinaryWeightLinear(PackedReading):
    """One bit per weight instead of 32: less to read."""

    key = "binary_weight_linear"
    title = "Binary-weight linear layer"
    family = "binary"
    summary = "Rate of a linear layer with weights of one bit, in the operations it stands for"
    reference = "Rastegari et al. 2016, arXiv:1603.05279, section 3.1"
    what = linear_words()
    layers = "linear"

    def workload(self, threads: int) -> Workload:
        """Return the layer with binary weights and the float one."""
        layer = linear_of(binary_values((FEATURES, FEATURES)))
        name = "binary-weight linear layer"
        kernel = packed_work(name, nn.Sequential(layer), (FEATURES,), threads)
        return Workload(kernel, dense_linear(threads))


READING = BinaryWeightLinear()
