"""Jobs: the queue, live curves, and what can be done with a run."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout

from emostudio.core.jobs import JobStatus
from emostudio.gui.pages.base import Page
from emostudio.gui.pages.jobs_charts import DrawnRun, ErrorCard, SmallCharts
from emostudio.gui.pages.jobs_details import LayersCard, LedgerCard
from emostudio.gui.pages.jobs_facts import FactsCard, RunNote, facts_line
from emostudio.gui.pages.jobs_rows import run_items
from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.buttons import Segmented, button
from emostudio.gui.widgets.card import Card, EmptyState, plain
from emostudio.gui.widgets.labels import label, set_shown
from emostudio.gui.widgets.log_view import LogView
from emostudio.gui.widgets.run_list import RunList
from emostudio.qt.run_history import RunHistory
from emostudio.qt.studio import Studio
from emostudio.workspace.records import RunRecord

DRAW_MS = 100
_MOST_HISTORIES = 24
_SLOW_TICKS = 5
_LOG_BYTES = 200_000
_TRAINING = frozenset({"train", "compress", "ablate", "quickstart", "paper"})
"""Kinds of runs that have curves, layers and steps to show; of the others the log is all."""


class JobsPage(Page):
    """One list of runs; the chosen one in detail, others laid over it."""

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio, "Jobs")
        self._runs: dict[str, RunRecord] = {}
        self._slots: dict[str, int] = {}
        self._histories: dict[str, RunHistory] = {}
        self._ticks = 0
        self._has_news = False
        self._build_header()
        self._build_body()
        self._timer = QTimer(self)
        self._timer.setInterval(DRAW_MS)
        self._timer.timeout.connect(self._drain)
        studio.runs_changed.connect(self.mark_stale)
        studio.models_changed.connect(self.mark_stale)

    def open(self, argument: object) -> None:
        """Show a run by id."""
        self.refresh()
        self.list.choose([str(argument)])
        self._show_chosen()

    def refresh(self) -> None:
        """Read the runs again."""
        runs = self.studio.workspace.runs()
        self._runs = {run.id: run for run in runs}
        self._find_slots()
        queue = self.studio.queue
        only_failed = self._filter.current() == "failed"
        self.list.set_items(
            run_items(runs, self._slots, queue.current, queue.waiting, only_failed=only_failed)
        )
        running = sum(run.status in {JobStatus.RUNNING, JobStatus.PAUSED} for run in runs)
        self._queue_card.set_state(
            self.tr("{0} running").format(running) if running else "", "text2"
        )
        self._views.setCurrentIndex(1 if runs else 0)
        if not self.list.chosen_ids() and runs:
            self.list.choose([queue.current or runs[0].id])
        self._show_chosen()
        self._timer.start()

    def leave(self) -> None:
        """Stop drawing."""
        self._timer.stop()

    def _build_header(self) -> None:
        self.view = Segmented(
            (
                ("curves", self.tr("Curves")),
                ("layers", self.tr("Layers")),
                ("steps", self.tr("Steps")),
                ("log", self.tr("Log")),
            )
        )
        self.view.chosen.connect(lambda _key: self._show_view())
        self.duplicate_button = button(self.tr("Duplicate"), icon="copy", on_click=self._duplicate)
        self.cancel_button = button(
            self.tr("Cancel and keep checkpoint"), icon="stop", on_click=self._cancel
        )
        self.pause_button = button(self.tr("Pause"), icon="pause", on_click=self._pause)
        self.resume_button = button(self.tr("Resume"), "primary", "play", self._resume)
        for made in (
            self.view,
            self.duplicate_button,
            self.cancel_button,
            self.pause_button,
            self.resume_button,
        ):
            self.header.add_action(made)

    def _build_body(self) -> None:
        self._views = QStackedWidget()
        empty = EmptyState(
            "jobs",
            self.tr("No job has run yet. Start a compression, or import data first."),
            self.tr("New compression"),
            self.tr("Bring data"),
        )
        empty.acted.connect(lambda: self.go.emit("compress", None))
        empty.link_clicked.connect(lambda: self.go.emit("data", None))
        self._views.addWidget(empty)
        content = plain()
        row = QHBoxLayout(content)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACE.m)
        row.addWidget(self._queue(), 0)
        right = QVBoxLayout()
        right.setSpacing(SPACE.m)
        self._facts, self.run_note = FactsCard(), RunNote()
        right.addWidget(self._facts)
        right.addWidget(self.run_note)
        self.chart = ErrorCard()
        self.small = SmallCharts()
        self.small.setFixedHeight(140)
        self.log = LogView()
        self.layers, self.ledger = LayersCard(), LedgerCard()
        for part in (self.chart, self.layers, self.ledger, self.log):
            right.addWidget(part, 1)
        right.addWidget(self.small)
        self._show_view()
        row.addLayout(right, 1)
        self._views.addWidget(content)
        self.body.addWidget(self._views, 1)

    def _queue(self) -> Card:
        self._queue_card = Card(self.tr("Queue"))
        self._queue_card.setFixedWidth(308)
        self._filter = Segmented((("all", self.tr("All")), ("failed", self.tr("Ended early"))))
        self._filter.chosen.connect(lambda _key: self.refresh())
        self._queue_card.add_action(self._filter)
        self.list = RunList()
        self.list.chosen.connect(lambda _ids: self._show_chosen())
        self._queue_card.body.addWidget(self.list, 1)
        hint = self.tr("Ctrl+click lays several runs over each other")
        self._queue_card.body.addWidget(label(hint, "caption", "text3", wrap=True))
        return self._queue_card

    def _find_slots(self) -> None:
        models = {model.name: model.slot for model in self.studio.workspace.models()}
        used = max(models.values(), default=-1)
        for run in sorted(self._runs.values(), key=lambda run: run.created):
            if run.kind not in _TRAINING:
                continue
            known = [models[name] for name in run.models if name in models]
            if known:
                self._slots[run.id] = known[0]
            elif run.id not in self._slots:
                used += 1
                self._slots[run.id] = used

    def _chosen(self) -> list[RunRecord]:
        return [self._runs[run_id] for run_id in self.list.chosen_ids() if run_id in self._runs]

    def _has_curves(self) -> bool:
        runs = self._chosen()
        return not runs or any(run.kind in _TRAINING and self._may_draw(run.id) for run in runs)

    def _may_draw(self, run_id: str) -> bool:
        history = self._histories.get(run_id)
        return history is None or not history.has_nothing_to_draw()

    def _show_chosen(self) -> None:
        chosen = self._chosen()
        first = chosen[0] if chosen else None
        self.header.set_name(first.title if first else "")
        self._show_actions(first)
        if first is None:
            self.header.set_facts("")
            self._show_view()
            return
        self.header.set_facts(facts_line(first))
        for run in chosen:
            if run.id not in self._histories:
                self._histories[run.id] = RunHistory(self.studio.workspace, run.id)
        while len(self._histories) > _MOST_HISTORIES:
            stale = next(key for key in self._histories if key not in {run.id for run in chosen})
            del self._histories[stale]
        drawn = [DrawnRun(run.id, run.title, self._slots.get(run.id, 8)) for run in chosen]
        self.chart.show_runs(drawn, self._histories)
        self.small.show_run(drawn[0], self._histories[first.id])
        self._show_facts(first)
        self._show_view()

    def _drain(self) -> None:
        chosen = self._chosen()
        if not chosen or not self.isVisible():
            return
        self._ticks += 1
        # A list, not a generator: every run has to be read, not only up to the first with news.
        if any([self._histories[run.id].read() for run in chosen]):  # noqa: C419 - see above
            self._has_news = True
            self.chart.update_if_longer()
        # Three small charts and a row of figures can wait: eyes read them twice a second at most.
        if self._has_news and self._ticks % _SLOW_TICKS == 0:
            self._has_news = False
            first = chosen[0]
            drawn = DrawnRun(first.id, first.title, self._slots.get(first.id, 8))
            self.small.show_run(drawn, self._histories[first.id])
            self._show_facts(first)
            set_shown(self.view, self._has_curves())
            self._show_view()

    def _show_actions(self, run: RunRecord | None) -> None:
        is_current = run is not None and run.id == self.studio.queue.current
        is_waiting = run is not None and run.id in self.studio.queue.waiting
        is_paused = is_current and self.studio.queue.is_paused
        set_shown(self.view, run is not None and self._has_curves())
        set_shown(self.duplicate_button, run is not None)
        set_shown(self.cancel_button, is_current or is_waiting)
        set_shown(self.pause_button, is_current and not is_paused)
        can_resume = run is not None and (run.can_resume or run.status == JobStatus.QUEUED)
        set_shown(
            self.resume_button, is_paused or (can_resume and not is_current and not is_waiting)
        )

    def _show_facts(self, run: RunRecord) -> None:
        history = self._histories[run.id]
        self._facts.show_run(run, history)
        self.layers.show_run(DrawnRun(run.id, run.title, self._slots.get(run.id, 8)), history)
        catalogue = self.studio.catalogue
        titles = [(entry.key, entry.title) for entry in catalogue.methods] if catalogue else []
        self.ledger.show_run(history, titles)
        self.run_note.show_run(run, history)

    def _show_view(self) -> None:
        has_curves = self._has_curves()
        chosen = self.view.current() if has_curves else "log"
        for key, part in (
            ("curves", self.chart),
            ("curves", self.small),
            ("layers", self.layers),
            ("steps", self.ledger),
            ("log", self.log),
        ):
            set_shown(part, key == chosen)
        self._show_log()

    def _show_log(self) -> None:
        runs = self._chosen()
        if runs and not self.log.isHidden():
            self.log.show_log(runs[0].id, self.studio.workspace.log(runs[0].id, _LOG_BYTES))

    def _duplicate(self) -> None:
        for run in self._chosen()[:1]:
            self._choose_new(self.studio.submit(run.job, self.tr("{0}, again").format(run.title)))

    def _choose_new(self, run_id: str) -> None:
        self.refresh()
        self.list.choose([run_id])
        self._show_chosen()

    def _cancel(self) -> None:
        for run in self._chosen()[:1]:
            self.studio.cancel(run.id)
            self.cancel_button.setText(self.tr("Stopping"))
            QTimer.singleShot(
                2_000,
                self,
                lambda: self.cancel_button.setText(self.tr("Cancel and keep checkpoint")),
            )

    def _pause(self) -> None:
        for run in self._chosen()[:1]:
            self.studio.pause(run.id)
        self.refresh()

    def _resume(self) -> None:
        for run in self._chosen()[:1]:
            self.studio.resume(run.id)
        self.refresh()
