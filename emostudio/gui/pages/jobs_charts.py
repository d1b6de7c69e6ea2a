"""The charts of the jobs page: error and loss of one or several runs, and three small ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.buttons import Segmented
from emostudio.gui.widgets.card import Card, clear, plain
from emostudio.gui.widgets.curve_plot import Curve, CurvePlot
from emostudio.gui.widgets.labels import Swatch, label
from emostudio.qt.run_history import RunHistory


@dataclass(frozen=True)
class DrawnRun:
    """A run on the charts: its name and series slot."""

    run_id: str
    name: str
    slot: int


class ErrorCard(Card):
    """Error or loss, by epoch or by batch, of all chosen runs."""

    def __init__(self) -> None:
        super().__init__(self.tr("Error rate"), self.tr("% of images"))
        self._by = Segmented((("epoch", self.tr("Epoch")), ("batch", self.tr("Batch"))))
        self._what = Segmented((("error", self.tr("Error")), ("loss", self.tr("Loss"))))
        self.add_action(self._by)
        self.add_action(self._what)
        self._legend = QHBoxLayout()
        self._legend.setSpacing(SPACE.s)
        self.body.addLayout(self._legend)
        self.plot = CurvePlot(self.tr("Error rate over epochs"), self.tr("Epoch"))
        self.body.addWidget(self.plot, 1)
        self._runs: tuple[DrawnRun, ...] = ()
        self._drawn_lengths: tuple[int, ...] = ()
        self._histories: Mapping[str, RunHistory] = {}
        self._by.chosen.connect(self._switch)
        self._what.chosen.connect(self._switch)

    def show_runs(self, runs: Sequence[DrawnRun], histories: Mapping[str, RunHistory]) -> None:
        """Draw other runs; the first is the selected one."""
        if tuple(runs) != self._runs:
            self._runs = tuple(runs)
            self.plot.clear()
            self._show_legend()
        self._histories = histories
        self.update_curves()

    def update_if_longer(self) -> None:
        """Draw what came in, if it changes what is shown."""
        if self._lengths() != self._drawn_lengths:
            self.update_curves()

    def _lengths(self) -> tuple[int, ...]:
        histories = [self._histories[run.run_id] for run in self._runs]
        if self._by.current() == "batch":
            return tuple(len(history.steps) for history in histories)
        return tuple(len(history.epochs) for history in histories)

    def update_curves(self) -> None:
        """Draw all curves."""
        self._drawn_lengths = self._lengths()
        for number, run in enumerate(self._runs):
            self._set_curves(run, is_selected=number == 0)
        first = self._histories.get(self._runs[0].run_id) if self._runs else None
        end = float(first.epoch_count + first.epoch_offset) if first else 0.0
        self.plot.set_x_end(end if self._by.current() == "epoch" and end else None)
        self.plot.redraw()

    def _set_curves(self, run: DrawnRun, *, is_selected: bool) -> None:
        history = self._histories[run.run_id]
        what = self._what.current()
        if self._by.current() == "batch":
            steps = history.steps
            last = steps.last("loss")
            text = f"{run.name} {last:.3f}" if last is not None else ""
            curve = Curve(steps["x"], steps["loss"], run.slot, is_selected=is_selected, label=text)
            self.plot.set_curve(run.run_id, curve)
            return
        epochs = history.epochs
        last = epochs.last(f"validation_{what}")
        unit = " %" if what == "error" else ""
        number = "" if last is None else f"{last:.1f}" if what == "error" else f"{last:.3f}"
        text = f"{run.name} {number}{unit}" if number else ""
        x = epochs["x"]
        self.plot.set_curve(
            run.run_id,
            Curve(x, epochs[f"validation_{what}"], run.slot, is_selected=is_selected, label=text),
        )
        train = Curve(x, epochs[f"train_{what}"], run.slot, is_thin=True)
        self.plot.set_curve(f"{run.run_id} train", train)

    def _switch(self, _key: str) -> None:
        if self._by.current() == "batch":
            self._what.set_current("loss")
        is_error = self._what.current() == "error"
        self.set_title(
            self.tr("Error rate") if is_error else self.tr("Loss"),
            self.tr("% of images") if is_error else "",
        )
        by_epoch = self._by.current() == "epoch"
        self.plot.set_x_title(self.tr("Epoch") if by_epoch else self.tr("Batch"))
        self.plot.clear()
        self.update_curves()

    def _show_legend(self) -> None:
        clear(self._legend)
        for run in self._runs:
            self._legend.addWidget(Swatch(run.slot))
            self._legend.addWidget(label(run.name, "small", "text2"))
            self._legend.addSpacing(SPACE.xs)
        words = self.tr("thick: validation, thin: train")
        self._legend.addWidget(label(words, "small", "text3"))
        self._legend.addStretch(1)


class SmallChart(QWidget):
    """One figure over the run, its newest value beside the title."""

    def __init__(self, title: str, unit: str) -> None:
        super().__init__()
        self.setProperty("kind", "plain")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        head = QHBoxLayout()
        head.addWidget(label(title, "small_bold"))
        head.addStretch(1)
        self._value = label("", "small_bold")
        head.addWidget(self._value)
        head.addWidget(label(unit, "small", "text3"))
        column.addLayout(head)
        self.plot = CurvePlot(title)
        self.plot.set_y_ticks(4)
        column.addWidget(self.plot, 1)

    def show_values(
        self, x: NDArray[np.float64], y: NDArray[np.float64], slot: int, text: str
    ) -> None:
        """Draw a column of a run's history."""
        self._value.setText(text)
        self.plot.set_curve("value", Curve(x, y, slot))
        self.plot.redraw()


class SmallCharts(Card):
    """Learning rate, throughput and time per step of the selected run."""

    def __init__(self) -> None:
        super().__init__()
        row = QHBoxLayout()
        row.setSpacing(SPACE.xl)
        self._rate = SmallChart(self.tr("Learning rate"), "")
        self._speed = SmallChart(self.tr("Throughput"), self.tr("images/s"))
        self._step = SmallChart(self.tr("Time per step"), self.tr("ms"))
        for chart in (self._rate, self._speed, self._step):
            row.addWidget(chart, 1)
        holder = plain()
        holder.setLayout(row)
        row.setContentsMargins(0, 0, 0, 0)
        self.body.addWidget(holder, 1)

    def show_run(self, run: DrawnRun | None, history: RunHistory | None) -> None:
        """Draw the selected run."""
        if run is None or history is None:
            return
        steps = history.steps
        for chart, name, digits in (
            (self._rate, "learning_rate", "{0:.2g}"),
            (self._speed, "images_per_s", "{0:,.0f}"),
            (self._step, "step_ms", "{0:,.1f}"),
        ):
            last = steps.last(name)
            text = digits.format(last) if last is not None else ""
            chart.show_values(steps["x"], steps[name], run.slot, text)
