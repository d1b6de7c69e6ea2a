"""Numbers beside the tiles of the live page: race, table, and where a frame's time goes."""

from __future__ import annotations

import time
from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from emostudio.core.answers import LiveReport, LiveVariant
from emostudio.gui.charts.fps_race import FpsRace
from emostudio.gui.charts.time_strip import Share, TimeStrip
from emostudio.gui.pages.live_stage import StageVariant
from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.card import Card
from emostudio.gui.widgets.data_table import DataTable
from emostudio.gui.widgets.labels import label
from emostudio.qt.table_models import Cell, Column, Row

BEFORE_VARIANTS = ("grab", "detect", "crop")
"""Stages that come before the variants in a frame's life; every other stage comes after."""

_SAYS = {"publish": "Send"}
"""Stages whose name in the report is not for users."""


class RacePanel(QWidget):
    """FPS race over the last minute and the table of solo and shared speed."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "plain")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE.s)
        race = Card(self.tr("FPS race"))
        race.set_state(self.tr("each alone, last 60 s"), "text3")
        race.setToolTip(_solo())
        self.race = FpsRace()
        race.body.addWidget(self.race)
        column.addWidget(race, 1)
        card = Card()
        outer = card.layout()
        if outer is not None:
            outer.setContentsMargins(SPACE.s, SPACE.xs, SPACE.s, SPACE.s)
        self.table = DataTable(self._columns(0), self.tr("Speed and agreement"), is_sorted=False)
        self.table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        card.body.addWidget(self.table)
        column.addWidget(card)
        self._variants: tuple[StageVariant, ...] = ()

    def set_variants(self, variants: Sequence[StageVariant]) -> None:
        """Begin again with these variants."""
        if tuple(variants) == self._variants:
            return
        self._variants = tuple(variants)
        self.race.start([(variant.model, variant.slot) for variant in variants])
        self._show_rows((), 0.0)

    def show_report(self, report: LiveReport) -> None:
        """Add the newest numbers."""
        if len(report.variants) != len(self._variants):
            return
        fps = {
            known.model: found.fps
            for known, found in zip(self._variants, report.variants, strict=True)
            if found.inferences
        }
        self.race.add(time.monotonic(), fps)
        self.table.set_columns(self._columns(report.faces))
        self._show_rows(report.variants, report.fps)

    def _columns(self, faces: int) -> tuple[Column, ...]:
        counted = self.tr("{0} faces").format(f"{faces:,}") if faces else self.tr("of faces")
        return (
            Column("variant", self.tr("Variant")),
            Column("solo", self.tr("Solo"), "FPS", is_number=True, width=40,
                   tooltip=_solo()),
            Column("shared", self.tr("Shared"), "FPS", is_number=True, width=56,
                   tooltip=self.tr("All variants on every frame, as shown")),
            Column("agrees", self.tr("Agrees"), counted, is_number=True, width=84,
                   tooltip=self.tr("Faces for which the teacher names the same emotion")),
        )  # fmt: skip

    def _show_rows(self, found: Sequence[LiveVariant], shared: float) -> None:
        rows = []
        for index, variant in enumerate(self._variants):
            cells = {"variant": Cell(variant.shown, slot=variant.slot, tooltip=variant.model)}
            if index < len(found) and found[index].inferences:
                told = found[index]
                cells["solo"] = Cell(f"{told.fps:.0f}", told.fps)
                cells["shared"] = Cell(f"{shared:.1f}", shared, tone="text2")
                if index and told.agreement is not None:
                    text = f"{100 * told.agreement:.1f} %"
                    cells["agrees"] = Cell(text, told.agreement)
            rows.append(Row(variant.model, cells))
        self.table.set_rows(rows)
        self.table.setFixedHeight(self.table.fitted_height())


def _solo() -> str:
    return QCoreApplication.translate(
        "RacePanel",
        "Frames per second this variant would reach alone: one over the mean time of grab, "
        "detect, crop and its own inference, without the other variants.",
    )


class TimeCard(Card):
    """The strip that shows which stage and which variant takes the time of a frame."""

    def __init__(self) -> None:
        super().__init__(" ", " ")
        self.set_title(self.tr("Time per frame, ms"))
        self._total = label("", "small_bold")
        self._rate = label("", "small", "text2")
        self.add_action(self._total)
        self.add_action(self._rate)
        self.strip = TimeStrip()
        self.body.addWidget(self.strip)
        self._variants: tuple[StageVariant, ...] = ()

    def set_variants(self, variants: Sequence[StageVariant]) -> None:
        """Begin again with these variants."""
        if tuple(variants) == self._variants:
            return
        self._variants = tuple(variants)
        count = len(self._variants)
        self.set_title(
            self.tr("Time per frame, ms"),
            self.tr("one frame through all {0} variants, median").format(count),
        )
        self._total.setText("")
        self._rate.setText("")
        self.strip.show_shares(())

    def show_report(self, report: LiveReport) -> None:
        """Show where the time of a frame goes now."""
        shares = frame_shares(report, self._variants)
        self.strip.show_shares(shares)
        self._total.setText(f"{sum(share.milliseconds for share in shares):.1f} ms")
        rate = self.tr("{0} frames/s shared").format(f"{report.fps:.1f}")
        if report.dropped:
            rate += self.tr(", {0} dropped").format(f"{report.dropped:,}")
        self._rate.setText(rate)


def frame_shares(report: LiveReport, variants: Sequence[StageVariant]) -> list[Share]:
    """Return a frame's stages and variants in the order in which they happen.

    Stages the report has beside grab, detect and crop come last; a stage that stands for the
    variants together is left out where their own times are known.
    """
    stages = report.stages_ms
    timed = [
        Share(known.shown, found.latency_ms.p50, known.slot)
        for known, found in zip(variants, report.variants, strict=False)
        if found.latency_ms is not None
    ]
    before = [Share(name.capitalize(), stages[name]) for name in BEFORE_VARIANTS if name in stages]
    rest = [name for name in stages if name not in BEFORE_VARIANTS]
    if timed:
        rest = [name for name in rest if name not in {"classify", "total", "variants"}]
    after = [
        Share(_SAYS.get(name, name.capitalize()), stages[name]) for name in rest if name != "total"
    ]
    return [*before, *timed, *after]
