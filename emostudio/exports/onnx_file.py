"""ONNX graphs that take raw pixels and carry their own description."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from emostudio import __version__
from emostudio.core.errors import EmoStudioError
from emostudio.core.model_info import BLACK_BOX, Lineage, ModelInfo, Preprocessing
from emostudio.inference.engines.onnxruntime import ENGINE
from emostudio.models.importers.onnx_model import with_info
from emostudio.models.loaded import LoadedModel
from emostudio.models.segments import leaves_early

FORMAT = "emostudio-export 1"
INPUT = "pixels"


def refuse_pixels(model: LoadedModel) -> str:
    """Return why a model cannot become a graph that takes pixels, or nothing."""
    if model.module is None and model.onnx_bytes is None:
        return "it is no ONNX graph, and its layers are not known; distil it into a network"
    if model.info.preprocessing.transform != "none":
        return (
            "its input is mapped local binary patterns, which are made from the pixels outside of "
            "the network; distil it into a network that takes plain pixels"
        )
    return ""


def refuse_one_graph(model: LoadedModel) -> str:
    """Return why a model cannot become one graph that takes pixels, or nothing."""
    if leaves_early(model.module):
        return (
            "it has early exits: the picture decides which layers run, and one graph runs all; "
            "export it as segments"
        )
    return refuse_pixels(model)


def one_graph(model: LoadedModel) -> bytes:
    """Return a model as one self-contained ONNX file of standard operators.

    Parameters
    ----------
    model
        White box without early exits, or a black box, whose graph is kept.

    Returns
    -------
    The input ``pixels`` is float32 (N, C, H, W), RGB or grey, with levels from 0 to 255; channel
    order, scaling and normalisation are part of the graph. Plain metadata keys say what anybody
    needs to use it; the key ``emostudio`` holds labels and lineage as JSON.

    Raises
    ------
    EmoStudioError
        If a layer cannot be expressed in ONNX.
    """
    graph = with_preprocessing(ENGINE.graph(model), model.info.preprocessing)
    described = with_info(graph, _exported_info(model.info))
    return with_metadata(described, metadata_of(model.info, opset_of(described)))


def metadata_of(info: ModelInfo, opset: int) -> dict[str, str]:
    """Return what a program needs to use an exported model, as plain words."""
    geometry = info.preprocessing
    return {
        "format": FORMAT,
        "model": info.name,
        "architecture": info.architecture,
        "recipe": info.recipe.title,
        "labels": ",".join(info.labels),
        "outputs": info.outputs,
        "input_height": str(geometry.height),
        "input_width": str(geometry.width),
        "input_channels": str(geometry.channels),
        "input_layout": "float32 NCHW",
        "input_levels": "0 to 255",
        "channel_order": "rgb" if geometry.channels == 3 else "grey",
        "resize": str(geometry.resize),
        "opset": str(opset),
        "exported_by": f"EmoStudio {__version__}",
    }


def with_metadata(content: bytes, metadata: Mapping[str, str]) -> bytes:
    """Return a graph with plain metadata keys, in place of any of the same name."""
    model = onnx.load_from_string(content)
    kept = [entry for entry in model.metadata_props if entry.key not in metadata]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    for key, value in metadata.items():
        model.metadata_props.add(key=key, value=value)
    serialised: bytes = model.SerializeToString()
    return serialised


def opset_of(content: bytes) -> int:
    """Return the version of ONNX's own operators that a graph uses.

    Raises
    ------
    EmoStudioError
        If it names none.
    """
    for entry in onnx.load_from_string(content).opset_import:
        if entry.domain in {"", "ai.onnx"}:
            return int(entry.version)
    raise EmoStudioError("The graph does not say which operators it uses")


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
    names = _names(graph) - {source.name}
    pixels, factor, shift, scaled, inner, order, ordered = (
        _free(word, names)
        for word in (INPUT, "factor", "shift", "scaled", "normalised", "order", "ordered")
    )
    for node in graph.node:
        for index, used in enumerate(node.input):
            if used == source.name:
                node.input[index] = inner
    factors, shifts = _affine(preprocessing)
    graph.initializer.append(numpy_helper.from_array(factors, factor))
    graph.initializer.append(numpy_helper.from_array(shifts, shift))
    nodes = [
        helper.make_node("Mul", [pixels, factor], [scaled]),
        helper.make_node("Add", [scaled, shift], [inner]),
    ]
    if preprocessing.channel_order == "bgr":
        graph.initializer.append(numpy_helper.from_array(np.array([2, 1, 0], np.int64), order))
        nodes[0].input[0] = ordered
        nodes.insert(0, helper.make_node("Gather", [pixels, order], [ordered], axis=1))
    for place, node in enumerate(nodes):
        graph.node.insert(place, node)
    source.name = pixels
    serialised: bytes = model.SerializeToString()
    return serialised


def _names(graph: onnx.GraphProto) -> set[str]:
    """Return the names of all values of a graph."""
    used = [name for node in graph.node for name in (*node.input, *node.output)]
    tensors = (*graph.input, *graph.output, *graph.initializer)
    return {*used, *(tensor.name for tensor in tensors)}


def _free(word: str, names: set[str]) -> str:
    """Return a name that no value has: a black box may be an earlier export."""
    name = word
    while name in names:
        name += "_"
    return name


def _affine(preprocessing: Preprocessing) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Fold scale, offset, mean and std into one factor and one shift per channel."""
    shape = (preprocessing.channels,)
    mean = np.broadcast_to(np.asarray(preprocessing.mean, dtype=np.float64), shape)
    std = np.broadcast_to(np.asarray(preprocessing.std, dtype=np.float64), shape)
    factor = (preprocessing.scale / std).reshape(1, -1, 1, 1)
    shift = ((preprocessing.offset - mean) / std).reshape(1, -1, 1, 1)
    return factor.astype(np.float32), shift.astype(np.float32)


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
