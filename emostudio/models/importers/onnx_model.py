"""Read ONNX networks as black boxes: operators and sizes are checked before anything runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError
from onnx import TensorProto, helper
from pydantic import ValidationError

from emostudio.core.errors import InputError
from emostudio.core.model_info import ModelInfo

METADATA_KEY = "emostudio"
"""Key under which a `ModelInfo` is kept in an ONNX file's metadata."""

_NODE_LIMIT = 50_000
_BYTES_LIMIT = 2 * 2**30 - 1
_DIMENSION_LIMIT = 4096
_ELEMENT_LIMIT = 2**28
_OPSET_LIMIT = 100
_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml"})
_FUSED_OPERATORS = frozenset(
    {
        "FusedConv",
        "FusedGemm",
        "FusedMatMul",
        "Gelu",
        "QuickGelu",
        "BiasGelu",
        "QLinearAdd",
        "QLinearAveragePool",
        "QLinearConcat",
        "QLinearGlobalAveragePool",
        "QLinearLeakyRelu",
        "QLinearMul",
        "QLinearSigmoid",
        "QLinearSoftmax",
        "MatMulNBits",
        "NhwcMaxPool",
        "QGemm",
        "DequantizeLinear",
        "QuantizeLinear",
        "DynamicQuantizeMatMul",
        "MatMulIntegerToFloat",
    }
)
_FORBIDDEN_OPERATORS = frozenset({"Loop", "Scan", "If", "EPContext", "SequenceMap"})


@dataclass(frozen=True)
class OnnxFacts:
    """What an ONNX classifier's graph says about itself.

    Attributes
    ----------
    content
        The model, self-contained, with input (N, C, H, W).
    channels, height, width
        Input geometry; 0 where the file leaves it open.
    class_count
        Number of outputs, 0 if the file leaves it open.
    ends_in_softmax
        Whether the outputs are probabilities.
    info
        EmoStudio's own description, if the file carries one.
    notes
        What was changed or deserves a look.
    """

    content: bytes
    channels: int
    height: int
    width: int
    class_count: int
    ends_in_softmax: bool
    info: ModelInfo | None
    notes: tuple[str, ...] = ()


def read_onnx(path: Path) -> OnnxFacts:
    """Read and check an ONNX image classifier without running it.

    Raises
    ------
    InputError
        If the file is damaged, too large, refers to outside files, has control flow, custom or
        compiled operators, or is not a classifier of one image input.
    """
    content = path.read_bytes()
    if len(content) > _BYTES_LIMIT:
        raise InputError(f"{path.name} is larger than 2 GiB")
    model = _parse(content, path.name)
    _check_operators(model, path.name)
    _check_tensors(model, path.name)
    notes: tuple[str, ...] = ()
    shape = _input_shape(model, path.name)
    if shape[1] not in {1, 3} and shape[3] in {1, 3}:
        _put_channels_first(model, shape)
        shape = (shape[0], shape[3], shape[1], shape[2])
        notes = ("The network takes channels last; a transpose was put in front of it",)
    if shape[1] not in {0, 1, 3}:
        raise InputError(
            f"{path.name} does not take pictures", why=f"its input has {shape[1]} channels"
        )
    class_count, ends_in_softmax = _outputs(model, path.name)
    return OnnxFacts(
        content=model.SerializeToString(),
        channels=shape[1],
        height=shape[2],
        width=shape[3],
        class_count=class_count,
        ends_in_softmax=ends_in_softmax,
        info=_own_info(model),
        notes=notes,
    )


def with_info(content: bytes, info: ModelInfo) -> bytes:
    """Return the ONNX model with `info` in its metadata, so that one file says everything."""
    model = onnx.load_from_string(content)
    kept = [entry for entry in model.metadata_props if entry.key != METADATA_KEY]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    model.metadata_props.add(key=METADATA_KEY, value=info.model_dump_json())
    serialised: bytes = model.SerializeToString()
    return serialised


def _parse(content: bytes, name: str) -> onnx.ModelProto:
    try:
        model = onnx.load_from_string(content)
    except (DecodeError, UnicodeDecodeError, ValueError, TypeError) as error:
        raise InputError(f"{name} is damaged or not ONNX", next_step="Export it again") from error
    if not model.graph.node or not model.graph.output:
        raise InputError(f"{name} is damaged or not ONNX", why="it has no layers")
    if any(entry.version > _OPSET_LIMIT or entry.version < 1 for entry in model.opset_import):
        raise InputError(f"{name} is damaged or not ONNX", why="its operator set does not exist")
    return model


