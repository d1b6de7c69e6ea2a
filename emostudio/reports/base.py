"""What a report is made of, and what writes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel

from emostudio.core.answers import AblationReport
from emostudio.core.comparing import ModelChanges, ProfileReport
from emostudio.core.settings import Settings
from emostudio.paper.results import ResultTable
from emostudio.workspace.charts.base import Chart
from emostudio.workspace.charts.catalogue import drawn
from emostudio.workspace.charts.material import Material, TrainingCurve
from emostudio.workspace.claims import ClaimCheck
from emostudio.workspace.comparison import Comparison
from emostudio.workspace.findings import NOT_FOR_PUBLICATION


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
    ablations: tuple[AblationReport, ...] = ()
    changes: tuple[ModelChanges, ...] = ()
    profiles: tuple[ProfileReport, ...] = ()

    @property
    def charts(self) -> tuple[Chart, ...]:
        """Every chart for which there is something to draw."""
        material = Material(
            self.comparison, self.curves, self.ablations, self.changes, self.profiles
        )
        return drawn(material)

    @property
    def fact_words(self) -> str:
        """The facts as one line, for captions."""
        return ". ".join(f"{name}: {words}" for name, words in self.facts)

    @property
    def caption(self) -> str:
        """What charts that leave the report must say: facts, and what forbids to publish them."""
        return self._caption(self.comparison.blockers)

    def caption_of(self, chart: Chart) -> str:
        """Return what one chart must say when it leaves the report."""
        return self._caption(chart.blockers)

    def _caption(self, blockers: Sequence[str]) -> str:
        made = f"Written {self.created:%Y-%m-%d %H:%M} UTC by EmoStudio"
        barred = [f"{NOT_FOR_PUBLICATION}: {reason}" for reason in blockers]
        return ". ".join(part for part in (self.fact_words, *barred, made) if part) + "."


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
    write_chart
        ``write_chart(report, chart, path)``: one chart, drawn or as its numbers; None where the
        format holds whole reports only.
    family
        ``document``, ``picture``, ``table`` or ``tracking``.
    """

    key: str
    title: str
    summary: str
    write: Callable[[Report, Path], None]
    write_tables: Callable[[PaperReport, Path], None]
    write_chart: Callable[[Report, Chart, Path], None] | None = None
    family: str = "document"
    reference: str = ""
    settings_type: type[BaseModel] = NoSettings
