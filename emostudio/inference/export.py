"""Self-contained ONNX export: preprocessing and labels inside, parity checked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from pydantic import BaseModel, ConfigDict

from emostudio.core.atomic import write_bytes
from emostudio.core.errors import EmoStudioError, InputError
from emostudio.core.model_info import BLACK_BOX, Lineage, ModelInfo, Preprocessing
from emostudio.data.transforms import normalise
from emostudio.inference.base import Session, tolerance_of
from emostudio.inference.catalogue import DEFAULT_ENGINE, open_session
from emostudio.inference.engines.onnxruntime import ENGINE, OnnxRuntimeSession
from emostudio.models.importers.onnx_model import with_info
from emostudio.models.loaded import LoadedModel

PARITY_INPUTS = 256
PARITY_TOLERANCE = 1e-4
_BATCH = 16
_NEW_INPUT = "pixels"


class ExportReport(BaseModel):
    """What `export_onnx` wrote and how closely it agrees with the model.

    Attributes
    ----------
    file, disk_bytes
        The file written.
    checked_inputs
        Random pictures given to both sides.
    largest_difference
        Largest absolute difference of any output.
    same_answers
        Share of inputs with the same winning label.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    file: str
    disk_bytes: int
    checked_inputs: int
    largest_difference: float
    same_answers: float
    labels: tuple[str, ...]
    input_shape: tuple[int, int, int]
    outputs: str


def export_onnx(model: LoadedModel, out: Path) -> ExportReport:
    """Write `model` as one ONNX file that takes raw pixels and carries its own description.

    The input ``pixels`` is float32 (N, C, H, W), RGB or grey, with levels from 0 to 255; channel
    order, scaling and normalisation are part of the graph, and the metadata key ``emostudio``
    holds labels and lineage as JSON. The file is only written after it agreed with the model.

    Parameters
    ----------
    model
        White box, or black box (whose graph is kept).
    out
        File to write.

    Raises
    ------
    EmoStudioError
        If the exported graph differs from the model by more than `PARITY_TOLERANCE`, or for
        layers on integers by more than their rounding explains.
    InputError
        If a part of the preprocessing cannot be part of a graph.
    """
    _require_expressible(model)
    graph = with_preprocessing(ENGINE.graph(model), model.info.preprocessing)
    content = with_info(graph, _exported_info(model.info))
    reference = open_session(model, "torch" if model.module is not None else DEFAULT_ENGINE)
    exported = OnnxRuntimeSession(content, threads=1)
    try:
        difference, same, largest = _parity(reference, exported, model.info.preprocessing)
    finally:
        reference.close()
        exported.close()
    relative, absolute = tolerance_of(model.module, PARITY_TOLERANCE)
    tolerance = absolute + relative * largest
    if not difference <= tolerance:
        raise EmoStudioError(
            f"The export of {model.info.name} was not written",
            why=f"its outputs differ from the model's by {difference:.2g}, more than {tolerance:g}",
        )
    write_bytes(out, content)
    return ExportReport(
        model=model.info.name,
        file=str(out),
        disk_bytes=len(content),
        checked_inputs=PARITY_INPUTS,
        largest_difference=difference,
        same_answers=same,
        labels=tuple(model.info.labels),
        input_shape=model.input_shape,
        outputs=model.info.outputs,
    )