def _check_operators(model: onnx.ModelProto, name: str) -> None:
    if len(model.graph.node) > _NODE_LIMIT:
        raise InputError(f"{name} was refused", why=f"it has more than {_NODE_LIMIT} nodes")
    if len(model.functions):
        raise InputError(
            f"{name} was refused",
            why="it defines functions of its own",
            next_step="Export it with its functions inlined",
        )
    for node in model.graph.node:
        known = node.domain in _DOMAINS or node.op_type in _FUSED_OPERATORS
        nested = any(
            attribute.HasField("g") or len(attribute.graphs) for attribute in node.attribute
        )
        if not known or nested or node.op_type in _FORBIDDEN_OPERATORS:
            raise InputError(
                f"{name} was refused",
                why=f"operator {node.domain + '.' if node.domain else ''}{node.op_type[:60]} is "
                "not a layer of a plain network",
                next_step="Export the network for inference, without control flow or plug-ins",
            )


def _check_tensors(model: onnx.ModelProto, name: str) -> None:
    constants = [
        attribute.t
        for node in model.graph.node
        for attribute in node.attribute
        if attribute.HasField("t")
    ]
    for tensor in (*model.graph.initializer, *constants):
        if tensor.data_location == TensorProto.EXTERNAL or len(tensor.external_data):
            raise InputError(
                f"{name} was refused",
                why="it refers to data in other files",
                next_step="Save it as one file, without external data",
            )
        count = 1
        for size in tensor.dims:
            count *= size
            if size < 0 or count > _ELEMENT_LIMIT:
                raise InputError(
                    f"{name} was refused", why=f"tensor {tensor.name[:60]} has an impossible shape"
                )
    if len(model.graph.sparse_initializer):
        raise InputError(f"{name} was refused", why="it holds sparse tensors")


def _input_shape(model: onnx.ModelProto, name: str) -> tuple[int, int, int, int]:
    stored = {tensor.name for tensor in model.graph.initializer}
    inputs = [one for one in model.graph.input if one.name not in stored]
    if len(inputs) != 1:
        raise InputError(f"{name} is not an image classifier", why=f"it has {len(inputs)} inputs")
    kind = inputs[0].type.tensor_type
    sizes = [dimension.dim_value for dimension in kind.shape.dim]
    if kind.elem_type != TensorProto.FLOAT or len(sizes) != 4:
        raise InputError(
            f"{name} is not an image classifier",
            why="its input is not a float32 array of four dimensions",
        )
    if any(size < 0 or size > _DIMENSION_LIMIT for size in sizes):
        raise InputError(f"{name} was refused", why=f"its input has the impossible shape {sizes}")
    return (sizes[0], sizes[1], sizes[2], sizes[3])


def _put_channels_first(model: onnx.ModelProto, shape: tuple[int, int, int, int]) -> None:
    graph = model.graph
    stored = {tensor.name for tensor in graph.initializer}
    source = next(one for one in graph.input if one.name not in stored)
    inner = f"{source.name}_channels_last"
    for node in graph.node:
        for index, used in enumerate(node.input):
            if used == source.name:
                node.input[index] = inner
    graph.node.insert(0, helper.make_node("Transpose", [source.name], [inner], perm=[0, 2, 3, 1]))
    batch: int | str = shape[0] or "N"
    outer = helper.make_tensor_value_info(
        source.name, TensorProto.FLOAT, [batch, shape[3], shape[1] or "H", shape[2] or "W"]
    )
    source.CopyFrom(outer)


def _outputs(model: onnx.ModelProto, name: str) -> tuple[int, bool]:
    output = model.graph.output[0]
    sizes = [dimension.dim_value for dimension in output.type.tensor_type.shape.dim]
    if sizes and len(sizes) != 2:
        raise InputError(
            f"{name} is not a classifier", why=f"its output has {len(sizes)} dimensions, not 2"
        )
    maker = next((node for node in model.graph.node if output.name in node.output), None)
    if maker is None:
        raise InputError(f"{name} is damaged or not ONNX", why="nothing makes its output")
    return (sizes[1] if sizes else 0), maker.op_type == "Softmax"


def _own_info(model: onnx.ModelProto) -> ModelInfo | None:
    for entry in model.metadata_props:
        if entry.key == METADATA_KEY:
            try:
                return ModelInfo.model_validate_json(entry.value)
            except ValidationError:
                return None
    return None
