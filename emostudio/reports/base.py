"""What a report is made of, and what writes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel

from emostudio.core.settings import Settings
from emostudio.paper.results import ResultTable
from emostudio.workspace.claims import ClaimCheck
from emostudio.workspace.comparison import Comparison


@dataclass(frozen=True)
class TrainingCurve:
    """Errors of one run by epoch, as shares in [0, 1]."""

    model: str
    slot: int
    epochs: tuple[int, ...]
    train_error: tuple[float, ...]
    validation_error: tuple[float | None, ...]


@dataclass(frozen=True)
class Report:
    """Everything a comparison file says.

    Attributes
    ----------
    comparison
        Rows, baseline first.
    facts
        Machine, threads, engine, protocol, dataset: words for the footer, in order.
    caveats
        What the reader must not conclude.
    """

    title: str
    comparison: Comparison
    created: datetime
    curves: tuple[TrainingCurve, ...] = ()
    claims: tuple[ClaimCheck, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    caveats: tuple[str, ...] = ()


@dataclass(frozen=True)
class PaperReport:
    """Tables of the paper's experiments, ours beside the paper's."""

    title: str
    tables: tuple[ResultTable, ...]
    created: datetime


class NoSettings(Settings):
    """Writers take no settings."""


@dataclass
class Writer:
    """A file format.

    Attributes
    ----------
    key
        Suffix without the dot.
    write
        ``write(report, path)``, atomic.
    write_tables
        The same for the paper's tables.
    """

    key: str
    title: str
    summary: str
    write: Callable[[Report, Path], None]
    write_tables: Callable[[PaperReport, Path], None]
    family: str = "report"
    reference: str = ""
    settings_type: type[BaseModel] = NoSettings
