"""The one decoder: bytes in, uint8 pixels out, the same way in every code path.

OpenCV never sees a path: some path strings crash it, and it would follow links and open pipes.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from emostudio.core.errors import InputError
from emostudio.data.image_headers import ImageHeader, foreign_format, image_format, read_header
from emostudio.data.transforms import fit_within

MAX_PIXELS = 2**24
"""Largest picture in pixels; more is refused before it is unpacked."""

MAX_FILE_BYTES = 2**28
"""Largest picture file in bytes."""

MIN_SIDE = 8
"""Shortest side in pixels a face can be read from."""

MAX_RATIO = 10.0
"""Largest ratio of the sides."""

_GREY = 128

cv2.utils.logging.setLogLevel(
    cv2.utils.logging.LOG_LEVEL_SILENT
)  # what OpenCV would print is said in the problems table instead


class DecodeError(InputError):
    """A picture cannot be used; `why` is one line for the problems table."""


@dataclass(frozen=True)
class Decoded:
    """A picture's pixels and what had to be done to get them.

    Attributes
    ----------
    pixels
        Shape (H, W, 1) grey or (H, W, 3) RGB, no side over `transforms.MAX_SIDE` unless asked for.
    notes
        Things worth a warning: 16 bits reduced, first frame taken, end marker missing.
    """

    pixels: NDArray[np.uint8]
    notes: tuple[str, ...] = ()


def printable(name: str | Path) -> str:
    """Return a file name as text that can be stored and shown, whatever bytes it holds."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
    )


def read_file(path: Path, root: Path | None = None) -> bytes:
    """Read a picture file, refusing everything that is not a plain file inside `root`.

    Parameters
    ----------
    path
        The file.
    root
        Folder that links must not lead out of; None allows any target.

    Raises
    ------
    DecodeError
        For pipes, devices, links that dangle, loop or lead away, and unreadable or huge files.
    """
    name = printable(path.name)
    try:
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            target = path.resolve(strict=True)
            if root is not None and not target.is_relative_to(root.resolve()):
                raise _refusal(name, "a link that leads out of the folder")
            status = target.stat()
        if not stat.S_ISREG(status.st_mode):
            raise _refusal(name, "not a plain file")
        if status.st_size > MAX_FILE_BYTES:
            raise _refusal(name, f"larger than {MAX_FILE_BYTES // 2**20} MiB")
        return path.read_bytes()
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links
        reason = getattr(error, "strerror", None) or "a link that leads nowhere"
        raise _refusal(name, f"cannot be read: {reason}") from error


def decode_image(content: bytes, name: str = "picture", *, full_size: bool = False) -> Decoded:
    """Decode a picture of any supported format.

    EXIF orientation is always applied, 16 bits become 8 by division by 257, palettes become RGB,
    transparency is laid over grey, the first frame stands for an animation.

    Parameters
    ----------
    content
        The whole file.
    name
        Name for messages.
    full_size
        Keep the stored size instead of shrinking to `transforms.MAX_SIDE`.

    Raises
    ------
    DecodeError
        If the content is no picture, damaged, truncated, huge, tiny or of an unsupported kind.
    """
    kind = image_format(content)
    if not kind:
        raise _refusal(name, foreign_format(content) if content else "empty file")
    header = read_header(content, kind)
    _check_header(header, name)
    notes = ["animation: the first frame was taken"] if header.has_frames else []
    if not header.ends:
        content += b"\xff\xd9"
        notes.append("the end marker of the JPEG is missing")
    pixels, orientation = _unpack(content, name)
    if not header.ends and _is_filled_up(pixels, header):
        raise _refusal(name, "truncated: part of the picture is missing")
    if pixels.dtype == np.uint16:
        notes.append("16 bits per channel were reduced to 8")
    image = _turn(_as_rgb(_as_bytes(pixels, name), name), orientation)
    _check_shape(image, name)
    return Decoded(image if full_size else fit_within(image), tuple(notes))


def decode_file(path: Path, root: Path | None = None, *, full_size: bool = False) -> Decoded:
    """Read and decode a picture file; see `read_file` and `decode_image`."""
    return decode_image(read_file(path, root), printable(path.name), full_size=full_size)


