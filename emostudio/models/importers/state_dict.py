"""Convert a PyTorch state dict to safetensors. Run in a sandboxed process, never in the studio.

``python -m emostudio.models.importers.state_dict SOURCE TARGET`` reads the pickle with the
restricted unpickler only, and writes plain tensors. There is no other way in and no fall-back.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor

from emostudio.core.atomic import write_bytes
from emostudio.core.errors import InputError

_TENSOR_LIMIT = 20_000
_NAME_LIMIT = 512
_WRAPPERS = ("state_dict", "model_state_dict", "model", "net", "weights")
_PREFIXES = ("module.", "_orig_mod.", "model.")


def convert_state_dict(source: Path, target: Path) -> int:
    """Read a ``.pt``/``.pth`` state dict and write its tensors to `target` as safetensors.

    Returns
    -------
    Number of tensors written.

    Raises
    ------
    InputError
        If the file is damaged, holds anything but tensors and numbers, or carries code.
    """
    try:
        loaded = torch.load(source, map_location="cpu", weights_only=True)
    except Exception as error:
        raise _unreadable(source, error) from error
    tensors = _clean(_unwrap(loaded, source), source)
    write_bytes(target, save(tensors))
    return len(tensors)


def _unreadable(source: Path, error: Exception) -> InputError:
    text = str(error)
    if "Weights only load failed" in text or "Unsupported" in text or "GLOBAL" in text:
        return InputError(
            f"{source.name} was refused",
            why="it contains code or whole objects, not only weights",
            next_step="Save the weights alone: torch.save(model.state_dict(), 'weights.pt')",
        )
    return InputError(
        f"{source.name} is damaged or not a state dict",
        why=f"{type(error).__name__} while reading",
        next_step="Save it again with torch.save(model.state_dict(), 'weights.pt')",
    )


def _unwrap(loaded: object, source: Path) -> Mapping[object, object]:
    for _ in range(3):
        if not isinstance(loaded, dict):
            break
        inner = next((loaded[key] for key in _WRAPPERS if isinstance(loaded.get(key), dict)), None)
        if inner is None:
            return loaded
        loaded = inner
    raise InputError(
        f"{source.name} is not a state dict",
        why="the top level must be names and tensors",
        next_step="Save it with torch.save(model.state_dict(), 'weights.pt')",
    )


def _clean(entries: Mapping[object, object], source: Path) -> dict[str, Tensor]:
    if len(entries) > _TENSOR_LIMIT:
        raise InputError(f"{source.name} holds more than {_TENSOR_LIMIT} tensors")
    tensors: dict[str, Tensor] = {}
    for name, value in entries.items():
        if not isinstance(name, str) or len(name) > _NAME_LIMIT or not name.isprintable():
            raise InputError(f"{source.name} has a tensor name that cannot be used")
        if not isinstance(value, Tensor):
            continue  # optimiser settings, epoch numbers and the like
        if value.layout != torch.strided or value.is_quantized or value.dtype.is_complex:
            raise InputError(f"{source.name}: tensor {name[:80]} is not a plain dense tensor")
        tensors[_strip(name)] = value.detach().clone().contiguous()
    if not tensors:
        raise InputError(f"{source.name} holds no tensors")
    return tensors


def _strip(name: str) -> str:
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return name


def main(arguments: list[str]) -> int:
    """Convert ``SOURCE TARGET``; a refusal goes to stderr as one line, exit code 2."""
    source, target = map(Path, arguments)
    try:
        convert_state_dict(source, target)
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
