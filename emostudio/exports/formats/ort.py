"""ONNX Runtime's own format, which its mobile builds load."""

from __future__ import annotations

import tempfile
from pathlib import Path

from emostudio.core.errors import EmoStudioError, first_line
from emostudio.exports.base import Exporter, Made
from emostudio.exports.onnx_file import one_graph, opset_of, refuse_one_graph
from emostudio.exports.running import open_with_runner
from emostudio.models.loaded import LoadedModel


def _make(model: LoadedModel) -> Made:
    content = one_graph(model)
    return Made({"model.ort": converted(content)}, opset_of(content))


def converted(content: bytes) -> bytes:
    """Return an ONNX file in ONNX Runtime's format, optimised for any processor.

    Parameters
    ----------
    content
        A complete ONNX model; its metadata are kept.

    Raises
    ------
    EmoStudioError
        If ONNX Runtime refuses it.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # The next level up lays tensors out for the processor at hand, which a phone does not have.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.log_severity_level = 3
    options.add_session_config_entry("session.save_model_format", "ORT")
    with tempfile.TemporaryDirectory(prefix="emostudio-") as folder:
        file = Path(folder) / "model.ort"
        options.optimized_model_filepath = str(file)
        try:
            onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
            return file.read_bytes()
        except Exception as error:
            raise EmoStudioError(
                "ONNX Runtime cannot save the network in its own format",
                why=first_line(error),
                next_step="Export it as ONNX",
            ) from error


EXPORTER = Exporter(
    key="ort",
    title="ONNX Runtime Mobile",
    summary="One file for phones and other small machines, as ONNX Runtime's mobile builds load it",
    suffix=".ort",
    refuse=refuse_one_graph,
    make=_make,
    open=open_with_runner,
    reference="https://onnxruntime.ai/docs/performance/model-optimizations/ort-format-models.html",
)