def with_preprocessing(content: bytes, preprocessing: Preprocessing) -> bytes:
    """Return an ONNX graph that takes grey levels 0 to 255 instead of normalised inputs.

    Parameters
    ----------
    content
        A graph with one input (N, C, H, W), normalised as `preprocessing` says.
    """
    model = onnx.load_from_string(content)
    graph = model.graph
    stored = {tensor.name for tensor in graph.initializer}
    source = next(entry for entry in graph.input if entry.name not in stored)
    old = source.name
    factor, shift = _affine(preprocessing)
    graph.initializer.append(numpy_helper.from_array(factor, "emostudio_factor"))
    graph.initializer.append(numpy_helper.from_array(shift, "emostudio_shift"))
    scaled = "emostudio_scaled"
    graph.node.insert(0, helper.make_node("Mul", [_NEW_INPUT, "emostudio_factor"], [scaled]))
    graph.node.insert(1, helper.make_node("Add", [scaled, "emostudio_shift"], [old]))
    if preprocessing.channel_order == "bgr":
        order = numpy_helper.from_array(np.array([2, 1, 0], np.int64), "emostudio_order")
        graph.initializer.append(order)
        ordered = "emostudio_ordered"
        gather = helper.make_node("Gather", [_NEW_INPUT, order.name], [ordered], axis=1)
        graph.node[0].input[0] = ordered
        graph.node.insert(0, gather)
    source.name = _NEW_INPUT
    serialised: bytes = model.SerializeToString()
    return serialised


def _affine(preprocessing: Preprocessing) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Fold scale, offset, mean and std into one factor and one shift per channel."""
    shape = (preprocessing.channels,)
    mean = np.broadcast_to(np.asarray(preprocessing.mean, dtype=np.float64), shape)
    std = np.broadcast_to(np.asarray(preprocessing.std, dtype=np.float64), shape)
    factor = (preprocessing.scale / std).reshape(1, -1, 1, 1)
    shift = ((preprocessing.offset - mean) / std).reshape(1, -1, 1, 1)
    return factor.astype(np.float32), shift.astype(np.float32)


def _require_expressible(model: LoadedModel) -> None:
    info = model.info
    if model.members:
        raise InputError(
            f"{info.name} cannot be exported",
            why="an ensemble is several models",
            next_step="Export each of them, or distil it into one network",
        )
    if model.module is None and model.onnx_bytes is None:
        raise InputError(
            f"{info.name} cannot be exported",
            why="it is no ONNX graph, and its layers are not known",
            next_step="Distil it into a network with layers, and export that",
        )
    if info.preprocessing.transform != "none":
        raise InputError(
            f"{info.name} cannot be exported",
            why="its input is mapped local binary patterns, which are made from the pixels outside "
            "of the network",
            next_step="Distil it into a network that takes plain pixels, and export that",
        )


def _exported_info(info: ModelInfo) -> ModelInfo:
    """Describe the exported file: a black box whose preprocessing does nothing any more."""
    geometry = info.preprocessing
    raw = Preprocessing(
        height=geometry.height,
        width=geometry.width,
        channels=geometry.channels,
        resize=geometry.resize,
        scale=1.0,
    )
    lineage = Lineage(parent=info.name, **info.lineage.model_dump(exclude={"parent"}))
    return info.model_copy(
        update={
            "architecture": BLACK_BOX,
            "architecture_settings": {},
            "structure": (),
            "preprocessing": raw,
            "lineage": lineage,
        }
    )


def _parity(
    reference: Session, exported: Session, preprocessing: Preprocessing
) -> tuple[float, float, float]:
    """Return the largest difference of outputs, the share of equal answers, and the largest output.

    The largest output is a magnitude, taken from `reference`.
    """
    channels, height, width = preprocessing.input_shape
    generator = np.random.default_rng(0)
    difference, equal, largest = 0.0, 0, 0.0
    for _ in range(PARITY_INPUTS // _BATCH):
        shape = (_BATCH, height, width, channels)
        pixels = generator.integers(0, 256, size=shape, dtype=np.uint8)
        expected = reference.run(normalise(pixels, preprocessing))
        ordered = pixels[..., ::-1] if preprocessing.channel_order == "bgr" else pixels
        raw = np.ascontiguousarray(ordered.transpose(0, 3, 1, 2)).astype(np.float32)
        found = exported.run(raw)
        difference = max(difference, float(np.abs(expected - found).max()))
        largest = max(largest, float(np.abs(expected).max()))
        equal += int((expected.argmax(axis=1) == found.argmax(axis=1)).sum())
    return difference, equal / PARITY_INPUTS, largest
