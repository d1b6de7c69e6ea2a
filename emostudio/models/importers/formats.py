"""Tell model files apart by their first bytes, and refuse those that carry code."""

from __future__ import annotations

import stat
import zipfile
from enum import StrEnum
from pathlib import Path

from emostudio.core.errors import InputError

_LIMIT_BYTES = 2 * 2**30
_PICKLE_OPCODE = b"\x80"
_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"


class ModelFormat(StrEnum):
    """Formats that can be imported."""

    SAFETENSORS = "safetensors"
    STATE_DICT = "state_dict"
    ONNX = "onnx"
    CAFFE = "caffe"


def detect_format(path: Path) -> ModelFormat:
    """Return the format of a model file, judged by its content, and for Caffe by its name.

    Raises
    ------
    InputError
        If the file is missing, empty, not a plain file, above 2 GiB, of an unknown format, or of
        a format that can run code when it is opened.
    """
    head, size = _read_head(path)
    if path.suffix.lower() == ".caffemodel":  # as a protobuf it could also be ONNX
        return ModelFormat.CAFFE
    if path.suffix.lower() == ".prototxt":
        why = "it only describes a network"
        raise _refused(path, why, "Import its .caffemodel with this file beside it")
    if zipfile.is_zipfile(path):
        return _zip_format(path)
    if head.startswith(_PICKLE_OPCODE):
        return ModelFormat.STATE_DICT
    if head.startswith(_HDF5_MAGIC):
        raise _refused(path, "Keras and HDF5 files can run code when opened", "Convert it to ONNX")
    if head.startswith((b"\x93NUMPY", b"GGUF")):
        raise _refused(path, "this is not a network", "Import safetensors, a state dict or ONNX")
    header_bytes = int.from_bytes(head[:8], "little")
    if head[8:9] == b"{" and header_bytes <= size:
        return ModelFormat.SAFETENSORS
    if head[:1] in {b"\x08", b"\x0a", b"\x12", b"\x3a"}:  # protobuf fields 1, 2, 7 of ModelProto
        return ModelFormat.ONNX
    raise _refused(path, "the format is not known", "Import safetensors, a state dict or ONNX")


def _read_head(path: Path) -> tuple[bytes, int]:
    try:
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            status = path.resolve(strict=True).stat()
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{path.name} is not a file", next_step="Choose a model file")
        with path.open("rb") as stream:
            head = stream.read(64)
    except OSError as error:
        raise InputError(
            f"Could not open {path}", why=error.strerror or str(error), next_step="Check the path"
        ) from error
    if not head:
        raise InputError(f"{path.name} is empty", next_step="Choose another file")
    if status.st_size > _LIMIT_BYTES:
        raise InputError(f"{path.name} is larger than 2 GiB", next_step="Choose a smaller model")
    return head, status.st_size


def _zip_format(path: Path) -> ModelFormat:
    """Judge a zip archive by its table of contents; nothing is unpacked."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise InputError(f"{path.name} is damaged", why=str(error)) from error
    names = [entry.filename for entry in entries]
    if any("/code/" in name or name.endswith(".py") for name in names):
        raise _refused(path, "TorchScript and torch.package files contain code", _SAVE_STATE_DICT)
    if any(name.endswith(("archive_format", "archive_version")) for name in names) or any(
        "/models/" in name for name in names
    ):
        raise _refused(path, "files of torch.export can run code when opened", _SAVE_STATE_DICT)
    if not any(name.endswith("data.pkl") for name in names):
        raise _refused(path, "this archive is not a model", "Unpack it and import the model file")
    packed = sum(entry.compress_size for entry in entries)
    unpacked = sum(entry.file_size for entry in entries)
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries) or (
        unpacked > 1.1 * packed + 4096
    ):
        raise _refused(path, "its records are compressed, which torch.save never does", "")
    if unpacked > _LIMIT_BYTES:
        raise InputError(f"{path.name} unpacks to more than 2 GiB")
    return ModelFormat.STATE_DICT


_SAVE_STATE_DICT = (
    "Save the weights alone: safetensors.torch.save_file(model.state_dict(), 'model.safetensors')"
)


def _refused(path: Path, why: str, next_step: str) -> InputError:
    return InputError(f"{path.name} was refused", why=why, next_step=next_step)
