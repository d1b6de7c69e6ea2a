"""Accuracy against time: the chart, its key, its limits, and what would settle open points."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QCoreApplication, Signal
from PySide6.QtWidgets import (
    QDoubleSpinBox,
    QFormLayout,
    QMenu,
    QPushButton,
    QVBoxLayout,
    QWidget,
    QWidgetAction,
)

from emostudio.core.measured import Limits
from emostudio.gui.charts.pareto import ParetoChart, ParetoPoint
from emostudio.gui.charts.pareto_key import ParetoKey
from emostudio.gui.theme import theme
from emostudio.gui.widgets.buttons import button
from emostudio.gui.widgets.card import plain
from emostudio.gui.widgets.labels import label
from emostudio.gui.widgets.names import short_name
from emostudio.workspace.comparison import Comparison, ComparisonRow
from emostudio.workspace.standing import question_lines, settling_blocks


class ParetoView(QWidget):
    """The Pareto chart under its key; `head_buttons` belong into the head of the card around it.

    Attributes
    ----------
    question
        What keeps the first undecided point open, and what would settle it; empty if none is.

    Signals
    -------
    limits_changed
        A `core.measured.Limits`.
    settle_asked
        Names of models and the number of blocks that would settle the undecided ones.
    """

    limits_changed = Signal(object)
    settle_asked = Signal(object, int)

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "plain")
        self.chart = ParetoChart()
        self.key = ParetoKey()
        self.most_ms = _box(self.tr(" ms"), 3, 100_000.0)
        self.least_percent = _box(self.tr(" %"), 1, 100.0)
        self.limits = button(self.tr("Limits"), "small", "", self._open_limits)
        self.settle = button(self.tr("Settle"), "small", "clock", self._ask_to_settle)
        self.head_buttons: tuple[QPushButton, ...] = (self.settle, self.limits)
        self.question = ""
        self._names: tuple[str, ...] = ()
        self._blocks = 0
        self._menu = self._limits_menu()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.key)
        column.addWidget(self.chart, 1)
        self.most_ms.valueChanged.connect(self._on_limits)
        self.least_percent.valueChanged.connect(self._on_limits)

    def current_limits(self) -> Limits:
        """Return the limits in the boxes; zero leaves a quantity free."""
        most, least = self.most_ms.value(), self.least_percent.value()
        return Limits(most_ms=most or None, least_accuracy=least / 100 if least else None)

    def offers(self, action: QPushButton) -> bool:
        """Return whether an action has something to do."""
        return action is not self.settle or bool(self._names)

    def show_comparison(self, comparison: Comparison) -> None:
        """Draw the variants that have accuracy and time."""
        found = [(row, pareto_point(row)) for row in comparison.rows]
        points = [
            replace(point, label=short_name(row.model, comparison.baseline))
            for row, point in found
            if point
        ]
        self.chart.show_limits(comparison.limits)
        self.chart.show_points(points)
        self._names, self._blocks = settling_blocks(comparison.questions)
        tip = "\n".join(question_lines(comparison.questions, 12))
        self.settle.setToolTip(tip)
        self.key.setToolTip(tip)
        self.question = tip.partition("\n")[0]

    def _limits_menu(self) -> QMenu:
        menu = QMenu(self)
        theme().set_font(menu, "body")
        panel = plain()
        form = QFormLayout(panel)
        for words, box in (
            (self.tr("Time, at most"), self.most_ms),
            (self.tr("Accuracy, at least"), self.least_percent),
        ):
            name = label(words, "body")
            name.setMinimumHeight(box.sizeHint().height())
            form.addRow(name, box)
        self.most_ms.setAccessibleName(self.tr("Most milliseconds"))
        self.least_percent.setAccessibleName(self.tr("Least accuracy, percent"))
        action = QWidgetAction(menu)
        action.setDefaultWidget(panel)
        menu.addAction(action)
        return menu

    def _open_limits(self) -> None:
        self._menu.popup(self.limits.mapToGlobal(self.limits.rect().bottomLeft()))

    def _on_limits(self) -> None:
        self.limits_changed.emit(self.current_limits())

    def _ask_to_settle(self) -> None:
        if self._names:
            self.settle_asked.emit(self._names, self._blocks)


def pareto_point(row: ComparisonRow) -> ParetoPoint | None:
    """Return a row's place on the chart, None where accuracy or speed is missing."""
    if row.latency_ms is None or row.accuracy is None:
        return None
    interval = row.accuracy_interval
    return ParetoPoint(
        name=row.model,
        slot=row.slot,
        x=row.latency_ms.p50,
        y=100 * row.accuracy,
        x_interval=row.latency_interval,
        y_interval=(100 * interval[0], 100 * interval[1]) if interval else None,
        state=row.standing,
    )


def _box(suffix: str, decimals: int, most: float) -> QDoubleSpinBox:
    made = QDoubleSpinBox()
    made.setDecimals(decimals)
    made.setRange(0.0, most)
    made.setSuffix(suffix)
    made.setSpecialValueText(QCoreApplication.translate("ChartCard", "no limit"))
    made.setKeyboardTracking(False)
    made.lineEdit().setTextMargins(4, 0, 4, 0)  # the style sheet's padding is lost in a menu
    theme().set_font(made, "body")
    return made
