"""What a comparison's table shows of a model: title, unit, number and which one is the best.

The window's table and the table of every file are made from these. The sizes among them are never
mixed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from emostudio.workspace.comparison import ComparisonRow
from emostudio.workspace.decimals import shared_decimals

MISSING = "–"

Value = Callable[[ComparisonRow], float | None]
Bounds = tuple[float, float] | None


def _unknown(row: ComparisonRow) -> Bounds:
    del row
    return None


@dataclass(frozen=True)
class Figure:
    """One number of a model.

    Attributes
    ----------
    name
        Head of the column in CSV files, with the unit.
    value
        The number in `unit`, None where it was not measured.
    best
        Which number deserves emphasis, if any; never one that only counts, such as MACs.
    decimals
        Fixed number of decimals, or None: as many as the smallest number needs.
    meaning
        One sentence for a tooltip or a footnote.
    short
        Title of a narrow column where `title` is too long.
    interval
        The 95 % interval of `value` in `unit`, None where it is not known.
    """

    key: str
    name: str
    title: str
    unit: str
    value: Value
    best: Literal["", "low", "high"] = ""
    decimals: int | None = None
    meaning: str = ""
    short: str = ""
    interval: Callable[[ComparisonRow], Bounds] = _unknown

    @property
    def head(self) -> str:
        """What stands over a column."""
        return self.short or self.title


def texts(values: Sequence[float | None], decimals: int | None = None) -> list[str]:
    """Format a column: the same decimals all the way down, a dash where nothing was measured."""
    shown = places(values, decimals)
    return [MISSING if value is None else f"{value:,.{shown}f}" for value in values]


def best_of(figure: Figure, values: Sequence[float | None]) -> list[bool]:
    """Say of each number whether it is the best as printed; none is where all look the same."""
    shown = places(values, figure.decimals)
    printed = [None if value is None else round(value, shown) for value in values]
    known = {value for value in printed if value is not None}
    if not figure.best or len(known) < 2:
        return [False] * len(printed)
    winner = min(known) if figure.best == "low" else max(known)
    return [value == winner for value in printed]


def places(values: Sequence[float | None], decimals: int | None = None) -> int:
    """Return how many decimals a column gets: `decimals`, or as many as its numbers need."""
    if decimals is not None:
        return decimals
    return shared_decimals([value for value in values if value is not None])


def _scaled(number: float | None, factor: float) -> float | None:
    return None if number is None else number * factor


def _percentile(name: str, meaning: str) -> Figure:
    def value(row: ComparisonRow) -> float | None:
        found: float | None = getattr(row.latency_ms, name) if row.latency_ms else None
        return found

    interval = _time_interval if name == "p50" else _unknown
    return Figure(
        name, f"inference_{name}_ms", name, "ms", value, "low", meaning=meaning, interval=interval
    )


def _time_interval(row: ComparisonRow) -> Bounds:
    return row.latency_interval


def _speed_interval(row: ComparisonRow) -> Bounds:
    return row.speed.interval if row.speed else None


def _accuracy_interval(row: ComparisonRow) -> Bounds:
    bounds = row.accuracy_interval
    return None if bounds is None else (100 * bounds[0], 100 * bounds[1])


def _speed(row: ComparisonRow) -> float | None:
    if row.is_baseline:
        return 1.0 if row.latency_ms else None
    return row.speed.ratio if row.speed else None


def _calibration(row: ComparisonRow) -> float | None:
    found = row.evaluation.calibration if row.evaluation is not None else None
    return None if found is None else 100 * found.error


SIZES = (
    Figure(
        "disk",
        "disk_mb",
        "Disk",
        "MB",
        lambda row: row.disk_bytes / 1e6,
        "low",
        meaning="Length of the variant's file, everything inside (10⁶ bytes)",
    ),
    Figure(
        "resident",
        "resident_mb",
        "Resident",
        "MB",
        lambda row: _scaled(row.resident_bytes, 1e-6),
        "low",
        decimals=0,
        meaning="Memory that a fresh process holds with the model ready, after a few inferences on "
        "this engine; interpreter and libraries included, median of three processes",
    ),
    Figure(
        "peak",
        "peak_mb",
        "Peak",
        "MB",
        lambda row: _scaled(row.peak_bytes, 1e-6),
        "low",
        decimals=0,
        meaning="Highest memory the same fresh process ever held, loading included",
    ),
    Figure(
        "training_memory",
        "training_memory_mb",
        "Training",
        "MB",
        lambda row: _scaled(row.training_peak_bytes, 1e-6),
        decimals=0,
        meaning="Highest memory of the process while it trained: interpreter, libraries, pictures, "
        "weights, gradients and activations",
    ),
    Figure(
        "parameters",
        "parameters_million",
        "Parameters",
        "million",
        lambda row: _scaled(row.parameters, 1e-6),
        meaning="Numbers the network computes with; how many bits each is stored with is not "
        "counted",
        short="Param.",
    ),
    Figure(
        "macs",
        "macs_million",
        "MACs",
        "million",
        lambda row: _scaled(row.macs, 1e-6),
        meaning="Multiply-adds of one picture: a ceiling for what can be gained in time, no time",
    ),
)
"""In the order in which they are shown."""

FIGURES = (
    Figure("training", "training_step_ms", "Train", "ms/step", lambda row: row.training_step_ms),
    _percentile("p50", "Half of all images took less"),
    _percentile("p95", "95 % of all images took less"),
    _percentile("p99", "99 % of all images took less"),
    Figure(
        "speed",
        "speed_ratio",
        "Speed",
        "baseline = 1×",
        _speed,
        decimals=2,
        interval=_speed_interval,
    ),
    *SIZES,
    Figure(
        "accuracy",
        "accuracy_percent",
        "Accuracy",
        "%",
        lambda row: _scaled(row.accuracy, 100),
        "high",
        decimals=1,
        interval=_accuracy_interval,
    ),
    Figure(
        "f1",
        "macro_f1",
        "F1",
        "macro",
        lambda row: row.macro_f1,
        "high",
        decimals=3,
        interval=lambda row: row.macro_f1_interval,
    ),
    Figure(
        "calibration",
        "calibration_error_percent",
        "Cal. error",
        "points",
        _calibration,
        decimals=1,
        meaning="Confidence less accuracy",
    ),
)
"""All columns of numbers, in the shape of the paper's Table 2."""
