"""What every benchmark script shares: the table it prints, the machine, foreign load.

A script defines ``measure(arguments) -> list[Row]`` and ends with
``run("name", __doc__, measure)``.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass

import psutil


@dataclass(frozen=True)
class Row:
    """One figure, above 1 if better than the reference, and what belongs beside it."""

    key: str
    value: float
    unit: str = ""
    interval: tuple[float, float] | None = None
    note: str = ""


def arguments_of(
    description: str | None, extra: Callable[[argparse.ArgumentParser], object] | None
) -> argparse.Namespace:
    """Read ``--quick``, ``--json`` and the script's own options."""
    parser = argparse.ArgumentParser(description=(description or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    if extra is not None:
        extra(parser)
    return parser.parse_args()


def foreign_load() -> float:
    """Return the share of the processors that other processes use, 0 to 1."""
    own = psutil.Process()
    before = sum(own.cpu_times()[:2])
    busy = psutil.cpu_percent(interval=0.5) / 100
    used = (sum(own.cpu_times()[:2]) - before) / 0.5 / (psutil.cpu_count() or 1)
    return max(0.0, busy - used)


def machine() -> dict[str, object]:
    """Describe the machine in one line's worth of facts."""
    return {
        "processor": _processor_name(),
        "cores": psutil.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def _processor_name() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as stream:  # noqa: PTH123 - a device file
            names = [
                line.split(":", 1)[1].strip() for line in stream if line.startswith("model name")
            ]
    except OSError:
        names = []
    return names[0] if names else platform.processor()


def run(
    name: str,
    description: str | None,
    measure: Callable[[argparse.Namespace], list[Row]],
    extra: Callable[[argparse.ArgumentParser], object] | None = None,
) -> None:
    """Run one script: measure, then print a table, or JSON with ``--json``."""
    arguments = arguments_of(description, extra)
    load_before = foreign_load()
    rows = measure(arguments)
    is_clean = max(load_before, foreign_load()) < 0.1
    if arguments.json:
        document = {
            "name": name,
            "machine": machine(),
            "clean": is_clean,
            "rows": [asdict(row) for row in rows],
        }
        print(json.dumps(document))
        return
    print(f"{name}{'' if is_clean else '   (other processes were busy: figures are not clean)'}")
    for row in rows:
        interval = f"  [{row.interval[0]:.4g}, {row.interval[1]:.4g}]" if row.interval else ""
        note = f"  {row.note}" if row.note else ""
        print(f"  {row.key:<44} {row.value:>10.4g} {row.unit}{interval}{note}")
    sys.stdout.flush()
