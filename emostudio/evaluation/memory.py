"""Resident memory of a model, each time in a process of its own."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from emostudio.core.errors import EmoStudioError
from emostudio.inference.base import Session

REPEATS = 3
PROBE_RUNS = 5
_TIMEOUT_S = 300.0
_COUNT_PEAK_ANEW = b"5"
"""What proc(5) has written to ``clear_refs`` for that."""


@dataclass(frozen=True)
class ResidentMemory:
    """Median over fresh processes, in bytes.

    Attributes
    ----------
    base_bytes
        Interpreter and imports, before the model.
    loaded_bytes
        With the model ready, after a few inferences.
    peak_bytes
        Highest the process ever held, loading included.
    spread
        (Highest - lowest) / median of `loaded_bytes` over the repeats.
    """

    base_bytes: int
    loaded_bytes: int
    peak_bytes: int
    spread: float


def resident_bytes(
    argv: Sequence[str], repeats: int = REPEATS, timeout_s: float = _TIMEOUT_S
) -> ResidentMemory:
    """Start fresh processes that load a model, and collect what they report about themselves.

    Parameters
    ----------
    argv
        Command line of a program whose last line on stdout is the JSON of `probe`.
    repeats
        Number of processes, one after another.
    timeout_s
        Time each may take.

    Raises
    ------
    EmoStudioError
        If a process fails or says nothing that can be understood.
    """
    reports = [_run_probe(argv, timeout_s) for _ in range(repeats)]
    loaded = [report["loaded_bytes"] for report in reports]
    middle = statistics.median(loaded)
    return ResidentMemory(
        base_bytes=int(statistics.median(report["base_bytes"] for report in reports)),
        loaded_bytes=int(middle),
        peak_bytes=int(statistics.median(report["peak_bytes"] for report in reports)),
        spread=(max(loaded) - min(loaded)) / middle,
    )


def probe(open_session: Callable[[], Session], batch: NDArray[np.float32]) -> dict[str, int]:
    """Load a model in this process, run it, and report the process's own memory.

    Parameters
    ----------
    open_session
        Loads the model and makes it ready; everything it imports counts for the model.
    batch
        One input (1, C, H, W).

    Returns
    -------
    JSON-compatible report for `resident_bytes`.
    """
    process = psutil.Process()
    base = process.memory_info().rss
    session = open_session()
    for _ in range(PROBE_RUNS):
        session.run(batch)
    loaded = process.memory_info().rss
    return {"base_bytes": base, "loaded_bytes": loaded, "peak_bytes": max(loaded, _peak(process))}


def forget_peak() -> bool:
    """Let the system count this process's highest memory anew; False where it cannot."""
    try:
        descriptor = os.open("/proc/self/clear_refs", os.O_WRONLY)
    except OSError:
        return False
    try:
        os.write(descriptor, _COUNT_PEAK_ANEW)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def peak_bytes() -> int:
    """Return the highest resident memory of this process since `forget_peak` or its start."""
    return _peak(psutil.Process())


def _peak(process: psutil.Process) -> int:
    """Highest resident memory of this process; the resource module would add its parent's."""
    try:
        for line in Path("/proc/self/status").read_text("ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    facts = process.memory_info()
    windows_peak = getattr(facts, "peak_wset", None)
    return int(windows_peak) if windows_peak is not None else _peak_of_mac()


def _peak_of_mac() -> int:
    if sys.platform == "win32":
        return 0
    import resource

    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def _run_probe(argv: Sequence[str], timeout_s: float) -> dict[str, int]:
    try:
        done = subprocess.run(list(argv), capture_output=True, timeout=timeout_s, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EmoStudioError("Memory could not be measured", why=str(error)) from error
    lines = done.stdout.decode("utf-8", "replace").strip().splitlines()
    if done.returncode != 0 or not lines:
        tail = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        why = tail[0] if tail else f"the process ended with code {done.returncode}"
        raise EmoStudioError("Memory could not be measured", why=why[:300])
    try:
        report: dict[str, Any] = json.loads(lines[-1])
        return {key: int(report[key]) for key in ("base_bytes", "loaded_bytes", "peak_bytes")}
    except (ValueError, KeyError, TypeError) as error:
        raise EmoStudioError(
            "Memory could not be measured", why=f"the probe answered {lines[-1][:100]!r}"
        ) from error
