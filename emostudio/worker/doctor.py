"""The checks behind ``emostudio doctor``: each tries one thing for real."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from emostudio.core import environment
from emostudio.core.answers import DoctorCheck
from emostudio.core.units import format_bytes
from emostudio.workspace.database import is_on_network
from emostudio.workspace.store import Workspace

_LEAST_FREE_BYTES = 2_000_000_000


@dataclass(frozen=True)
class Outcome:
    """What a check found; `next_step` is the remedy where it does not work."""

    works: bool
    details: str = ""
    next_step: str = ""


Check = Callable[[Workspace], Outcome]


def run_check(name: str, check: Check, workspace: Workspace) -> DoctorCheck:
    """Run one check; whatever goes wrong inside is its result."""
    try:
        outcome = check(workspace)
    except Exception as error:  # noqa: BLE001 - a broken library may raise anything on import
        outcome = Outcome(False, f"{type(error).__name__}: {error}", "Install the packages again")  # noqa: FBT003
    return DoctorCheck(
        name=name,
        works=outcome.works,
        details=outcome.details,
        next_step="" if outcome.works else outcome.next_step,
    )


def _packages(workspace: Workspace) -> Outcome:
    del workspace
    faults = environment.faults()
    words = "; ".join(str(fault) for fault in faults)
    return Outcome(
        works=not faults,
        details=words or "no conflicting packages",
        next_step=faults[0].next_step if faults else "",
    )


def _torch(workspace: Workspace) -> Outcome:
    del workspace
    import torch

    value = float(torch.nn.functional.relu(torch.tensor([-1.0, 2.0])).sum())
    return Outcome(works=value == 2.0, details=f"torch {torch.__version__}")


def _accelerator(workspace: Workspace) -> Outcome:
    del workspace
    import torch

    if torch.cuda.is_available():
        return Outcome(works=True, details=torch.cuda.get_device_name(0))
    if torch.backends.mps.is_available():
        return Outcome(works=True, details="Apple MPS")
    return Outcome(works=False, details="none found; everything runs on the CPU, training slowly")


def _onnxruntime(workspace: Workspace) -> Outcome:
    del workspace
    import onnxruntime

    providers = onnxruntime.get_available_providers()
    return Outcome(
        works="CPUExecutionProvider" in providers,
        details=f"onnxruntime {onnxruntime.__version__}: {', '.join(providers)}",
        next_step="Install onnxruntime again",
    )


def _opencv(workspace: Workspace) -> Outcome:
    del workspace
    import cv2
    import numpy as np

    encoded = cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1]
    decoded = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
    works = decoded is not None and decoded.shape == (8, 8, 3)
    return Outcome(works=works, details=f"OpenCV {cv2.__version__}")


def _detectors(workspace: Workspace) -> Outcome:
    del workspace
    from emostudio.vision.catalogue import DETECTORS

    entries = DETECTORS.describe()
    usable = [entry.title for entry in entries if entry.available]
    missing = [f"{entry.title}: {entry.why_not}" for entry in entries if not entry.available]
    return Outcome(works=bool(usable), details="; ".join([", ".join(usable), *missing]))


def found_cameras() -> list[dict[str, Any]]:
    """Return index and name of every camera, for lists to choose from."""
    try:
        from emostudio.vision.sources.camera import cameras
    except ImportError:
        return []
    return [{"index": camera.index, "name": camera.name} for camera in cameras()]


def _cameras(workspace: Workspace) -> Outcome:
    del workspace
    names = [str(camera["name"]) for camera in found_cameras()]
    return Outcome(
        works=bool(names),
        details=", ".join(names) or "none found",
        next_step="Plug one in, or use the synthetic camera or a video file",
    )


def _display(workspace: Workspace) -> Outcome:
    del workspace
    return Outcome(
        works=environment.has_display(),
        details="found" if environment.has_display() else "none found",
        next_step="Use the command line; emostudio quickstart runs the main job without a window",
    )


def _workspace(workspace: Workspace) -> Outcome:
    free = shutil.disk_usage(workspace.folder).free
    details = f"{workspace.folder}, {format_bytes(free)} free"
    if workspace.read_only or not os.access(workspace.folder, os.W_OK):
        return Outcome(
            works=False,
            details=workspace.read_only or f"{details}, not writable",
            next_step="Choose another workspace with --workspace",
        )
    if is_on_network(workspace.folder):
        details += ", on a network drive: work in it from one machine at a time"
    return Outcome(works=free > _LEAST_FREE_BYTES, details=details, next_step="Free at least 2 GB")


def _python(workspace: Workspace) -> Outcome:
    del workspace
    version = ".".join(map(str, sys.version_info[:3]))
    return Outcome(
        works=sys.version_info >= (3, 11), details=version, next_step="Install Python 3.11 or later"
    )


CHECKS: dict[str, Check] = {
    "Python": _python,
    "Packages": _packages,
    "Workspace": _workspace,
    "PyTorch": _torch,
    "ONNX Runtime": _onnxruntime,
    "OpenCV": _opencv,
    "Face detectors": _detectors,
    "Accelerator": _accelerator,
    "Camera": _cameras,
    "Display": _display,
}
