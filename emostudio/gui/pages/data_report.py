"""What is in a data source: layout, faces, classes, label map, problems."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from emostudio.core.answers import DataReport
from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.buttons import button
from emostudio.gui.widgets.card import Card, clear, fact, plain, rule, scrolled
from emostudio.gui.widgets.data_table import DataTable
from emostudio.gui.widgets.labels import IconLabel, label
from emostudio.gui.widgets.split_bars import SplitBars
from emostudio.gui.widgets.thumbnails import ThumbnailGrid
from emostudio.qt.table_models import Cell, Column, Row

_MOST_PROBLEMS = 200


class ReportView(QWidget):
    """A `DataReport` as cards; the right column holds what to check.

    Signals
    -------
    drop_duplicates
        The user wants copies across splits left out.
    """

    drop_duplicates = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "plain")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACE.m)
        row.addLayout(self._found_column(), 1)
        row.addLayout(self._check_column())

    def _found_column(self) -> QVBoxLayout:
        left = QVBoxLayout()
        left.setSpacing(SPACE.m)
        left.addWidget(self._facts_card())
        self._faces_card = Card(self.tr("Samples per class"))
        self.faces = ThumbnailGrid()
        self._faces_card.body.addWidget(self.faces, 1)
        left.addWidget(self._faces_card)
        left.addLayout(self._counts_row(), 1)
        return left

    def _counts_row(self) -> QHBoxLayout:
        lower = QHBoxLayout()
        lower.setSpacing(SPACE.m)
        bars_card = Card(self.tr("Images per class and split"))
        self.bars = SplitBars()
        bars_card.body.addWidget(self.bars)
        bars_card.body.addStretch(1)
        lower.addWidget(bars_card, 1)
        map_card = Card(self.tr("Label map"))
        self.label_map = DataTable(
            (
                Column("found", self.tr("In the source")),
                Column("images", self.tr("Becomes")),
            ),
            self.tr("Label map"),
            is_sorted=False,
        )
        map_card.body.addWidget(self.label_map, 1)
        lower.addWidget(map_card, 1)
        return lower

    def _check_column(self) -> QVBoxLayout:
        self.side = QVBoxLayout()
        self.side.setSpacing(SPACE.m)
        self.check = Card(self.tr("Check before import"))
        self.check.setFixedWidth(312)
        self._check_body = QVBoxLayout()
        self._check_body.setSpacing(SPACE.s)
        self._check_body.setContentsMargins(0, 0, 0, 0)
        holder = plain()
        holder.setLayout(self._check_body)
        self.check.body.addWidget(scrolled(holder), 1)
        self.side.addWidget(self.check, 1)
        return self.side

    def show_report(self, report: DataReport) -> None:
        """Show a report."""
        self._show_facts(report)
        self.faces.show_thumbnails(report.thumbnails, report.labels)
        self._faces_card.setVisible(bool(report.thumbnails))
        self.bars.show_counts(report.counts, report.labels)
        rows = [
            Row(
                found,
                {
                    "found": Cell(found or self.tr("(empty)")),
                    "images": Cell(becomes.capitalize(), is_bold=True)
                    if becomes
                    else Cell(self.tr("left out"), tone="warn"),
                },
            )
            for found, becomes in report.label_map.items()
        ]
        self.label_map.set_rows(rows)
        self.label_map.setMinimumHeight(min(self.label_map.fitted_height(), 150))
        self._show_checks(report)

    def _facts_card(self) -> Card:
        card = Card()
        row = QHBoxLayout()
        row.setSpacing(SPACE.xl)
        self._facts: dict[str, QLabel] = {}
        self._details: dict[str, QLabel] = {}
        for key, name in (
            ("layout", self.tr("Layout")),
            ("labels", self.tr("Labels")),
            ("subjects", self.tr("Subjects")),
            ("size", self.tr("Picture size")),
        ):
            holder, self._facts[key] = fact(name)
            self._details[key] = label("", "small", "text2", wrap=True)
            layout = holder.layout()
            if layout is not None:
                layout.addWidget(self._details[key])
            row.addWidget(holder, 1)
        card.body.addLayout(row)
        return card

    def _show_facts(self, report: DataReport) -> None:
        shape = next(iter(report.image_shapes), "")
        width, _, rest = shape.partition("x")
        height, _, channels = rest.partition("x")
        size = f"{width} × {height} px" if shape else "–"
        others = len(report.image_shapes) - 1
        colour = self.tr("grey") if channels == "1" else self.tr("colour")
        found = (
            ("layout", report.reader.replace("_", " "), f"{report.samples:,} pictures"),
            ("labels", f"{len(report.labels)} emotions", report.split_policy),
            (
                "subjects",
                f"{report.subjects:,} people" if report.subjects else self.tr("unknown"),
                "" if report.subjects else self.tr("splits cannot be kept apart by person"),
            ),
            ("size", size, f"{colour}, {others} other sizes" if others > 0 else colour),
        )
        for key, value, detail in found:
            self._facts[key].setText(value)
            self._details[key].setText(detail)

    def _show_checks(self, report: DataReport) -> None:
        clear(self._check_body)
        shown = 0
        duplicates = report.leak_counts.get("duplicate", 0)
        subjects = report.leak_counts.get("subject", 0)
        if subjects:
            text = self.tr("Scores would be too high by an unknown amount. Split by person.")
            self._add_check("error", "bad", f"{subjects} people are in two splits", text)
        if duplicates:
            remedy = button(self.tr("Leave the copies out"), "small")
            remedy.clicked.connect(self.drop_duplicates)
            title = self.tr("{0} pictures are in two splits").format(duplicates)
            self._add_check("error", "bad", title, self.tr("The same pixels, twice."), remedy)
        shown = bool(duplicates) + bool(subjects)
        for warning in report.warnings:
            self._add_check("warning", "warn", warning, "")
        if report.problem_count:
            title = self.tr("{0} rows or files skipped").format(f"{report.problem_count:,}")
            self._add_check("info", "info", title, "")
            for problem in report.problems[:_MOST_PROBLEMS]:
                self._check_body.addWidget(label(problem.item, "small_medium", wrap=True))
                self._check_body.addWidget(label(problem.what, "small", "text2", wrap=True))
        if not (shown or report.warnings or report.problem_count):
            self._add_check("check", "ok", self.tr("Nothing to worry about"), "")
        self._check_body.addStretch(1)
        words = self.tr("{0} to look at").format(shown) if shown else ""
        self.check.set_state(words, "bad" if shown else "text2")

    def _add_check(
        self, icon: str, tone: str, title: str, text: str, remedy: QPushButton | None = None
    ) -> None:
        if self._check_body.count():
            self._check_body.addWidget(rule())
        row = QHBoxLayout()
        row.setSpacing(SPACE.s)
        column = QVBoxLayout()
        column.setSpacing(2)
        column.addWidget(label(title, "body_medium", wrap=True))
        if text:
            column.addWidget(label(text, "small", "text2", wrap=True))
        if remedy is not None:
            line = QHBoxLayout()
            line.addWidget(remedy)
            line.addStretch(1)
            column.addLayout(line)
        mark = IconLabel(icon, tone, 16)
        holder = plain()
        holder.setLayout(row)
        row.setContentsMargins(0, 2, 0, 2)
        row.addWidget(mark)
        row.setAlignment(mark, Qt.AlignmentFlag.AlignTop)
        row.addLayout(column, 1)
        self._check_body.addWidget(holder)
