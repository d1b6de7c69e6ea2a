"""The cards of the home page."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout

from emostudio.core.answers import DoctorReport
from emostudio.gui.charts.forest import Forest, ForestRow
from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.buttons import Kind, button
from emostudio.gui.widgets.card import Card, clear, plain
from emostudio.gui.widgets.labels import (
    Badge,
    ElidedLabel,
    IconLabel,
    label,
    set_shown,
    verdict_look,
)
from emostudio.workspace.comparison import compare
from emostudio.workspace.records import ModelRecord


class ActionCard(Card):
    """An icon, what it is, one sentence, and the button that does it."""

    acted = Signal()

    def __init__(
        self, icon: str, title: str, text: str, action: str, keys: str, kind: Kind = "default"
    ) -> None:
        super().__init__()
        self.row = QHBoxLayout()
        self.row.setSpacing(SPACE.xl)
        column = QVBoxLayout()
        column.setSpacing(SPACE.xs)
        head = QHBoxLayout()
        head.addWidget(IconLabel(icon, "accent_text", 22))
        head.addStretch(1)
        key = label(keys, "caption_medium", "text2")
        key.setProperty("kind", "keycap")
        head.addWidget(key)
        column.addLayout(head)
        column.addSpacing(SPACE.xs)
        column.addWidget(label(title, "section"))
        column.addWidget(label(text, "small", "text2", wrap=True))
        column.addStretch(1)
        self.button = button(action, kind, "play" if kind == "primary" else "", self.acted.emit)
        column.addWidget(self.button, 0, Qt.AlignmentFlag.AlignLeft)
        holder = plain()
        holder.setLayout(column)
        column.setContentsMargins(0, 0, 0, 0)
        self.row.addWidget(holder, 1)
        self.body.addLayout(self.row)


class MachineCard(Card):
    """The machine, what was measured on it, and what does not work and why."""

    check_again = Signal()

    def __init__(self) -> None:
        super().__init__(self.tr("What pays off on this machine"))
        self._again = button(self.tr("Check again"), "small", "doctor", self.check_again.emit)
        self.add_action(self._again)
        self._facts = ElidedLabel(self.tr("Looking at the machine"), "small", "text2")
        self.body.addWidget(self._facts)
        self._measured = plain()
        row = QHBoxLayout(self._measured)
        row.setContentsMargins(0, 0, 0, 0)
        self._badges = QVBoxLayout()
        self._badges.setContentsMargins(0, 0, 0, 26)
        self._forest = Forest()
        row.addWidget(self._forest, 1)
        row.addLayout(self._badges)
        self.body.addWidget(self._measured, 1)
        self._caption = label(
            self.tr("Speed against the teacher, median with 95 % interval. Right of 1× is faster."),
            "caption",
            "text3",
        )
        self.body.addWidget(self._caption)
        self._hint = label(
            self.tr("Nothing is measured yet. Compress a model, then benchmark it in Compare."),
            "small",
            "text3",
            wrap=True,
        )
        self.body.addWidget(self._hint)
        self._checks = QGridLayout()
        self._checks.setHorizontalSpacing(SPACE.s)
        self._checks.setVerticalSpacing(SPACE.s)
        self._checks.setColumnStretch(2, 1)
        self._checks_holder = plain()
        self._checks_holder.setLayout(self._checks)
        self._checks.setContentsMargins(0, 0, 0, 0)
        self.body.addWidget(self._checks_holder)
        self.body.addStretch(0)
        self.show_measurements(())

    def show_machine(self, report: DoctorReport) -> None:
        """Show the doctor's report; with measurements only what does not work."""
        self._facts.setText(machine_line(report.machine))
        self._report = report
        self._show_checks()

    def show_measurements(
        self, models: Sequence[ModelRecord], claims: Collection[str] = ()
    ) -> None:
        """Show the newest ratio to its teacher of every variant."""
        rows = speed_rows(models, claims)
        clear(self._badges)
        for _, verdict in rows:
            self._badges.addWidget(Badge(verdict), 1, Qt.AlignmentFlag.AlignVCenter)
        self._forest.show_rows([row for row, _ in rows])
        for widget in (self._measured, self._caption):
            set_shown(widget, bool(rows))
        set_shown(self._hint, not rows)
        self._has_rows = bool(rows)
        self._show_checks()

    def _show_checks(self) -> None:
        report = getattr(self, "_report", None)
        while (item := self._checks.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()
        if report is None:
            return
        shown = [check for check in report.checks if not self._has_rows or not check.works]
        for row, check in enumerate(sorted(shown, key=lambda check: check.works)[:9]):
            icon = IconLabel(*(("check", "ok") if check.works else ("warning", "warn")))
            self._checks.addWidget(icon, row, 0, Qt.AlignmentFlag.AlignTop)
            self._checks.addWidget(label(check.name, "small_medium"), row, 1)
            text = check.details if check.works else check.next_step or check.details
            tone = "text2" if check.works else "text"
            self._checks.addWidget(ElidedLabel(text, "small", tone), row, 2)


def machine_line(machine: dict[str, Any]) -> str:
    """Return a machine in one line, as "Core i7, 4 cores, AVX2, 15.5 GiB"."""
    cores = machine.get("physical_cores")
    units = machine.get("vector_units") or ()
    memory = machine.get("memory_bytes")
    parts = [
        str(machine.get("cpu", "")),
        f"{cores} cores" if cores else "",
        " + ".join(str(unit) for unit in units[-2:]),
        f"{memory / 2**30:.1f} GiB" if memory else "",
    ]
    return ", ".join(part for part in parts if part)


def speed_rows(
    models: Sequence[ModelRecord], claims: Collection[str] = ()
) -> list[tuple[ForestRow, str]]:
    """Return the measured speed of each variant against the first teacher, with its verdict."""
    rows = []
    for row in compare(models, speed_claims=claims).rows:
        if row.is_baseline or row.speed is None:
            continue
        tone = verdict_look(row.verdict)[1]
        low, high = row.speed.interval
        rows.append((ForestRow(row.model, row.speed.ratio, low, high, tone), row.verdict))
    return rows[:8]
