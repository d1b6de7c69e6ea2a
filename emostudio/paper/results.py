"""What the paper's experiments found: its figure, ours, and all that must stand beside them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

EXACT, NO_INTERVAL = "exact", "no interval"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Measured(_Frozen):
    """A number measured here; it never travels without its interval, engine and machine."""

    value: float
    low: float
    high: float
    basis: str
    """What the interval is over, as in ``95 %, 360 pictures``; begins with ``exact`` for counts,
    with ``no interval`` where none can be given; `low` and `high` are then the value."""
    engine: str
    """What computed it: an inference engine, the training, or nothing but counting."""
    machine: str

    @property
    def is_exact(self) -> bool:
        """Whether the number is a count, without any uncertainty."""
        return self.basis.startswith(EXACT)

    @property
    def has_interval(self) -> bool:
        """Whether `low` and `high` say how certain the number is."""
        return not self.basis.startswith((EXACT, NO_INTERVAL))


class ColumnInfo(_Frozen):
    """One column of a table."""

    key: str
    title: str
    unit: str
    decimals: int = 1
    better: Literal["low", "high", ""] = ""


class ResultCell(_Frozen):
    """One figure of the paper beside ours.

    Attributes
    ----------
    paper
        As printed; None where the paper has none.
    ours
        The honest column: measured here as it should be counted.
    as_paper
        The paper accounting: ours, counted the way the paper counts; None where the two ways are
        one.
    """

    paper: float | None = None
    ours: Measured | None = None
    as_paper: Measured | None = None


class ResultRow(_Frozen):
    """One row of a table; cells by the key of their column."""

    key: str
    title: str
    reference: str
    """Where the paper has it, such as ``Table 2, row 4``."""
    cells: dict[str, ResultCell]
    verdict: str = ""
    verdict_words: str = ""
    dataset: str = ""
    seeds: tuple[int, ...] = ()
    models: tuple[str, ...] = ()
    seconds: float = 0.0
    caveats: tuple[str, ...] = ()
    is_extra: bool = False
    """Whether the paper has no such row."""


class ErrorCurve(_Frozen):
    """Errors of one training by epoch, as shares in [0, 1]."""

    key: str
    title: str
    reference: str
    train_error: tuple[float, ...]
    test_error: tuple[float | None, ...]
    paper_error: float | None = None
    """Error the paper reports at the end of its own curve."""
    paper_words: str = ""


class Finding(_Frozen):
    """A ranking or claim of the paper, held against ours."""

    title: str
    words: str
    verdict: str
    difference: Measured | None = None


class Caveat(_Frozen):
    """What the reader must not conclude, in plain words."""

    title: str
    words: str
    is_warning: bool = False


class ResultTable(_Frozen):
    """All there is to show of one experiment, finished or not."""

    key: str
    title: str
    subtitle: str = ""
    columns: tuple[ColumnInfo, ...] = ()
    rows: tuple[ResultRow, ...] = ()
    curves: tuple[ErrorCurve, ...] = ()
    findings: tuple[Finding, ...] = ()
    caveats: tuple[Caveat, ...] = ()
    facts: dict[str, str] = Field(default_factory=dict)
    """Preset, data, machine, seeds, time: words for the caption, in order."""
    is_waiting: bool = False
    """Whether parts of other experiments that it reads are not there yet."""
    parts_done: int = 0
    parts_total: int = 0
    seconds: float = 0.0
    """Time that the finished parts took."""

    @property
    def is_complete(self) -> bool:
        """Whether every part was done, and every part of others that it reads."""
        return self.parts_done >= self.parts_total and not self.is_waiting
