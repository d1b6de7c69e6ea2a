"""Where live frames come from, as a list to choose from; no Qt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from emostudio.core.answers import DoctorReport

SYNTHETIC = "synthetic"
VIDEO_SUFFIXES = (".mp4", ".avi", ".mkv", ".mov", ".webm", ".m4v", ".mpg", ".mpeg")


@dataclass(frozen=True)
class LiveSource:
    """One entry of the source list; `argument` is `jobs.LiveJob.source`."""

    argument: str
    title: str
    is_camera: bool = False


def cameras_of(doctor: DoctorReport | None) -> list[LiveSource]:
    """Return the cameras the doctor found, by name."""
    if doctor is None:
        return []
    found: Sequence[Mapping[str, Any]] = doctor.machine.get("cameras") or ()
    cameras = []
    for number, camera in enumerate(found):
        index = camera.get("index", number)
        name = str(camera.get("name") or f"Camera {index}")
        cameras.append(LiveSource(f"camera:{index}", name, is_camera=True))
    return cameras
