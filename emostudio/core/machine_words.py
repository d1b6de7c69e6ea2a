"""A machine in a few words, as it stands beside every number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def machine_words(machine: Mapping[str, Any], device: str = "cpu") -> str:
    """Return CPU, cores and vector units, and the accelerator if one was used."""
    cores = machine.get("physical_cores", "?")
    words = [str(machine.get("cpu", "unknown CPU")), f"{cores} cores"]
    units = machine.get("vector_units") or []
    if units:
        words.append(str(units[-1]))
    if device != "cpu":
        words.append(str(machine.get("accelerator", device)))
    return ", ".join(words)
