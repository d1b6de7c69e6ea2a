"""Black boxes made of files of another program, kept together in one model file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emostudio.core.errors import InputError
from emostudio.core.model_info import ModelInfo

_SUMS = "sha256"


def described_parts(parts: Mapping[str, bytes]) -> dict[str, Any]:
    """Return the architecture settings of a black box made of `parts`: the hash of each."""
    return {_SUMS: {name: hashlib.sha256(part).hexdigest() for name, part in parts.items()}}


def part_arrays(parts: Mapping[str, bytes]) -> dict[str, NDArray[np.uint8]]:
    """Return the parts as arrays for the model file."""
    return {name: np.frombuffer(part, np.uint8) for name, part in parts.items()}


def parts_of(path: Path, info: ModelInfo, arrays: Mapping[str, np.ndarray]) -> dict[str, bytes]:
    """Return the parts that a model file holds.

    Raises
    ------
    InputError
        If a part is missing, unexpected, or not what was written.
    """
    sums = info.architecture_settings.get(_SUMS)
    if not isinstance(sums, dict) or set(sums) != set(arrays):
        raise _damaged(path, "parts are missing or unexpected")
    parts = {name: array.tobytes() for name, array in arrays.items() if array.dtype == np.uint8}
    if described_parts(parts)[_SUMS] != sums:
        raise _damaged(path, "the checksum of a part is wrong")
    return parts


def _damaged(path: Path, why: str) -> InputError:
    return InputError(f"{path.name} is damaged", why=why, next_step="Get a fresh copy of the file")
