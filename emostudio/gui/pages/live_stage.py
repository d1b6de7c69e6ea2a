"""The tiles of the live page: every variant on the same frame."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QGridLayout, QWidget

from emostudio.core.answers import LiveReport
from emostudio.core.emotions import EMOTIONS
from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.live_judgement import Picture, figures_of, judge
from emostudio.gui.widgets.live_tile import LiveTile, TileState
from emostudio.qt.live_feed import Frame

STALE_AFTER_S = 2.0


@dataclass(frozen=True)
class StageVariant:
    """A variant on the stage: what the job calls it, its series slot, labels, and short name."""

    model: str
    slot: int
    labels: tuple[str, ...] = tuple(EMOTIONS)
    title: str = ""

    @property
    def shown(self) -> str:
        """Return the name for tiles, tables and keys."""
        return self.title or self.model


class LiveStage(QWidget):
    """A grid of tiles, fed with frames and counters."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "plain")
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(SPACE.s)
        self._variants: tuple[StageVariant, ...] = ()
        self._tiles: list[LiveTile] = []
        self._last_frame_s = 0.0
        self._watch = QTimer(self)
        self._watch.setInterval(500)
        self._watch.timeout.connect(self._look_for_stale)

    def tiles(self) -> tuple[LiveTile, ...]:
        """Return the tiles in the order of the variants."""
        return tuple(self._tiles)

    def set_variants(self, variants: Sequence[StageVariant]) -> None:
        """Show one tile per variant."""
        asked = [(variant.model, variant.slot) for variant in variants]
        if asked == [(variant.model, variant.slot) for variant in self._variants]:
            return
        self._variants = tuple(variants)
        for tile in self._tiles:
            self._grid.removeWidget(tile)
            tile.hide()
            tile.deleteLater()
        self._tiles = [LiveTile(variant.shown, variant.slot) for variant in variants]
        columns = max(1, math.ceil(math.sqrt(len(self._tiles))))
        for index in range(8):
            self._grid.setColumnStretch(index, 1 if index < columns else 0)
        for index, tile in enumerate(self._tiles):
            self._grid.addWidget(tile, index // columns, index % columns)

    def start(self) -> None:
        """Wait for the first frame."""
        self._set_all("waiting", self.tr("Starting"))
        self._last_frame_s = 0.0
        self._watch.start()

    def wait(self, message: str) -> None:
        """Say what happens before the first frame."""
        if not self._last_frame_s:
            self._set_all("waiting", message)

    def stop(self, message: str) -> None:
        """Keep the last frame, dimmed, and say why it stands still."""
        self._watch.stop()
        self._set_all("stopped", message)

    def show_frame(self, frame: Frame) -> None:
        """Show a frame and every variant's judgement of it."""
        self._last_frame_s = time.monotonic()
        labels = [variant.labels for variant in self._variants]
        picture = Picture(frame.image, owner=frame)
        for tile, judgement in zip(self._tiles, judge(frame.event, labels), strict=True):
            tile.show_frame(picture, judgement)

    def show_report(self, report: LiveReport) -> None:
        """Show the numbers of every variant; the report's order is the job's."""
        if len(report.variants) != len(self._variants):
            return
        told = tuple(
            replace(known, labels=found.labels or known.labels)
            for known, found in zip(self._variants, report.variants, strict=True)
        )
        self._variants = told
        for index, (tile, found) in enumerate(zip(self._tiles, report.variants, strict=True)):
            tile.set_engine(found.engine)
            tile.show_figures(figures_of(found, is_reference=index == 0))

    def _set_all(self, state: TileState, message: str) -> None:
        for tile in self._tiles:
            tile.set_state(state, message)

    def _look_for_stale(self) -> None:
        if self._last_frame_s and time.monotonic() - self._last_frame_s > STALE_AFTER_S:
            seconds = time.monotonic() - self._last_frame_s
            self._set_all("stale", self.tr("No frame for {0} s").format(f"{seconds:.0f}"))
