"""The machine card: kernels measured here, variants measured here, and what does not work."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QMenu, QStackedWidget, QVBoxLayout, QWidget

from emostudio.core.answers import DoctorReport
from emostudio.core.machine_card import MachineCard as CardFacts
from emostudio.core.machine_card import MachineCardReport
from emostudio.gui.charts.forest import Forest, ForestRow
from emostudio.gui.pages.home_checks import ChecksPanel, machine_line
from emostudio.gui.pages.home_probe import NAME_WIDTH, ProbePanel
from emostudio.gui.pages.jobs_rows import describe_time
from emostudio.gui.verdict_badge import verdict_look
from emostudio.gui.widgets.buttons import Segmented, button, icon_button
from emostudio.gui.widgets.card import Card, plain
from emostudio.gui.widgets.labels import ElidedLabel, label, set_shown
from emostudio.gui.widgets.note import Note
from emostudio.workspace.comparison import compare
from emostudio.workspace.records import ModelRecord

_VIEWS = ("methods", "variants", "checks")


class MachineCard(Card):
    """What pays off on this machine, and what the machine is.

    Signals
    -------
    check_again
        The doctor is to look again.
    measure_asked, cancel_asked
        The probe is to begin or to stop.
    """

    check_again = Signal()
    measure_asked = Signal()
    cancel_asked = Signal()

    def __init__(self) -> None:
        super().__init__(self.tr("What pays off on this machine"))
        self._doctor: DoctorReport | None = None
        self._report = MachineCardReport()
        self._choice = Segmented(
            (
                ("methods", self.tr("Methods")),
                ("variants", self.tr("Variants")),
                ("checks", self.tr("Checks")),
            )
        )
        self._choice.chosen.connect(self._show_view)
        self.export = icon_button("export", self.tr("Export machine card"), self._open_menu)
        self.again = button(self.tr("Probe again"), "small", "clock", self.measure_asked.emit)
        for widget in (self._choice, self.export, self.again):
            self.add_action(widget)
        self._menu: QMenu | None = None
        self._facts = ElidedLabel(self.tr("Looking at the machine"), "small", "text2")
        self._care = ElidedLabel("", "small", "warn")
        self._note = Note()
        self._note.acted.connect(self.measure_asked)
        self.probe = ProbePanel()
        self.probe.measure_asked.connect(self.measure_asked)
        self.probe.cancel_asked.connect(self.cancel_asked)
        self.checks = ChecksPanel()
        self.checks.check_again.connect(self.check_again)
        self._views = QStackedWidget()
        for view in (self.probe, self._variants_view(), self.checks):
            self._views.addWidget(view)
        self.body.addWidget(self._facts)
        self.body.addWidget(self._care)
        self.body.addWidget(self._note)
        self.body.addWidget(self._views, 1)
        self.show_measurements(())
        self._show_state()

    def set_menu(self, menu: QMenu) -> None:
        """Give the formats that the card can be exported to."""
        self._menu = menu

    def show_machine(self, report: DoctorReport) -> None:
        """Show the doctor's report."""
        self._doctor = report
        self.checks.show_checks(report)
        failing = sum(not check.works for check in report.checks)
        words = self.tr("Checks ({0})").format(failing) if failing else self.tr("Checks")
        self._choice.set_text("checks", words)
        self._show_state()

    def show_report(self, report: MachineCardReport) -> None:
        """Show what the probe measured here."""
        self._report = report
        self.probe.show_report(report)
        self._show_state()

    def show_measurements(
        self, models: Sequence[ModelRecord], claims: Collection[str] = ()
    ) -> None:
        """Show the newest ratio to its teacher of every variant."""
        rows = speed_rows(models, claims)
        self._forest.show_rows(rows)
        for widget in (self._forest, self._caption):
            set_shown(widget, bool(rows))
        set_shown(self._hint, not rows)

    def show_progress(
        self, fraction: float | None, message: str, seconds_left: float | None
    ) -> None:
        """Show how far the probe is."""
        self.probe.show_progress(fraction, message, seconds_left)
        self._show_state()

    def show_waiting(self) -> None:
        """Say that the probe waits for another job."""
        self.probe.show_waiting()
        self._show_state()

    def show_ended(self) -> None:
        """Go back to what is known."""
        self.probe.show_ended()
        self._show_state()

    def show_failed(self, what: str, why: str) -> None:
        """Say why there is no new card."""
        self.show_ended()
        self._note.show_note("bad", f"{what.rstrip('.')}.", why, self.tr("Probe again"))

    def _variants_view(self) -> QWidget:
        view = plain()
        column = QVBoxLayout(view)
        column.setContentsMargins(0, 0, 0, 0)
        self._forest = Forest(name_width=NAME_WIDTH)
        self._caption = label(
            self.tr("Speed against the teacher, median with 95 % interval. Right of 1× is faster."),
            "caption",
            "text3",
        )
        self._hint = label(
            self.tr("No variant is measured yet. Compress a model, then benchmark it in Compare."),
            "small",
            "text3",
            wrap=True,
        )
        column.addWidget(self._forest, 1)
        column.addWidget(self._caption)
        column.addWidget(self._hint)
        column.addStretch(0)
        return view

    def _show_view(self, key: str) -> None:
        self._views.setCurrentIndex(_VIEWS.index(key))
        self._show_state()

    def _open_menu(self) -> None:
        if self._menu is not None:
            self._menu.popup(self.export.mapToGlobal(self.export.rect().bottomLeft()))

    def _show_state(self) -> None:
        known = self._report.card is not None
        set_shown(self.again, known and not self.probe.is_running)
        set_shown(self.export, known)
        self._facts.setText(self._facts_line())
        self._show_note()

    def _facts_line(self) -> str:
        card = self._report.card
        if card is not None:
            is_about_kernels = self._choice.current() == "methods"
            when = f". {measured_words(card)}." if is_about_kernels else ""
            return f"{card.machine.line}{when}"
        if self._doctor is not None:
            return machine_line(self._doctor.machine)
        return self.tr("Looking at the machine")

    def _show_note(self) -> None:
        card, running = self._report.card, self.probe.is_running
        is_quiet = running or self._choice.current() != "methods"
        care = "" if card is None or is_quiet else self._care_words(card.warnings)
        self._care.setText(care)
        set_shown(self._care, bool(care))
        notice = self._report.notice if card is None and not running else ""
        self._note.show_note("warn", "", f"{notice.rstrip('.')}." if notice else "")

    def _care_words(self, warnings: Sequence[str]) -> str:
        if self._report.stale:
            return self.tr("No longer holds here: {0}").format("; ".join(self._report.stale))
        if warnings:
            return self.tr("To be read with care: {0}").format(_shortened(warnings))
        return ""


def measured_words(card: CardFacts) -> str:
    """Return when and with how many threads a card was measured."""
    moment = datetime.fromisoformat(card.measured)
    is_today = moment.astimezone().date() == datetime.now(UTC).astimezone().date()
    when = f"today {describe_time(moment)}" if is_today else describe_time(moment)
    threads = "1 thread" if card.threads == 1 else f"{card.threads} threads"
    return f"Measured {when}, {threads}"


def speed_rows(models: Sequence[ModelRecord], claims: Collection[str] = ()) -> list[ForestRow]:
    """Return the measured speed of each variant against the first teacher, with its verdict."""
    rows = []
    for row in compare(models, speed_claims=claims).rows:
        if row.is_baseline or row.speed is None:
            continue
        tone = verdict_look(row.verdict)[1]
        low, high = row.speed.interval
        rows.append(ForestRow(row.model, row.speed.ratio, low, high, tone, badge=row.verdict))
    return rows[:8]


def _shortened(warnings: Sequence[str]) -> str:
    """Return the first of some warnings, and how many more there are."""
    return f"{warnings[0]}, and {len(warnings) - 1} more" if len(warnings) > 1 else warnings[0]
