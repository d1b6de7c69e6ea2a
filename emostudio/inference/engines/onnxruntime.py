"""ONNX Runtime on the CPU: the reference engine, for exported networks and black boxes."""

from __future__ import annotations

import importlib.util
import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING

from emostudio.core.errors import InputError
from emostudio.inference.base import EngineSettings, Kernels, Session, fingerprint_of, kernels_of
from emostudio.inference.onnx_sessions import graph_run
from emostudio.inference.sessions import SegmentedSession

if TYPE_CHECKING:
    from torch import nn

    from emostudio.models.loaded import LoadedModel


class OnnxRuntimeEngine:
    """ONNX Runtime, CPU provider."""

    key = "onnxruntime"
    title = "ONNX Runtime"
    family = "float"
    summary = "Fastest float engine on ordinary CPUs; folds batch normalisation into convolutions"
    reference = "https://onnxruntime.ai"
    settings_type = EngineSettings
    is_automatic = True

    def __init__(self) -> None:
        # An export takes about a second and sessions are rebuilt in every timing block.
        self._exports: weakref.WeakKeyDictionary[nn.Module, tuple[bytes, tuple[bytes, ...]]] = (
            weakref.WeakKeyDictionary()
        )

    def why_unavailable(self) -> str:
        """Return why ONNX Runtime cannot be loaded, or nothing."""
        return "" if importlib.util.find_spec("onnxruntime") else "onnxruntime is not installed"

    def supports(self, model: LoadedModel) -> str:
        """Return why the engine cannot run `model`, or nothing."""
        if model.members:
            return "an ensemble is several models; measure each of them"
        has_network = model.module is not None or model.onnx_bytes is not None
        return "" if has_network else "the model holds neither layers nor an ONNX graph"

    def open(self, model: LoadedModel, threads: int) -> Session:
        """Return a session on the model's graphs; white boxes are exported once and remembered."""
        reason = self.supports(model)
        if reason:
            raise InputError(f"{model.info.name} cannot run on onnxruntime", why=reason)
        kernels = kernels_of(model.module, self.key) if model.module is not None else "real"
        return open_graphs(self.graphs(model), threads, kernels)

    def deployed(self, model: LoadedModel) -> tuple[bytes, ...]:
        """Return the graphs that run for `model`."""
        return self.graphs(model)

    def open_deployed(self, contents: Sequence[bytes], threads: int) -> Session:
        """Return a session on what `deployed` returned."""
        return open_graphs(contents, threads)

    def graph(self, model: LoadedModel) -> bytes:
        """Return `model` as one ONNX graph of standard operators: its own, or its network's.

        Raises
        ------
        EmoStudioError
            If the network cannot be exported, or not as one graph.
        """
        if model.module is None:
            return self.graphs(model)[0]
        from emostudio.inference.graph import onnx_graph

        return onnx_graph(model.module, model.input_shape)

    def graphs(self, model: LoadedModel) -> tuple[bytes, ...]:
        """Return the graphs that run for `model`: one per segment where it may answer early.

        Raises
        ------
        EmoStudioError
            If the network cannot be exported.
        """
        if model.module is None:
            return (model.onnx_bytes or b"",)
        fingerprint = fingerprint_of(model.module)
        known = self._exports.get(model.module)
        if known is None or known[0] != fingerprint:
            known = (fingerprint, _exported(model.module, fingerprint, model.input_shape))
            self._exports[model.module] = known
        return known[1]


def open_graphs(graphs: Sequence[bytes], threads: int, kernels: Kernels = "real") -> Session:
    """Return a session on one graph, or on the graphs of segments in their order.

    Raises
    ------
    EmoStudioError
        If ONNX Runtime refuses a graph.
    """
    wanted = 1 if len(graphs) == 1 else None  # a black box may have more to say than logits
    runs = [graph_run(content, threads, wanted) for content in graphs]
    return SegmentedSession("onnxruntime", runs, kernels)


def _exported(
    module: nn.Module, fingerprint: bytes, input_shape: tuple[int, int, int]
) -> tuple[bytes, ...]:
    from emostudio.models.segments import segments_of

    if len(segments_of(module)) > 1:
        from emostudio.inference.graph import segment_graphs

        return segment_graphs(module, input_shape, few_bits=True)
    return (_kept_or_exported(module, fingerprint, input_shape),)


def _kept_or_exported(
    module: nn.Module, fingerprint: bytes, input_shape: tuple[int, int, int]
) -> bytes:
    from emostudio.inference.graph_store import graph_file, keep, recall

    file = graph_file(module, fingerprint, input_shape)
    content = recall(file, module, input_shape)
    if content is None:
        from emostudio.inference.graph import onnx_graph

        content = onnx_graph(module, input_shape, few_bits=True)
        keep(file, content)
    return content


ENGINE = OnnxRuntimeEngine()
