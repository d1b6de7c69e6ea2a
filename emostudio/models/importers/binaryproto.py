"""Caffe's mean images: the few fields of its BlobProto, read without Caffe."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from emostudio.core.errors import InputError

_VARINT, _LENGTH, _WORD, _DOUBLE = 0, 2, 5, 1
_DATA, _SHAPE = 5, 7
_LARGEST_SIDE = 4096


def mean_image(content: bytes, shape: tuple[int, int, int]) -> NDArray[np.float32]:
    """Return the mean image of a ``.binaryproto``, cut to the middle of its picture.

    Parameters
    ----------
    content
        A serialised BlobProto of one image.
    shape
        (C, H, W) of the network's input.

    Returns
    -------
    float32 little-endian (C, H, W).

    Raises
    ------
    InputError
        If the content is damaged, or the image is smaller than the input or of other channels.
    """
    old: dict[int, int] = {}
    new: list[int] = []
    values: list[NDArray[np.float32]] = []
    for number, kind, field in _fields(content):
        if number in {2, 3, 4} and kind == _VARINT:
            old[number] = int.from_bytes(field, "little")
        elif number == _SHAPE and kind == _LENGTH:
            new = _dimensions(field)
        elif number == _DATA and kind in {_LENGTH, _WORD} and len(field) % 4 == 0:
            values.append(np.frombuffer(field, "<f4"))
    sizes = new[-3:] if len(new) >= 3 else [old.get(number, 0) for number in (2, 3, 4)]
    data = np.concatenate(values) if values else np.empty(0, "<f4")
    if not all(0 < s <= _LARGEST_SIDE for s in sizes) or data.size != np.prod(sizes):
        raise _damaged("its numbers do not fill its shape")
    if not np.isfinite(data).all():
        raise _damaged("it holds NaN or infinite values")
    image = data.reshape(sizes)
    channels, height, width = shape
    top, left = (image.shape[1] - height) // 2, (image.shape[2] - width) // 2
    if image.shape[0] != channels or top < 0 or left < 0:
        raise InputError(
            "The mean image does not fit the network",
            why=f"it has the shape {tuple(sizes)}, the input {shape}",
        )
    return np.ascontiguousarray(image[:, top : top + height, left : left + width], "<f4")


def _dimensions(content: bytes) -> list[int]:
    sizes: list[int] = []
    for number, kind, field in _fields(content):
        if number == 1 and kind == _VARINT:
            sizes.append(int.from_bytes(field, "little"))
        elif number == 1 and kind == _LENGTH:
            place = 0
            while place < len(field):
                value, place = _varint(field, place)
                sizes.append(value)
    return sizes


def _fields(content: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield (number, wire type, bytes) of each field; varints as eight little-endian bytes."""
    place = 0
    while place < len(content):
        tag, place = _varint(content, place)
        number, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            value, place = _varint(content, place)
            yield number, kind, value.to_bytes(10, "little")
            continue
        if kind == _LENGTH:
            length, place = _varint(content, place)
        elif kind in {_WORD, _DOUBLE}:
            length = 4 if kind == _WORD else 8
        else:
            raise _damaged("it is no BlobProto")
        if length > len(content) - place:
            raise _damaged("it ends too early")
        yield number, kind, content[place : place + length]
        place += length


def _varint(content: bytes, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(content):
            raise _damaged("it ends too early")
        byte = content[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
    raise _damaged("it is no BlobProto")


def _damaged(why: str) -> InputError:
    return InputError("The mean image is damaged", why=why, next_step="Get a fresh copy of it")
