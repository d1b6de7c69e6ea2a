"""The status bar: workspace, device, memory; camera mark, jobs, saved state."""

from __future__ import annotations

import psutil
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QWidget

from emostudio.core.units import format_duration
from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.card import plain
from emostudio.gui.widgets.labels import IconLabel, label, set_shown, set_tone

_MEMORY_MS = 3_000


class StatusBar(QWidget):
    """One line on every page."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "statusbar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(SPACE.status_bar)
        row = QHBoxLayout(self)
        row.setContentsMargins(SPACE.page, 0, SPACE.page, 0)
        row.setSpacing(SPACE.xs)
        self.workspace = label("", "small", "text2")
        self.device = label("", "small", "text2")
        self.memory = label("", "small", "text2")
        self.camera = self._lamp()
        self._jobs_icon = IconLabel("jobs", "text2", 14)
        self.jobs = label("", "small", "text2")
        self.saved = label(self.tr("Saved"), "small", "text3")
        row.addWidget(IconLabel("folder", "text2", 14))
        row.addWidget(self.workspace)
        row.addSpacing(SPACE.m)
        row.addWidget(IconLabel("chip", "text2", 14))
        row.addWidget(self.device)
        row.addSpacing(SPACE.m)
        row.addWidget(self.memory)
        row.addStretch(1)
        row.addWidget(self.camera)
        row.addSpacing(SPACE.m)
        row.addWidget(self._jobs_icon)
        row.addWidget(self.jobs)
        row.addSpacing(SPACE.m)
        row.addWidget(self.saved)
        self.show_camera(False)  # noqa: FBT003 - nothing is on at the start
        self.show_jobs(0, 0, None)
        self._timer = QTimer(self)
        self._timer.setInterval(_MEMORY_MS)
        self._timer.timeout.connect(self.show_memory)
        self._timer.start()
        self.show_memory()

    def _lamp(self) -> QWidget:
        holder = plain()
        row = QHBoxLayout(holder)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACE.xs)
        row.addWidget(IconLabel("record", "bad", 14))
        row.addWidget(label(self.tr("Camera on"), "small", "bad"))
        return holder

    def show_memory(self) -> None:
        """Show how much of the machine's memory is in use."""
        memory = psutil.virtual_memory()
        used, total = (memory.total - memory.available) / 2**30, memory.total / 2**30
        self.memory.setText(self.tr("Memory {0} of {1} GiB").format(f"{used:.1f}", f"{total:.1f}"))

    def show_device(self, text: str) -> None:
        """Show what computes."""
        self.device.setText(text)

    def show_camera(self, is_on: bool) -> None:
        """Show or hide the camera mark."""
        set_shown(self.camera, is_on)

    def show_jobs(self, running: int, waiting: int, seconds_left: float | None) -> None:
        """Show how many jobs run and how long they take."""
        if not running and not waiting:
            text = self.tr("No jobs running")
        else:
            text = self.tr("{0} running, {1} waiting").format(running, waiting)
        if seconds_left is not None:
            text += self.tr(", {0} left").format(format_duration(seconds_left))
        self.jobs.setText(text)
        set_shown(self._jobs_icon, bool(running))

    def show_saved(self, text: str, tone: str = "text3") -> None:
        """Say whether all is on disk."""
        self.saved.setText(text)
        set_tone(self.saved, tone)
