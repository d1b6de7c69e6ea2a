"""OpenVINO on the CPU, on the same graphs as ONNX Runtime: float, INT8 and packed weights."""

from __future__ import annotations

import functools
import importlib.util
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from emostudio.core.errors import EmoStudioError, InputError
from emostudio.inference.base import EngineSettings, Kernels, kernels_of
from emostudio.inference.engines.onnxruntime import ENGINE as ONNX_GRAPHS
from emostudio.inference.sessions import SegmentedSession, SegmentRun, run_in_slices

if TYPE_CHECKING:
    from emostudio.models.loaded import LoadedModel

_TELEMETRY = "openvino_telemetry"


class OpenVinoEngine:
    """OpenVINO, CPU plugin: float32, and integers where the graph asks for them."""

    key = "openvino"
    title = "OpenVINO"
    family = "float"
    summary = "Float and INT8; often the faster one for small networks"
    reference = "https://docs.openvino.ai"
    settings_type = EngineSettings
    is_automatic = True

    def why_unavailable(self) -> str:
        """Return why OpenVINO cannot be loaded, or nothing."""
        return "" if importlib.util.find_spec("openvino") else "openvino is not installed"

    def supports(self, model: LoadedModel) -> str:
        """Return why the engine cannot run `model`, or nothing."""
        return ONNX_GRAPHS.supports(model)

    def open(self, model: LoadedModel, threads: int) -> SegmentedSession:
        """Return a session on the model's graphs.

        Raises
        ------
        InputError
            If the engine does not support the model.
        EmoStudioError
            If the network cannot be exported, or OpenVINO refuses it.
        """
        reason = self.supports(model)
        if reason:
            raise InputError(f"{model.info.name} cannot run on openvino", why=reason)
        kernels = kernels_of(model.module, self.key) if model.module is not None else "real"
        return _session(ONNX_GRAPHS.graphs(model), threads, kernels)

    def deployed(self, model: LoadedModel) -> tuple[bytes, ...]:
        """Return the graphs that run for `model`."""
        return ONNX_GRAPHS.graphs(model)

    def open_deployed(self, contents: Sequence[bytes], threads: int) -> SegmentedSession:
        """Return a session on what `deployed` returned."""
        return _session(contents, threads)


@functools.cache
def _library() -> Any:
    """Return the module, loaded without the package that would report its use.

    Python treats a module noted as None as not installed; OpenVINO then does without.
    """
    if _TELEMETRY not in sys.modules:
        sys.modules[_TELEMETRY] = None  # type: ignore[assignment]  # the documented way
    import openvino

    return openvino


def _session(
    contents: Sequence[bytes], threads: int, kernels: Kernels = "real"
) -> SegmentedSession:
    return SegmentedSession(
        "openvino", [_opened(content, threads) for content in contents], kernels
    )


def _opened(content: bytes, threads: int) -> SegmentRun:
    properties = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "INFERENCE_PRECISION_HINT": "f32",  # without it newer processors would round to 16 bits
        "DYNAMIC_QUANTIZATION_GROUP_SIZE": 0,  # inputs of packed weights stay float
    }
    try:
        core = _library().Core()
        compiled = core.compile_model(core.read_model(content), "CPU", properties)
    except RuntimeError as error:
        raise EmoStudioError(
            "OpenVINO refuses the network",
            why=str(error).strip().rpartition("\n")[2][:200],
            next_step="Run it on onnxruntime",
        ) from error
    request = compiled.create_infer_request()
    first = compiled.input(0).get_partial_shape()[0]
    size = first.get_length() if first.is_static else None

    def run(features: NDArray[np.float32]) -> tuple[NDArray[Any], ...]:
        found = request.infer({0: features})
        return tuple(np.array(found[output]) for output in compiled.outputs)

    return functools.partial(run_in_slices, run, size)


ENGINE = OpenVinoEngine()
