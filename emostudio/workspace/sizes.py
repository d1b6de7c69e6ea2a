"""The sizes of a model: what each is called, its unit and what it means. They are never mixed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from emostudio.workspace.comparison import ComparisonRow


@dataclass(frozen=True)
class Size:
    """One way to measure a model.

    Attributes
    ----------
    value
        The number in `unit`, None where it was not measured.
    meaning
        One sentence for a tooltip or a footnote.
    """

    key: str
    title: str
    unit: str
    value: Callable[[ComparisonRow], float | None]
    meaning: str


def _million(number: float | None) -> float | None:
    return None if number is None else number / 1e6


SIZES = (
    Size(
        "disk",
        "Disk",
        "MB",
        lambda row: row.disk_bytes / 1e6,
        "Length of the variant's file, everything inside (10⁶ bytes)",
    ),
    Size(
        "resident",
        "Resident",
        "MB",
        lambda row: _million(row.resident_bytes),
        "Memory that a fresh process holds with the model ready, after a few inferences on this "
        "engine; interpreter and libraries included, median of three processes",
    ),
    Size(
        "peak",
        "Peak",
        "MB",
        lambda row: _million(row.peak_bytes),
        "Highest memory the same fresh process ever held, loading included",
    ),
    Size(
        "training_memory",
        "Training",
        "MB",
        lambda row: _million(row.training_peak_bytes),
        "Highest memory of the process while it trained: interpreter, libraries, pictures, "
        "weights, gradients and activations",
    ),
    Size(
        "parameters",
        "Parameters",
        "million",
        lambda row: _million(row.parameters),
        "Numbers the network computes with; how many bits each is stored with is not counted",
    ),
    Size(
        "macs",
        "MACs",
        "million",
        lambda row: _million(row.macs),
        "Multiply-adds of one picture: a ceiling for what can be gained in time, no time",
    ),
)
"""In the order in which they are shown."""
