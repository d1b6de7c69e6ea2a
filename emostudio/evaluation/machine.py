"""The machine a measurement comes from, and how busy it is."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

_VECTOR_UNITS = (
    ("sse4_2", "SSE4.2"),
    ("avx", "AVX"),
    ("avx2", "AVX2"),
    ("fma", "FMA"),
    ("f16c", "F16C"),
    ("avx512f", "AVX-512F"),
    ("avx512_vnni", "AVX-512 VNNI"),
    ("avx_vnni", "AVX VNNI"),
    ("avx512_bf16", "AVX-512 BF16"),
    ("amx_int8", "AMX INT8"),
    ("asimd", "NEON"),
    ("sve", "SVE"),
)
_LIBRARIES = (
    "torch",
    "onnxruntime",
    "onnx",
    "numpy",
    "scipy",
    "opencv-python",
    "PySide6-Essentials",
)
_CPU_FOLDER = Path("/sys/devices/system/cpu")
_MAX_LOAD_PER_CORE = 0.5
"""Above this load somebody else is computing and timings are marked."""


def describe() -> dict[str, Any]:
    """Return CPU, cores, vector units, memory, system and library versions as JSON values."""
    return {
        "cpu": cpu_name(),
        "architecture": platform.machine(),
        "physical_cores": physical_cores(),
        "logical_cores": os.cpu_count() or 1,
        "vector_units": list(vector_units()),
        "memory_bytes": psutil.virtual_memory().total,
        "os": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": library_versions(),
    }


def conditions() -> dict[str, Any]:
    """Return what could disturb a measurement right now, as JSON values.

    Keys: ``time``, ``load_per_core`` (load of everybody, this process included, over the last
    minute), ``cpu_percent`` since the last call, ``governor``, ``turbo``, ``on_battery``,
    ``temperature_c``, ``throttle_count`` (how often the processor slowed itself since it was
    started), ``allowed_cpus`` (this process may use), ``memory_available_bytes``; None where the
    system does not say.
    """
    load = psutil.getloadavg()[0] / (os.cpu_count() or 1)
    battery = _quietly(psutil.sensors_battery) if hasattr(psutil, "sensors_battery") else None
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "load_per_core": round(load, 2),
        "cpu_percent": psutil.cpu_percent(),
        "governor": _system_text("cpu0/cpufreq/scaling_governor"),
        "turbo": _turbo(),
        "on_battery": None if battery is None else not battery.power_plugged,
        "temperature_c": _temperature(),
        "throttle_count": _throttle_count(),
        "allowed_cpus": _allowed_cpus(),
        "memory_available_bytes": psutil.virtual_memory().available,
    }


def disturbances(
    before: dict[str, Any], after: dict[str, Any], threads: int | None = None
) -> tuple[str, ...]:
    """Say in words why timings taken between two `conditions` may be worth less.

    The load is the one before: afterwards the measurement itself is part of it.

    Parameters
    ----------
    threads
        Threads of the timed sessions, None where unknown.
    """
    found = []
    if before["load_per_core"] > _MAX_LOAD_PER_CORE:
        found.append(
            f"Other programs were computing: load {before['load_per_core']:.2f} per core at start"
        )
    if before["on_battery"] or after["on_battery"]:
        found.append("The machine runs on battery")
    if before["governor"] in {"powersave", "conservative"}:
        found.append(f"The CPU governor is {before['governor']}")
    throttled = (after.get("throttle_count") or 0) - (before.get("throttle_count") or 0)
    if throttled > 0:
        found.append(f"The processor throttled itself {throttled} times: it was too hot")
    allowed = before.get("allowed_cpus")
    if threads is not None and allowed is not None and threads > allowed:
        found.append(f"{threads} threads had to share {allowed} processors")
    return tuple(found)


def cpu_name() -> str:
    """Return the CPU's name as the system gives it."""
    for line in _cpuinfo():
        if line.lower().startswith(("model name", "hardware")):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def physical_cores() -> int:
    """Return the number of physical cores (logical ones where the system does not say)."""
    return psutil.cpu_count(logical=False) or os.cpu_count() or 1


def vector_units() -> tuple[str, ...]:
    """Return the vector instructions that matter for inference, weakest first."""
    flags: set[str] = set()
    for line in _cpuinfo():
        if line.lower().startswith(("flags", "features")):
            flags.update(line.partition(":")[2].split())
            break
    if not flags:  # not Linux: ask the library that looks for itself
        import torch

        return (str(torch.backends.cpu.get_cpu_capability()),)
    return tuple(title for flag, title in _VECTOR_UNITS if flag in flags)


def library_versions() -> dict[str, str]:
    """Return the versions of the libraries that figures depend on."""
    versions = {}
    for name in _LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def _cpuinfo() -> list[str]:
    try:
        return Path("/proc/cpuinfo").read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return []


def _system_text(name: str) -> str | None:
    """Return what Linux says under ``/sys/devices/system/cpu``, None if nothing."""
    try:
        return (_CPU_FOLDER / name).read_text("utf-8").strip()
    except OSError:
        return None


def _turbo() -> bool | None:
    boost, no_turbo = _system_text("cpufreq/boost"), _system_text("intel_pstate/no_turbo")
    if boost is not None:
        return boost == "1"
    return None if no_turbo is None else no_turbo == "0"


def _throttle_count() -> int | None:
    counts = []
    for folder in sorted(_CPU_FOLDER.glob("cpu[0-9]*")):
        text = _system_text(f"{folder.name}/thermal_throttle/core_throttle_count")
        if text is not None and text.isdecimal():
            counts.append(int(text))
    return sum(counts) if counts else None


def _allowed_cpus() -> int | None:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


def _temperature() -> float | None:
    read = getattr(psutil, "sensors_temperatures", None)  # Linux and FreeBSD only
    sensors = _quietly(read) if read is not None else None
    currents = [entry.current for group in (sensors or {}).values() for entry in group]
    return round(max(currents), 1) if currents else None


def _quietly(read: Any) -> Any:
    try:
        return read()
    except (OSError, RuntimeError, AttributeError, ValueError):
        return None
