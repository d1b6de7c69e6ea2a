"""The body of the Paper page: list, table, chart, caveats."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QCoreApplication, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from emostudio.core.units import unbroken
from emostudio.gui.charts.dumbbell import Dumbbell, DumbbellKey
from emostudio.gui.pages.paper_columns import column_choices
from emostudio.gui.pages.paper_details import ReadFirstCard
from emostudio.gui.pages.paper_table import dumbbell_rows, table_rows
from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.card import Card, EmptyState, plain
from emostudio.gui.widgets.curve_plot import Curve, CurvePlot
from emostudio.gui.widgets.data_table import DataTable
from emostudio.gui.widgets.labels import ElidedLabel, label, set_shown
from emostudio.gui.widgets.progress import ThinBar
from emostudio.gui.widgets.run_list import RunItem, RunList
from emostudio.paper.caveats import OTHER_PICTURES
from emostudio.paper.results import ErrorCurve, ResultRow, ResultTable
from emostudio.paper.words import paper_words

_LIST_WIDTH = 224
_LOWER_PART = 310
"""Height of the lower cards, the gap and the table card's own lines, in pixels."""
_LEAST_TABLE = 180
_CHARTED = {"table1": "memory", "table2": "accuracy", "table3": "accuracy"}


class StudyView(QWidget):
    """Shows one study; the page tells it what.

    Signals
    -------
    figures_asked
        The user wants the figures to run.
    """

    figures_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "plain")
        self._shown: ResultTable | None = None
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACE.m)
        row.addWidget(self._list_card())
        right = QVBoxLayout()
        right.setSpacing(SPACE.m)
        self.table_card = Card(self.tr("Table 2"))
        self.table = DataTable((), self.tr("The paper's figures beside ours"), is_sorted=False)
        self.table.row_selected.connect(lambda _key: self._show_row())
        self.table_card.body.addWidget(self.table)
        right.addWidget(self.table_card)
        lower = QHBoxLayout()
        lower.setSpacing(SPACE.m)
        lower.addWidget(self._chart_card(), 11)
        self.read_first = ReadFirstCard()
        lower.addWidget(self.read_first, 10)
        right.addLayout(lower, 1)
        holder = plain()
        right.setContentsMargins(0, 0, 0, 0)
        holder.setLayout(right)
        row.addWidget(holder, 1)

    def show_entries(self, items: Sequence[RunItem], done: int) -> None:
        """Show the experiments; one stays chosen."""
        self.list.set_items(items)
        self._list.set_state(self.tr("{0} of {1} done").format(done, len(items)))
        if not self.list.current_id():
            self.list.choose(["table2"])

    def show_progress(self, fraction: float | None, message: str, left: str) -> None:
        """Show how far the running job is; without one there is no bar."""
        is_running = fraction is not None or bool(message)
        for widget in (self._bar, self._left, self._message):
            set_shown(widget, is_running)
        self._bar.set_fraction(fraction)
        self._message.setText(message)
        self._left.setText(left)

    def set_can_run(self, *, can_run: bool) -> None:
        """Offer to run what is missing, or not while something runs."""
        set_shown(self.not_run.button, can_run)

    def show_table(self, table: ResultTable, entry: str) -> None:
        """Show a table; an entry of a figure chooses its row."""
        is_other = self._shown is None or self._shown.key != table.key
        self._shown = table
        self.table_card.set_title(table.title)
        chosen = "" if is_other else self.table.selected_id()
        self.table_card.set_state(_pictures(table), "warn", "warning")
        rows = table_rows(table)
        self.table.set_columns(*column_choices(table, rows))
        self.table.set_rows(rows)
        self._fit_table()
        if entry.startswith("figure"):
            self.table.select_id(entry)
        else:
            self.table.select_id(chosen or table.rows[0].key)
        self._show_chart(table)
        self._show_row()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the table what the lower part leaves."""
        super().resizeEvent(event)
        self._fit_table()

    def _fit_table(self) -> None:
        room = self.height() - _LOWER_PART
        self.table.setFixedHeight(max(_LEAST_TABLE, min(self.table.fitted_height(), room)))

    def _list_card(self) -> Card:
        self._list = Card(self.tr("Experiments"))
        self._list.setFixedWidth(_LIST_WIDTH)
        self.list = RunList()
        self.list.setAccessibleName(self.tr("Experiments"))
        self.list.setSelectionMode(RunList.SelectionMode.SingleSelection)
        self._list.body.addWidget(self.list, 1)
        line = QHBoxLayout()
        self._message = ElidedLabel("", "small", "text2")
        self._left = label("", "small_medium")
        line.addWidget(self._message, 1)
        line.addWidget(self._left)
        self._list.body.addLayout(line)
        self._bar = ThinBar()
        self._list.body.addWidget(self._bar)
        return self._list

    def _chart_card(self) -> Card:
        self.chart_card = Card(self.tr("Accuracy"))
        self.key = DumbbellKey()
        self.chart_card.add_action(self.key)
        self.dumbbell = Dumbbell()
        self.curves = CurvePlot(self.tr("Error by epoch"), self.tr("Epoch"))
        self._charts = QStackedWidget()
        self.not_run = EmptyState("chart", "", self.tr("Run Figures 1 to 6"))
        self.not_run.acted.connect(self.figures_asked)
        for widget in (self.dumbbell, self.curves, self.not_run):
            self._charts.addWidget(widget)
        self.chart_card.body.addWidget(self._charts, 1)
        return self.chart_card

    def _row(self) -> ResultRow | None:
        rows = self._shown.rows if self._shown is not None else ()
        chosen = self.table.selected_id()
        return next((row for row in rows if row.key == chosen), None)

    def _show_row(self) -> None:
        if self._shown is None:
            return
        row = self._row()
        self.read_first.show_table(self._shown, row)
        if self._shown.key == "figures" and row is not None:
            found = (curve for curve in self._shown.curves if curve.key == row.key)
            self._show_curve(row, next(found, None))

    def _show_chart(self, table: ResultTable) -> None:
        key = _CHARTED.get(table.key, "")
        self._charts.setCurrentWidget(self.dumbbell if key else self.curves)
        set_shown(self.key, bool(key))
        if not key:
            return
        column = next(column for column in table.columns if column.key == key)
        self.chart_card.set_title(column.title)
        unit = "%" if column.unit == "%" else "×"
        self.dumbbell.show_rows(dumbbell_rows(table, key), unit)

    def _show_curve(self, row: ResultRow, curve: ErrorCurve | None) -> None:
        subtitle = self.tr("error in %, test full, training thin") if curve is not None else ""
        self.chart_card.set_title(row.title, subtitle)
        if curve is None:
            self.not_run.sentence.setText(_not_run(self._shown, row))
            self._charts.setCurrentWidget(self.not_run)
            return
        self._charts.setCurrentWidget(self.curves)
        self.curves.clear()
        epochs = np.arange(1.0, len(curve.train_error) + 1)
        train = 100 * np.array(curve.train_error)
        test = np.array([np.nan if e is None else 100 * e for e in curve.test_error])
        ours = self.tr("ours")
        self.curves.set_curve("train", Curve(epochs, train, slot=1, is_thin=True))
        self.curves.set_curve("test", Curve(epochs, test, slot=1, label=ours))
        if curve.paper_error is not None:
            ends = np.array([1.0, float(max(epochs[-1], 2.0))])
            level = np.full(2, 100 * curve.paper_error)
            self.curves.set_curve("paper", Curve(ends, level, slot=9, label=self.tr("paper")))
        self.curves.redraw()


def _not_run(table: ResultTable | None, row: ResultRow) -> str:
    """Say that there is no curve yet, and what the paper prints."""
    words = [QCoreApplication.translate("PaperPage", "Not run yet.")]
    printed = [
        f"{column.title.lower()} {paper_words(cell.paper)} {column.unit}".strip()
        for column in (table.columns if table is not None else ())
        if (cell := row.cells.get(column.key)) is not None and cell.paper is not None
    ]
    if printed:
        told = QCoreApplication.translate("PaperPage", "The paper: {0}.")
        words.append(told.format(", ".join(printed)))
    return unbroken(" ".join(words))


def _pictures(table: ResultTable) -> str:
    """Say whose pictures these are where they are not the paper's."""
    if not any(caveat.title == OTHER_PICTURES for caveat in table.caveats):
        return ""
    kind = table.facts.get("Data", "").partition(",")[0]
    return QCoreApplication.translate("PaperPage", "{0}, not RaFD").format(kind.capitalize())
