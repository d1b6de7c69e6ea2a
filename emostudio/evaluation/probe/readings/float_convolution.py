"""How fast float convolutions are on ONNX Runtime: what every speed-up is held against."""

from __future__ import annotations

from emostudio.evaluation.probe.base import Reading, Workload
from emostudio.evaluation.probe.workloads import conv_words, dense_convolutions


class FloatConvolution(Reading):
    """Dense 3x3 convolutions in float32."""

    key = "float_convolution"
    title = "Float convolution"
    family = "float"
    summary = "Rate of dense 3×3 convolutions on the engine that users run"
    reference = "https://onnxruntime.ai"
    what = conv_words()
    layers = "3×3 conv"
    engine = "onnxruntime"
    unit = "GFLOP/s"

    def workload(self, threads: int) -> Workload:
        """Return the dense convolutions alone."""
        return Workload(dense_convolutions(threads))


READING = FloatConvolution()