def as_pixels(pixels: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
    """Check pixels that a reader decoded itself and bring them to the form of `Decoded.pixels`."""
    if pixels.ndim == 2:
        pixels = pixels[:, :, np.newaxis]
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] not in {1, 3}:
        raise _refusal(name, f"pixels of type {pixels.dtype} and shape {pixels.shape}")
    _check_shape(pixels, name)
    return fit_within(pixels)


def _refusal(name: str, why: str) -> DecodeError:
    return DecodeError(f"{name} cannot be used", why=why)


def _check_header(header: ImageHeader, name: str) -> None:
    if header.width * header.height > MAX_PIXELS:
        raise _refusal(name, f"{header.width} x {header.height} pixels are too many")
    if header.damage:
        raise _refusal(name, header.damage)
    if header.format == "jpeg" and header.channels == 4:
        raise _refusal(name, "CMYK pictures are not supported; convert to RGB")


def _unpack(content: bytes, name: str) -> tuple[NDArray[Any], int]:
    buffer = np.frombuffer(content, dtype=np.uint8)
    try:
        pixels, kinds, blocks = cv2.imdecodeWithMetadata(buffer, flags=cv2.IMREAD_UNCHANGED)
    except (cv2.error, MemoryError) as error:
        raise _refusal(name, "damaged or too large to unpack") from error
    if pixels is None or pixels.size == 0:
        raise _refusal(name, "damaged: it cannot be unpacked")
    for kind, block in zip(kinds, blocks, strict=False):
        if kind == cv2.IMAGE_METADATA_EXIF:
            return pixels, exif_orientation(np.asarray(block, dtype=np.uint8).tobytes())
    return pixels, 1


def exif_orientation(block: bytes) -> int:
    """Return the orientation 1 to 8 stored in an EXIF block, 1 where there is none."""
    order = {b"II": "little", b"MM": "big"}.get(block[:2])
    if order is None:
        return 1

    def number(place: int, size: int) -> int:
        return int.from_bytes(block[place : place + size], order)  # type: ignore[arg-type]  # literal

    directory = number(4, 4)
    for entry in range(min(number(directory, 2), 512)):
        place = directory + 2 + 12 * entry
        if number(place, 2) == 0x0112:
            value = number(place + 8, 2)
            return value if 1 <= value <= 8 else 1
    return 1


def _as_bytes(pixels: NDArray[Any], name: str) -> NDArray[np.uint8]:
    if pixels.dtype == np.uint16:
        pixels = np.rint(pixels / 257.0).astype(np.uint8)
    if pixels.dtype != np.uint8:
        raise _refusal(name, f"{pixels.dtype} pixels are not supported")
    return pixels


def _turn(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    if orientation >= 5:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in {2, 3, 6, 7}:
        pixels = pixels[:, ::-1]
    if orientation in {3, 4, 7, 8}:
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def _as_rgb(pixels: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
    if pixels.ndim == 2:
        return pixels[:, :, np.newaxis]
    channels = pixels.shape[2]
    if channels == 1:
        return pixels
    if channels == 2:  # grey and alpha
        return _over_grey(pixels[:, :, :1], pixels[:, :, 1:])
    if channels == 3:
        return pixels[:, :, ::-1]
    if channels == 4:
        return _over_grey(pixels[:, :, 2::-1], pixels[:, :, 3:])
    raise _refusal(name, f"{channels} channels are not supported")


def _over_grey(colour: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    share = alpha.astype(np.float32) / 255.0
    mixed: NDArray[np.float32] = colour * share + _GREY * (1.0 - share)
    return np.rint(mixed).astype(np.uint8)


def _check_shape(pixels: NDArray[np.uint8], name: str) -> None:
    height, width = pixels.shape[:2]
    if min(height, width) < MIN_SIDE:
        raise _refusal(name, f"too small: {width} x {height} pixels")
    if max(height, width) > MAX_RATIO * min(height, width):
        raise _refusal(name, f"extreme ratio of the sides: {width} x {height} pixels")


def _is_filled_up(pixels: NDArray[Any], header: ImageHeader) -> bool:
    """Whether libjpeg filled the end with grey; a progressive scan does not show it."""
    return header.is_progressive or bool(np.all(pixels[-1, -1] == _GREY))
