"""One self-contained ONNX file."""

from __future__ import annotations

from emostudio.exports.base import Exporter, Made
from emostudio.exports.onnx_file import one_graph, opset_of, refuse_one_graph
from emostudio.exports.running import open_with_runner
from emostudio.models.loaded import LoadedModel


def _make(model: LoadedModel) -> Made:
    content = one_graph(model)
    return Made({"model.onnx": content}, opset_of(content))


EXPORTER = Exporter(
    key="onnx",
    title="ONNX",
    summary="One file for any ONNX runtime: takes raw pixels, knows its labels and its input size",
    suffix=".onnx",
    refuse=refuse_one_graph,
    make=_make,
    open=open_with_runner,
    reference="https://onnx.ai",
)
