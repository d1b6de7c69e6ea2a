"""The sources of frames and the face detectors, one per file, and how arguments name them."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from emostudio.core.catalogue import Catalogue
from emostudio.core.errors import InputError
from emostudio.core.settings import parse_settings
from emostudio.data.image_headers import image_format
from emostudio.vision.base import Capture, Detector, FaceFinder, Source

SOURCES: Catalogue[Source] = Catalogue(
    "emostudio.vision.sources", "SOURCE", "source", "emostudio.sources"
)
DETECTORS: Catalogue[Detector] = Catalogue(
    "emostudio.vision.detectors", "DETECTOR", "detector", "emostudio.detectors"
)


@dataclass(frozen=True)
class ChosenSource:
    """A source with its target: calling `open` again opens it anew."""

    name: str
    key: str
    open: Callable[[], Capture]


def choose_source(argument: str) -> ChosenSource:
    """Return the source an argument names, not opened yet.

    Parameters
    ----------
    argument
        ``synthetic[:key=value,...]``, ``camera[:index or name]``, a folder of pictures, a video
        file, an address such as ``rtsp://...``, or any source's ``key:target``.

    Raises
    ------
    InputError
        If the argument names no source.
    """
    key, _, target = argument.partition(":")
    if key not in SOURCES.members():
        key, target = _by_path(argument), argument
    source = SOURCES.get(key)
    values: dict[str, str] = {}
    if "=" in target and "://" not in target and not os.path.exists(target):  # noqa: PTH110 - False for any odd text
        values, target = _key_values(target, argument), ""
    settings = parse_settings(source.settings_type, values, f"source {key}")
    return ChosenSource(argument, key, lambda: source.open(target, settings))


def open_detector(argument: str, file: str | None = None) -> FaceFinder:
    """Open the detector an argument names.

    Parameters
    ----------
    argument
        ``key[:name=value,...]``, such as ``haar:every=5,smallest=0.2``.
    file
        The user's model file, for detectors that need one.

    Raises
    ------
    InputError
        If there is no such detector, a setting is wrong, or its file cannot be used.
    """
    key, _, words = argument.partition(":")
    detector = DETECTORS.get(key)
    values = _key_values(words, argument)
    settings = parse_settings(detector.settings_type, values, f"detector {key}")
    return detector.open(Path(file).expanduser() if file else None, settings)


def _by_path(argument: str) -> str:
    if "://" in argument:
        return "stream"
    path = Path(argument).expanduser()
    try:
        if path.is_dir():
            return "image_folder"
        if path.is_file():
            with path.open("rb") as stream:
                return "image_folder" if image_format(stream.read(64)) else "video_file"
    except (OSError, ValueError) as error:
        raise InputError(f"{argument[:200]!r} cannot be read", why=str(error)) from error
    raise InputError(
        f"There is no source called {argument}",
        next_step=f"Use a folder, a video file or one of {', '.join(SOURCES.members())}",
    )


def _key_values(text: str, argument: str) -> dict[str, str]:
    parts = [part.partition("=") for part in text.split(",") if part]
    for name, equals, _ in parts:
        if not equals:
            raise InputError(
                f"Bad settings in {argument}",
                why=f"{name} has no value",
                next_step=f"Write {argument.partition(':')[0]}:name=value,...",
            )
    return {name.strip(): value.strip() for name, _, value in parts}
