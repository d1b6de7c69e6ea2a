"""Home: see it live, start something, what runs, what pays off on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout

from emostudio.core.answers import DataReport
from emostudio.core.events import Failed
from emostudio.core.jobs import InspectDataJob, JobStatus
from emostudio.core.units import format_duration
from emostudio.gui.pages.base import Page
from emostudio.gui.pages.home_cards import ActionCard
from emostudio.gui.pages.home_machine import MachineCard
from emostudio.gui.pages.home_probing import Probing
from emostudio.gui.pages.jobs_rows import describe_time
from emostudio.gui.recent import recent_workspaces
from emostudio.gui.theme import theme
from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.buttons import Segmented, button
from emostudio.gui.widgets.card import Card, clear, plain, scrolled
from emostudio.gui.widgets.labels import label
from emostudio.gui.widgets.link_row import LinkRow
from emostudio.gui.widgets.live_preview import LivePreview, PreviewTime
from emostudio.gui.widgets.progress import ProgressRow
from emostudio.qt.studio import Studio
from emostudio.workspace.claims import speed_claims
from emostudio.workspace.records import RunRecord

_MOST_RECENT = 4
_CARD_HEIGHT = 200
_ICONS = {
    "compress": "compress",
    "train": "models",
    "import_data": "data",
    "bench": "compare",
    "probe": "chip",
}


class HomePage(Page):
    """Where everybody starts."""

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio, "Home")
        self._runs: list[RunRecord] = []
        self.header.add_action(
            button(self.tr("Guide"), "ghost", "info", lambda: self.go.emit("guide", None))
        )
        self.header.add_action(
            button(self.tr("Shortcuts"), "ghost", on_click=lambda: self.go.emit("shortcuts", None))
        )
        content = plain()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE.m)
        column.addLayout(self._actions())
        lower = QHBoxLayout()
        lower.setSpacing(SPACE.m)
        left = QVBoxLayout()
        left.setSpacing(SPACE.m)
        left.addWidget(self._running_card())
        left.addWidget(self._recent_card(), 1)
        lower.addLayout(left, 2)
        self.machine = MachineCard()
        self.machine.check_again.connect(studio.ask_doctor)
        self.probing = Probing(studio, self.machine, self.note, self)
        lower.addWidget(self.machine, 3)
        column.addLayout(lower, 1)
        self.body.addWidget(scrolled(content), 1)
        self._preview_asked = False
        self.setFocusProxy(self.live.button)
        studio.runs_changed.connect(self.mark_stale)
        studio.models_changed.connect(self.mark_stale)
        studio.doctor_ready.connect(self._show_machine)
        studio.catalogue_ready.connect(self.probing.ask)
        studio.catalogue_ready.connect(self._ask_preview)
        studio.catalogue_ready.connect(self.mark_stale)  # the claims decide some verdicts

    def refresh(self) -> None:
        """Read runs and models again."""
        runs = self.studio.workspace.runs()
        models = self.studio.workspace.models()
        self._show_running(runs)
        self.probing.follow(runs)
        self._runs = runs
        self._show_recent()
        catalogue = self.studio.catalogue
        claims = speed_claims(catalogue.methods) if catalogue else frozenset()
        self.machine.show_measurements(models, claims)
        self._show_machine()
        timed = [
            PreviewTime(model.name, result.engine, result.latency_ms.p50, model.slot)
            for model in models
            if model.benches and (result := model.benches[0].result).latency_ms is not None
        ]
        self.preview.show_times(timed[:4])
        if self.studio.catalogue is not None:
            self.probing.ask()
            self._ask_preview()

    def _actions(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(SPACE.m)
        self.live = ActionCard(
            "live",
            self.tr("See it on live faces"),
            self.tr(
                "All variants judge the same frame. Starts with the synthetic camera; "
                "yours stays off until you pick it."
            ),
            self.tr("Start live demo"),
            "Enter",
            "primary",
        )
        self.preview = LivePreview()
        self.live.row.addWidget(self.preview, 2)
        self.live.acted.connect(lambda: self.go.emit("live", "start"))
        self.compress = ActionCard(
            "compress",
            self.tr("New compression"),
            self.tr("Pick a teacher, stack methods. Size and speed ceiling are shown first."),
            self.tr("Choose a teacher"),
            "Ctrl+N",
        )
        self.compress.acted.connect(lambda: self.go.emit("compress", None))
        self.load = ActionCard(
            "import",
            self.tr("Open or import"),
            self.tr("ONNX, safetensors or PyTorch model, or a dataset. Or drop it here."),
            self.tr("Browse files"),
            "Ctrl+O",
        )
        self.load.acted.connect(lambda: self.go.emit("import", None))
        for card, share in ((self.live, 60), (self.compress, 25), (self.load, 25)):
            row.addWidget(card, share)
        theme().changed.connect(self._fit_cards)
        self._fit_cards()
        return row

    def _fit_cards(self) -> None:
        for card in (self.live, self.compress, self.load):
            card.setFixedHeight(round(_CARD_HEIGHT * theme().scale))

    def _running_card(self) -> Card:
        self._running = Card(self.tr("Running"))
        return self._running

    def _recent_card(self) -> Card:
        card = Card(self.tr("Recent"))
        self._recent_kind = Segmented(
            (("runs", self.tr("Runs")), ("workspaces", self.tr("Workspaces")))
        )
        self._recent_kind.chosen.connect(lambda _key: self._show_recent())
        card.add_action(self._recent_kind)
        self._recent = QVBoxLayout()
        self._recent.setSpacing(2)
        card.body.addLayout(self._recent)
        card.body.addStretch(1)
        return card

    def _show_running(self, runs: list[RunRecord]) -> None:
        active = [run for run in runs if run.status in {JobStatus.RUNNING, JobStatus.PAUSED}]
        waiting = sum(run.status == JobStatus.QUEUED for run in runs)
        self._running.set_state(
            self.tr("{0} running, {1} waiting").format(len(active), waiting)
            if active or waiting
            else ""
        )
        clear(self._running.body)
        for run in active[:2]:
            row = ProgressRow(with_icon=False)
            left = format_duration(run.seconds_left) if run.seconds_left else ""
            right = self.tr("{0} left").format(left) if left else ""
            row.show_progress(run.title, run.fraction, run.message or self.tr("Starting"), right)
            self._running.body.addWidget(row)
        if not active:
            text = self.tr("Nothing runs. What you start keeps going while you look around.")
            self._running.body.addWidget(label(text, "small", "text3", wrap=True))

    def _show_recent(self) -> None:
        clear(self._recent)
        if self._recent_kind.current() == "runs":
            self._show_recent_runs()
        else:
            self._show_recent_workspaces()

    def _show_recent_runs(self) -> None:
        for run in self._runs[:_MOST_RECENT]:
            words = {JobStatus.DONE: self.tr("Done"), JobStatus.LOST: self.tr("Interrupted")}
            detail = words.get(run.status, run.status.value.capitalize())
            tone = "bad" if run.status == JobStatus.FAILED else "text2"
            if run.status == JobStatus.FAILED and run.error:
                detail = run.error
            icon = _ICONS.get(run.kind, "jobs")
            row = LinkRow(icon, run.title, detail, describe_time(run.created), tone)
            row.clicked.connect(lambda _=False, run_id=run.id: self.go.emit("jobs", run_id))
            self._recent.addWidget(row)
        if not self._runs:
            text = self.tr("No run yet. Bring data and a teacher, then compress it.")
            self._recent.addWidget(label(text, "small", "text3", wrap=True))
            bring = button(self.tr("Bring data"), "link")
            bring.clicked.connect(lambda: self.go.emit("data", None))
            self._recent.addWidget(bring, 0, Qt.AlignmentFlag.AlignLeft)

    def _show_recent_workspaces(self) -> None:
        here = self.studio.workspace.folder
        for folder, opened in recent_workspaces()[:_MOST_RECENT]:
            is_gone = not folder.is_dir()
            detail = self.tr("Folder not found") if is_gone else str(folder)
            right = self.tr("Open now") if folder == here else describe_time(opened)
            tone = "bad" if is_gone else "text2"
            row = LinkRow("folder", folder.name, detail, right, tone)
            row.setEnabled(not is_gone and folder != here)
            row.clicked.connect(lambda _=False, path=folder: self._open_workspace(path))
            self._recent.addWidget(row)

    def _open_workspace(self, folder: Path) -> None:
        if not self.studio.open_window(folder):
            self.note.show_note("bad", self.tr("The workspace could not be opened."), str(folder))

    def _show_machine(self) -> None:
        if self.studio.doctor is not None:
            self.machine.show_machine(self.studio.doctor)

    def _ask_preview(self) -> None:
        if self._preview_asked:
            return
        self._preview_asked = True
        job = InspectDataJob(
            path="synthetic", settings={"identities": 4, "size": 96, "cameras": ["090"]},
            thumbnails=12,
        )  # fmt: skip
        # Behind the questions a user may have asked meanwhile.
        QTimer.singleShot(200, self, lambda: self.studio.ask(job, self._on_preview, _ignore))

    def _on_preview(self, answer: dict[str, Any]) -> None:
        report = DataReport.model_validate(answer)
        by_emotion = {face.emotion: face for face in report.thumbnails}
        chosen = [by_emotion[key] for key in ("happiness", "surprise") if key in by_emotion]
        self.preview.show_faces((chosen + list(report.thumbnails))[:2])


def _ignore(failed: Failed) -> None:
    """Leave the picture empty: it is decoration."""
    del failed
