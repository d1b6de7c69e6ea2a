"""Read Caffe networks as black boxes: a prototxt, a caffemodel, and perhaps a mean image.

Nothing is run here. `caffe_probe` opens the two files in a sandboxed process first.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emostudio.core.errors import InputError
from emostudio.models.importers.binaryproto import mean_image

PROTOTXT, WEIGHTS, MEAN = "prototxt", "caffemodel", "mean"
"""Names of the parts of a Caffe black box."""

DEFAULTS: dict[str, Any] = {"scale": 1.0, "channel_order": "bgr"}
"""What Caffe's own tools do to a colour picture, unless the user says otherwise."""

_PROTOTXT_LIMIT_BYTES = 1 << 20
_WEIGHTS_LIMIT_BYTES = 2**31 - 1
_MEAN_LIMIT_BYTES = 64 << 20
_SIDES = (8, 512)
_BLOCKS = (
    r"input_shape\s*:?\s*\{([^{}]*)\}",
    r"input_param\s*:?\s*\{\s*shape\s*:?\s*\{([^{}]*)\}",
)


@dataclass(frozen=True)
class CaffeFiles:
    """Where the parts of a Caffe network lie; all are plain files of a bearable size."""

    prototxt: Path
    weights: Path
    mean: Path | None = None


def find_files(weights: Path, settings: Mapping[str, Any]) -> CaffeFiles:
    """Find the files that belong to a caffemodel.

    Parameters
    ----------
    weights
        The ``.caffemodel``.
    settings
        May name the ``prototxt``, else it has the same stem or is the only one beside, and a
        ``mean`` image (``.binaryproto``).

    Raises
    ------
    InputError
        If one is missing, not a plain file or too large, or a setting is unknown.
    """
    unknown = sorted(set(settings) - {PROTOTXT, MEAN})
    if unknown:
        raise InputError(
            f"A Caffe network has no setting {unknown[0]}", next_step="Settings: prototxt, mean"
        )
    named = settings.get(PROTOTXT)
    prototxt = _named_file(weights, named) if named else _beside(weights)
    mean = _named_file(weights, settings[MEAN]) if settings.get(MEAN) else None
    _require_plain(prototxt, _PROTOTXT_LIMIT_BYTES)
    _require_plain(weights, _WEIGHTS_LIMIT_BYTES)
    if mean is not None:
        _require_plain(mean, _MEAN_LIMIT_BYTES)
    return CaffeFiles(prototxt, weights, mean)


def read_parts(files: CaffeFiles, shape: tuple[int, int, int]) -> dict[str, bytes]:
    """Return the parts of a Caffe black box by name.

    Parameters
    ----------
    files
        Checked by `caffe_probe`.
    shape
        (C, H, W) of the network's input, to whose middle a larger mean image is cut.

    Raises
    ------
    InputError
        If a file cannot be read or the mean image does not fit.
    """
    try:
        parts = {PROTOTXT: files.prototxt.read_bytes(), WEIGHTS: files.weights.read_bytes()}
        if files.mean is not None:
            parts[MEAN] = mean_image(files.mean.read_bytes(), shape).tobytes()
    except OSError as error:
        raise InputError(
            f"The files of {files.weights.name} cannot be read", why=error.strerror or str(error)
        ) from error
    return parts


def input_shape(prototxt: str) -> tuple[int, int, int]:
    """Return (C, H, W) of the one input that a deploy prototxt declares.

    Raises
    ------
    InputError
        If it declares none, several, or one that is not a picture.
    """
    text = re.sub(r"#[^\n]*", "", prototxt)
    sizes = re.findall(r"input_dim\s*:\s*(\d{1,6})", text)
    blocks = [block for pattern in _BLOCKS for block in re.findall(pattern, text)]
    if not sizes and len(blocks) == 1:
        sizes = re.findall(r"dim\s*:\s*(\d{1,6})", blocks[0])
    if len(sizes) != 4:
        raise InputError(
            "The prototxt does not declare one picture as its input",
            why="it is the description for training, or has several inputs",
            next_step="Use the deploy.prototxt of the network",
        )
    channels, height, width = (int(size) for size in sizes[1:])
    if channels not in {1, 3} or not all(_SIDES[0] <= s <= _SIDES[1] for s in (height, width)):
        raise InputError(
            "The network does not take pictures",
            why=f"its input has {channels} channels of {height} x {width} pixels",
        )
    return channels, height, width


def _named_file(weights: Path, name: object) -> Path:
    path = Path(str(name)).expanduser()
    return path if path.is_absolute() or path.exists() else weights.parent / path


def _beside(weights: Path) -> Path:
    own = weights.with_suffix(".prototxt")
    if own.is_file():
        return own
    others = sorted(weights.parent.glob("*.prototxt"))
    deploys = [path for path in others if "deploy" in path.stem.lower()] or others
    if len(deploys) == 1:
        return deploys[0]
    raise InputError(
        f"{weights.name} needs its prototxt",
        why=f"there is no {own.name} beside it",
        next_step="Name it: --set prototxt=deploy.prototxt",
    )


def _require_plain(path: Path, limit_bytes: int) -> None:
    try:
        status = path.resolve(strict=True).stat()
    except OSError as error:
        raise InputError(
            f"Could not open {path}", why=error.strerror or str(error), next_step="Check the path"
        ) from error
    if not stat.S_ISREG(status.st_mode) or not status.st_size:
        raise InputError(f"{path.name} is not a file with content", next_step="Choose another")
    if status.st_size > limit_bytes:
        raise InputError(
            f"{path.name} was refused", why=f"it is larger than {limit_bytes >> 20:,} MiB"
        )
