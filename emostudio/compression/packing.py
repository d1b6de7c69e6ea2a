"""Variants on disk: packed tensors in one container file, and its exact size beforehand."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import BaseModel, ValidationError
from torch import nn

from emostudio.compression.catalogue import METHODS, unpack
from emostudio.compression.coding.codecs import has_values, shape_of
from emostudio.compression.surgery import layer_at, put
from emostudio.core.atomic import write_bytes
from emostudio.core.errors import EmoStudioError, InputError
from emostudio.core.model_info import BLACK_BOX, CAFFE, ModelInfo
from emostudio.models import catalogue as architectures
from emostudio.models.container import container_bytes, read_container, write_container
from emostudio.models.importers.onnx_model import read_onnx
from emostudio.models.loaded import CodedTensor, LoadedModel
from emostudio.models.parts import part_arrays, parts_of

MANIFEST = "__packing__"
_PART = "//"


class _CodedEntry(BaseModel):
    codec: str
    header: dict[str, Any]


class _Manifest(BaseModel):
    crc32: dict[str, str]
    coded: dict[str, _CodedEntry]


def predict_bytes(model: LoadedModel) -> int:
    """Return the size of the file `save_variant` would write, to the byte.

    Parameters
    ----------
    model
        A model, or the planned one of `base.Planned`, which has no values.
    """
    if model.onnx_bytes is not None:
        return len(model.onnx_bytes)
    if model.members:
        return sum(predict_bytes(member) for member in model.members)
    if model.parts:
        sizes = {name: (np.dtype("u1"), (len(part),)) for name, part in model.parts.items()}
        return container_bytes(model.info, sizes)
    shapes: dict[str, tuple[np.dtype[Any] | str, tuple[int, ...]]] = {
        name: (array.dtype, array.shape) for name, array in _coded_arrays(model).items()
    }
    for name, tensor in _raw_tensors(model).items():
        shapes[name] = (_dtype(tensor), tuple(tensor.shape))
    shapes[MANIFEST] = ("u1", (len(_manifest(model, dict.fromkeys(shapes, 0))),))
    return container_bytes(model.info, shapes)


def parameter_bytes(model: LoadedModel) -> int:
    """Return the bytes of all parameters as stored: without running statistics and headers."""
    if model.module is None:
        return 0
    names = {name for name, _ in model.module.named_parameters()}
    raw = sum(
        tensor.numel() * tensor.element_size()
        for name, tensor in _raw_tensors(model).items()
        if name in names
    )
    return raw + sum(array.nbytes for array in _coded_arrays(model).values())


def save_variant(model: LoadedModel, path: Path) -> int:
    """Write a model file atomically, after checking that it will read back bit by bit.

    Parameters
    ----------
    model
        White-box model, or a black box, whose ONNX file is written as it is; an ensemble has no
        file of its own.
    path
        Final place.

    Returns
    -------
    Bytes written; equals `predict_bytes`.

    Raises
    ------
    EmoStudioError
        If a packed tensor does not decode to the values in the network, a value is not finite,
        or the disk refuses.
    """
    path = Path(path)
    if model.members:
        raise EmoStudioError(
            f"{model.info.name} was not written", why="an ensemble is several models"
        )
    if model.onnx_bytes is not None:
        write_bytes(path, model.onnx_bytes)
        return len(model.onnx_bytes)
    if model.parts:
        return write_container(path, model.info, part_arrays(model.parts))
    arrays = _coded_arrays(model)
    for name, tensor in _raw_tensors(model).items():
        arrays[name] = tensor.detach().cpu().contiguous().numpy()
    _check_coded(model)
    checksums = {name: _checksum(array) for name, array in arrays.items()}
    arrays[MANIFEST] = np.frombuffer(_manifest(model, checksums), np.uint8)
    written = write_container(path, model.info, arrays)
    on_disk = path.stat().st_size
    if not on_disk == written == predict_bytes(model):
        raise EmoStudioError(
            f"{path.name} has {on_disk:,} bytes on disk",
            why=f"{predict_bytes(model):,} were predicted",
            next_step="Please report this",
        )
    return written


def load_variant(path: Path) -> LoadedModel:
    """Read a teacher or variant, or an ONNX file as a black box.

    Raises
    ------
    InputError
        If the file is missing, damaged, or needs a method or architecture that is not there.
    """
    path = Path(path)
    if path.suffix.lower() == ".onnx":
        return _load_black_box(path)
    info, arrays = read_container(path)
    if info.architecture == CAFFE:
        return LoadedModel(info, parts=parts_of(path, info, arrays), file=path)
    manifest = _read_manifest(path, arrays)
    coded = _gather_coded(manifest, arrays)
    module = build_structure(info)
    expected = module.state_dict()
    state = {name: torch.from_numpy(array) for name, array in arrays.items() if _PART not in name}
    for name, tensor in coded.items():
        # before unpacking: what a forged header promises may not fit into memory
        _require_fit(path, name, shape_of(tensor), expected)
        state[name] = torch.from_numpy(unpack(tensor))
    for name in sorted(state.keys() & expected.keys()):
        if state[name].dtype != expected[name].dtype:
            raise InputError(
                f"{path.name} does not fit its architecture {info.architecture}",
                why=f"{name} is stored as {state[name].dtype}, not {expected[name].dtype}",
                next_step="Import the weights again",
            )
    try:
        module.load_state_dict(state, assign=True)
    except RuntimeError as error:
        raise InputError(
            f"{path.name} does not fit its architecture {info.architecture}",
            why=str(error).strip().rpartition("\n")[2].strip(),
        ) from error
    module.eval()
    return LoadedModel(info, module=_trainable(module), coded=coded, file=path)


def build_structure(info: ModelInfo) -> nn.Module:
    """Return the network of a model without values: its architecture, then each change replayed.

    Raises
    ------
    InputError
        If a method, an architecture or a layer does not exist.
    """
    with torch.device("meta"):
        module = architectures.build(info)
        for record in info.structure:
            layer = layer_at(module, record.layer)
            new = METHODS.get(record.method).rebuild(layer, dict(record.arguments))
            module = put(module, record.layer, new)
    return module


def _require_fit(
    path: Path, name: str, shape: tuple[int, ...], expected: Mapping[str, torch.Tensor]
) -> None:
    if name not in expected or tuple(expected[name].shape) != shape:
        raise InputError(
            f"{path.name} is damaged",
            why=f"no tensor {name} of shape {shape} belongs to its network",
            next_step="Get a fresh copy of the file",
        )


def _load_black_box(path: Path) -> LoadedModel:
    facts = read_onnx(path)
    if facts.info is None:
        raise InputError(
            f"{path.name} does not say what its outputs mean",
            next_step="Import it, giving its labels and preprocessing",
        )
    info = facts.info.model_copy(update={"architecture": BLACK_BOX, "structure": ()})
    return LoadedModel(info, onnx_bytes=facts.content, file=path)


def _raw_tensors(model: LoadedModel) -> Mapping[str, torch.Tensor]:
    if model.module is None:
        return {}
    state = model.module.state_dict()
    return {name: tensor for name, tensor in state.items() if name not in model.coded}


def _coded_arrays(model: LoadedModel) -> dict[str, np.ndarray]:
    return {
        f"{name}{_PART}{part}": array
        for name, coded in model.coded.items()
        for part, array in coded.arrays.items()
    }


def _dtype(tensor: torch.Tensor) -> np.dtype[Any]:
    return torch.empty(0, dtype=tensor.dtype).numpy().dtype


def _manifest(model: LoadedModel, checksums: Mapping[str, int]) -> bytes:
    document = {
        "crc32": {name: f"{value:08x}" for name, value in sorted(checksums.items())},
        "coded": {
            name: {"codec": coded.codec, "header": dict(coded.header)}
            for name, coded in sorted(model.coded.items())
        },
    }
    return json.dumps(document, separators=(",", ":"), allow_nan=False).encode()


def _checksum(array: np.ndarray) -> int:
    contiguous = np.ascontiguousarray(array).reshape(-1)
    return zlib.crc32(contiguous.view(np.uint8).data)


def _check_coded(model: LoadedModel) -> None:
    state = {} if model.module is None else model.module.state_dict()
    for name, coded in model.coded.items():
        if name not in state or not has_values(coded):
            raise EmoStudioError(f"The packed tensor {name} belongs to no layer")
        if not np.array_equal(unpack(coded), state[name].detach().cpu().numpy()):
            raise EmoStudioError(
                f"The packed form of {name} differs from the network",
                why="a later step changed the weights without packing them again",
                next_step="Please report this; nothing was written",
            )


def _read_manifest(path: Path, arrays: dict[str, np.ndarray]) -> dict[str, _CodedEntry]:
    """Take the manifest out of `arrays` and check every array against it."""
    if MANIFEST not in arrays:  # teachers are written without one by the importers
        return {}
    try:
        manifest = _Manifest.model_validate_json(arrays.pop(MANIFEST).tobytes())
    except ValidationError as error:
        raise InputError(f"{path.name} is damaged", why="its manifest cannot be read") from error
    checksums = manifest.crc32
    if set(checksums) != set(arrays):
        raise InputError(f"{path.name} is damaged", why="arrays are missing or unexpected")
    for name, array in arrays.items():
        if checksums[name] != f"{_checksum(array):08x}":
            raise InputError(
                f"{path.name} is damaged",
                why=f"the checksum of {name} is wrong",
                next_step="Get a fresh copy of the file",
            )
    return manifest.coded


def _gather_coded(
    manifest: Mapping[str, _CodedEntry], arrays: Mapping[str, np.ndarray]
) -> dict[str, CodedTensor]:
    coded: dict[str, CodedTensor] = {}
    for name, entry in manifest.items():
        prefix = f"{name}{_PART}"
        parts = {
            key[len(prefix) :]: array for key, array in arrays.items() if key.startswith(prefix)
        }
        coded[name] = CodedTensor(entry.codec, parts, entry.header)
    return coded


def _trainable(module: nn.Module) -> nn.Module:
    for parameter in module.parameters():
        parameter.requires_grad = parameter.is_floating_point()
    return module
