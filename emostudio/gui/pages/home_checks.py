"""What works on this machine and what does not, with the remedy."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from emostudio.core.answers import DoctorReport
from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.buttons import button
from emostudio.gui.widgets.labels import ElidedLabel, IconLabel, label

_MOST = 10


class ChecksPanel(QWidget):
    """The doctor's checks, those that fail first.

    Signals
    -------
    check_again
        The user plugged something in or installed it.
    """

    check_again = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "plain")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE.s)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(SPACE.s)
        self._grid.setVerticalSpacing(SPACE.xs)
        self._grid.setColumnStretch(2, 1)
        column.addLayout(self._grid)
        self.again = button(self.tr("Check again"), "small", "doctor", self.check_again.emit)
        column.addWidget(self.again, 0, Qt.AlignmentFlag.AlignLeft)
        column.addStretch(1)

    def show_checks(self, report: DoctorReport) -> None:
        """Show what the doctor found."""
        while (item := self._grid.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        ordered = sorted(report.checks, key=lambda check: check.works)[:_MOST]
        for row, check in enumerate(ordered):
            icon = IconLabel(*(("check", "ok") if check.works else ("warning", "warn")))
            self._grid.addWidget(icon, row, 0, Qt.AlignmentFlag.AlignTop)
            self._grid.addWidget(label(check.name, "small_medium"), row, 1)
            text = check.details if check.works else check.next_step or check.details
            tone = "text2" if check.works else "text"
            self._grid.addWidget(ElidedLabel(text, "small", tone), row, 2)


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
