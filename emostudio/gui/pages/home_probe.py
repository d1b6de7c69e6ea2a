"""Which methods have fast kernels here: the machine card's first view."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from emostudio.core.machine_card import MachineCardReport, RankedMethod
from emostudio.core.units import format_duration
from emostudio.gui.charts.forest import Forest, ForestRow
from emostudio.gui.tokens import SPACE
from emostudio.gui.verdict_badge import verdict_look
from emostudio.gui.widgets.buttons import button
from emostudio.gui.widgets.card import EmptyState, plain
from emostudio.gui.widgets.labels import ElidedLabel, label
from emostudio.gui.widgets.progress import ProgressRow

NAME_WIDTH = 350
OUTDATED = "Outdated"


class ProbePanel(QWidget):
    """Nothing measured yet, measuring, or the ranked kernels.

    Signals
    -------
    measure_asked, cancel_asked
        The user's wishes.
    """

    measure_asked = Signal()
    cancel_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "plain")
        self.has_rows = False
        self._is_running = False
        self._stack = QStackedWidget()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._stack, 1)
        self._empty = EmptyState(
            "chip",
            self.tr(
                "Nothing is measured yet. Half a minute tells which methods have fast kernels here."
            ),
            self.tr("Measure this machine"),
        )
        self._empty.acted.connect(self.measure_asked)
        self._stack.addWidget(self._empty)
        self._stack.addWidget(self._running_view())
        self._stack.addWidget(self._result_view())

    @property
    def is_running(self) -> bool:
        """Whether a probe runs or waits."""
        return self._is_running

    def show_report(self, report: MachineCardReport) -> None:
        """Show what was measured, or that nothing was."""
        rows = kernel_rows(report)
        self.has_rows = bool(rows)
        self._forest.show_rows(rows)
        self._others.setText(self._other_words(report.ranking))
        self._show_state()

    def show_progress(
        self, fraction: float | None, message: str, seconds_left: float | None
    ) -> None:
        """Show how far the probe is."""
        self._is_running = True
        left = self.tr("{0} left").format(format_duration(seconds_left)) if seconds_left else ""
        self._progress.show_progress(self.tr("Measuring this machine"), fraction, message, left)
        self._cancel.setEnabled(True)
        self._show_state()

    def show_waiting(self) -> None:
        """Say that another job has to end first: both at once would disturb each other."""
        self.show_progress(None, self.tr("Begins when the jobs before it are done"), None)

    def show_ended(self) -> None:
        """Go back to what is known."""
        self._is_running = False
        self._show_state()

    def _show_state(self) -> None:
        self._stack.setCurrentIndex(1 if self._is_running else 2 if self.has_rows else 0)

    def _running_view(self) -> QWidget:
        view = plain()
        column = QVBoxLayout(view)
        column.setContentsMargins(0, SPACE.m, 0, 0)
        column.setSpacing(SPACE.m)
        self._progress = ProgressRow(with_icon=False)
        column.addWidget(self._progress)
        words = self.tr("Leave the machine alone meanwhile: what else runs is measured with it.")
        column.addWidget(label(words, "small", "text3", wrap=True))
        self._cancel = button(self.tr("Cancel"), "small", "close", self._ask_cancel)
        column.addWidget(self._cancel, 0, Qt.AlignmentFlag.AlignLeft)
        column.addStretch(1)
        return view

    def _result_view(self) -> QWidget:
        view = plain()
        column = QVBoxLayout(view)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE.xs)
        self._forest = Forest(name_width=NAME_WIDTH)
        self._forest.setAccessibleName(self.tr("Gains of kernels with 95 % intervals"))
        column.addWidget(self._forest, 1)
        self._others = ElidedLabel("", "caption", "text3")
        column.addWidget(self._others)
        words = self.tr(
            "Kernels against float on ONNX Runtime, 95 % interval. Other ranks and shares gain "
            "more or less; layers left alone, nothing."
        )
        row = QHBoxLayout()
        row.addWidget(ElidedLabel(words, "caption", "text3"), 1)
        column.addLayout(row)
        return view

    def _ask_cancel(self) -> None:
        self._cancel.setEnabled(False)
        self.cancel_asked.emit()

    def _other_words(self, ranking: Iterable[RankedMethod]) -> str:
        groups = {
            "size only": self.tr("Size only: {0}."),
            "not measured": self.tr("Not decided by a kernel: {0}."),
        }
        found = []
        for outlook, template in groups.items():
            titles = [one.title for one in ranking if one.gain is None and one.outlook == outlook]
            if titles:
                found.append(template.format(", ".join(titles)))
        return " ".join(found)


def kernel_rows(report: MachineCardReport) -> list[ForestRow]:
    """Return one row per reading that decides methods, the fastest kernel first."""
    groups: dict[str, list[RankedMethod]] = {}
    for method in report.ranking:
        if method.gain is not None:
            groups.setdefault(method.reading, []).append(method)
    rows = []
    for methods in groups.values():
        first, gain = methods[0], methods[0].gain
        if gain is None:
            continue
        # Figures that no longer hold here are given neither word nor colour of a verdict.
        outlook = OUTDATED if report.stale else first.outlook
        tone = "text3" if report.stale else verdict_look(outlook)[1]
        names = ", ".join(method.title for method in methods)
        rows.append(
            ForestRow(
                names,
                gain.ratio,
                gain.low,
                gain.high,
                tone,
                detail=first.layers,
                badge=outlook,
                tip=f"{names}: {first.reason}.",
            )
        )
    return rows
