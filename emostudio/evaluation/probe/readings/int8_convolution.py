"""INT8 convolutions on ONNX Runtime against the same in float: whether integers pay here."""

from __future__ import annotations

from emostudio.evaluation.latency import Contender
from emostudio.evaluation.probe.base import Reading, Work, Workload
from emostudio.evaluation.probe.int8_graph import int8_chain
from emostudio.evaluation.probe.workloads import (
    CHANNELS,
    LAYERS,
    SIDE,
    conv_words,
    dense_convolutions,
    random_inputs,
)
from emostudio.inference.engines.onnxruntime import open_graphs

_SHAPE = (CHANNELS, SIDE, SIDE)


class Int8Convolution(Reading):
    """Convolutions on 8-bit integers, written as exported INT8 variants are."""

    key = "int8_convolution"
    title = "INT8 convolution"
    family = "integer"
    summary = "Rate of 8-bit convolutions; far higher with VNNI, hardly any gain without"
    reference = "Jacob et al. 2018, arXiv:1712.05877"
    what = conv_words()
    layers = "3×3 conv"
    engine = "onnxruntime"
    unit = "GOP/s"
    against = "float"

    def workload(self, threads: int) -> Workload:
        """Return the integer convolutions and the float ones."""
        content = int8_chain(LAYERS, _SHAPE)
        contender = Contender(
            "INT8 convolution",
            lambda: open_graphs([content], threads),
            random_inputs(_SHAPE),
        )
        dense = dense_convolutions(threads)
        return Workload(Work(contender, dense.operations), dense)


READING = Int8Convolution()
