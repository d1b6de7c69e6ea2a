"""What a chart is made of, free of any way to draw it.

A chart is one or more panels of five kinds. Whoever draws charts knows the kinds and needs no
word about a new chart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel

from emostudio.core.settings import Settings
from emostudio.workspace.charts.material import Material

Interval = tuple[float, float]
MarkState = Literal["filled", "hollow", "ringed"]
LineRole = Literal["full", "thin", "frontier", "limit", "reference"]


@dataclass(frozen=True)
class Scale:
    """An axis: what it counts, unit included; None leaves an end to the data.

    Attributes
    ----------
    is_whole
        Whether only whole numbers have a meaning, as of epochs.
    """

    title: str
    is_log: bool = False
    low: float | None = None
    high: float | None = None
    is_whole: bool = False


@dataclass(frozen=True)
class Mark:
    """A named point.

    Attributes
    ----------
    slot
        Series slot of the variant: colour and shape.
    x_interval, y_interval
        95 % intervals, None where they are not known.
    state
        ``hollow`` for a dominated, ``ringed`` for an undecided variant.
    """

    name: str
    slot: int
    x: float
    y: float
    x_interval: Interval | None = None
    y_interval: Interval | None = None
    state: MarkState = "filled"


@dataclass(frozen=True)
class Line:
    """A line through points; `intervals` are 95 % ones of `ys`, None where not known."""

    name: str
    slot: int
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    role: LineRole = "full"
    intervals: tuple[Interval | None, ...] = ()


@dataclass(frozen=True)
class Plot:
    """Points and lines over two axes."""

    x: Scale
    y: Scale
    lines: tuple[Line, ...] = ()
    marks: tuple[Mark, ...] = ()
    title: str = ""
    note: str = ""


@dataclass(frozen=True)
class Bar:
    """One value with its 95 % interval, None where either is not known."""

    value: float | None
    interval: Interval | None = None
    slot: int = 0


@dataclass(frozen=True)
class Bars:
    """Values by row, for one or several series.

    One series is drawn as bars from zero, several as dots of their own shapes.

    Attributes
    ----------
    rows
        Names, from the top.
    series
        Names and slots; a single series takes the slots of its bars and may have no name.
    values
        One tuple per row, one bar per series.
    decimals
        Of the numbers beside the bars.
    note
        What the number means; a tooltip in the window.
    """

    title: str
    scale: Scale
    rows: tuple[str, ...]
    series: tuple[tuple[str, int], ...]
    values: tuple[tuple[Bar, ...], ...]
    decimals: int = 1
    note: str = ""


@dataclass(frozen=True)
class Radar:
    """Rings over axes that all run from 0 at the centre to 1; None leaves a gap."""

    axes: tuple[str, ...]
    rings: tuple[tuple[str, int, tuple[float | None, ...]], ...]
    title: str = ""
    note: str = ""


@dataclass(frozen=True)
class Matrix:
    """Shares in percent by true (row) and given (column) class."""

    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: tuple[tuple[float, ...], ...]
    note: str = ""


PictureState = Literal["lost", "gained", "other"]


@dataclass(frozen=True)
class Picture:
    """A face as PNG in base64: its true emotion, what one model said, what another one says.

    Attributes
    ----------
    state
        ``lost`` and ``gained`` say which of the two is right; ``other`` that neither is.
    """

    png_base64: str
    item: str
    truth: str
    before: str
    now: str
    state: PictureState


@dataclass(frozen=True)
class Gallery:
    """Faces in rows."""

    title: str
    pictures: tuple[Picture, ...]
    note: str = ""


Panel = Plot | Bars | Radar | Matrix | Gallery


@dataclass(frozen=True)
class Chart:
    """A drawn chart: title, unit or reading help, and its panels, at least one."""

    key: str
    title: str
    note: str
    panels: tuple[Panel, ...]
    blockers: tuple[str, ...] = ()
    """Why its figures must not be published."""


class NoSettings(Settings):
    """Charts take no settings."""


def bench_blockers(material: Material) -> tuple[str, ...]:
    """Return why the benchmark's figures must not be published."""
    return material.comparison.blockers


def no_blockers(material: Material) -> tuple[str, ...]:
    """Of charts that show no times."""
    del material
    return ()


@dataclass
class ChartKind:
    """A chart that the user can pick. One file in ``members`` holds one, as ``CHART``.

    Attributes
    ----------
    draw
        Makes the panels of what was measured; none where nothing fits the chart.
    note
        Unit, or how to read it.
    missing
        What to do so that there is something to draw.
    order
        Place among the charts.
    is_measured
        Whether measuring the models gives what is missing.
    question
        Kind of the job whose answer the chart needs besides what the workspace knows.
    blockers
        Why its figures must not be published: of times those of the benchmark.
    """

    key: str
    title: str
    summary: str
    note: str
    missing: str
    draw: Callable[[Material], tuple[Panel, ...]]
    order: int
    is_measured: bool = True
    question: str = ""
    blockers: Callable[[Material], tuple[str, ...]] = bench_blockers
    family: str = "chart"
    reference: str = ""
    settings_type: type[BaseModel] = NoSettings

    def chart(self, material: Material) -> Chart | None:
        """Return the chart of `material`, None where there is nothing to draw."""
        panels = self.draw(material)
        if not panels:
            return None
        return Chart(self.key, self.title, self.note, panels, self.blockers(material))
