"""Live: several variants judge the same frames, side by side."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QHideEvent, QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from emostudio.core.answers import LiveReport
from emostudio.core.events import Event, Failed, Note, Progress
from emostudio.core.jobs import LiveJob, QuickstartJob
from emostudio.gui.pages.base import Page
from emostudio.gui.pages.live_header import LiveHeader
from emostudio.gui.pages.live_notice import LiveNotice
from emostudio.gui.pages.live_panel import RacePanel, TimeCard
from emostudio.gui.pages.live_sources import cameras_of
from emostudio.gui.pages.live_stage import LiveStage, StageVariant
from emostudio.gui.theme import theme
from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.card import EmptyState
from emostudio.gui.widgets.names import short_name
from emostudio.qt.live_feed import Frame, LiveFeed
from emostudio.qt.studio import Studio
from emostudio.workspace.records import ModelRecord

MOST_VARIANTS = 4
"""Variants chosen at first; the user may choose more."""

LEAST_VARIANTS = 2
_PANEL = 312
_PANEL_WIDE = 520


class LivePage(Page):
    """The page; it stops the camera when it is left."""

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio, "")
        self._feed: LiveFeed | None = None
        self._screen: QWidget | None = None
        self._trouble = ""
        self._starts_when_read = False
        self._models: dict[str, ModelRecord] = {}
        self.controls = LiveHeader()
        self.notice = LiveNotice()
        self.empty = EmptyState(
            "live",
            self.tr("Live compares at least two models. Import or train a teacher, compress it, "
                    "and see both judge the same faces."),
            self.tr("Open models"),
            self.tr("Make some now: the quickstart trains and compresses, about 8 min"),
        )  # fmt: skip
        self.stage = LiveStage()
        self.time = TimeCard()
        self.panel = RacePanel()
        self._build()
        self._connect()
        self._load_catalogue()
        self._load_doctor()

    def _make_models(self) -> None:
        run = self.studio.submit(QuickstartJob(), self.tr("Quickstart"))
        self.go.emit("jobs", run)

    def open(self, argument: object) -> None:
        """Choose a model (name) or several, beside the teacher; ``start`` starts."""
        self.refresh()
        if argument == "start":
            self._starts_when_read = not self.studio.settings().live_notice_read
            self.start()
            return
        names = [argument] if isinstance(argument, str) else argument
        if not isinstance(names, tuple | list) or self._feed is not None:
            return
        wanted = [str(name) for name in names if str(name) in self._models]
        teachers = [model.name for model in self._models.values() if model.role == "teacher"]
        chosen = tuple(dict.fromkeys([*teachers[:1], *wanted]))
        if wanted and len(chosen) >= LEAST_VARIANTS:
            options = [(name, name) for name in self._models]
            self.controls.variants.set_options(options, chosen, LEAST_VARIANTS)
            self._show_variants()

    def refresh(self) -> None:
        """Read the models again."""
        self._load_models()

    def leave(self) -> None:
        """Stop the camera."""
        self.stop()

    def start(self) -> None:
        """Start the live view with what is chosen."""
        variants = self._chosen()
        if self._feed is not None or self._why_not():
            return
        self.note.show_note("info", "")
        self._trouble = ""
        source = self.controls.chosen_source()
        detector, file = self.controls.chosen_detector()
        job = LiveJob(
            source=source.argument,
            detector=detector,
            detector_file=file,
            variants=tuple(variant.model for variant in variants),
        )
        self._show_variants()
        feed = self.studio.start_live(job)
        self._feed = feed
        feed.frame_arrived.connect(self._on_frame)
        feed.counters_changed.connect(self._on_report)
        feed.noted.connect(self._on_note)
        feed.ended.connect(self._on_ended)
        self.stage.start()
        self.controls.show_running(running=True, camera=source.is_camera)

    def stop(self) -> None:
        """Stop the live view; the camera is dark within a second."""
        if self._feed is not None:
            self._feed.stop()

    @property
    def is_running(self) -> bool:
        """Whether a live view runs."""
        return self._feed is not None

    def toggle_full_screen(self) -> None:
        """Show only the tiles on the whole screen, or go back."""
        if self._screen is not None:
            self._leave_full_screen()
            return
        screen = _FullScreen()
        screen.left.connect(self._leave_full_screen)
        layout = QVBoxLayout(screen)
        layout.setContentsMargins(SPACE.s, SPACE.s, SPACE.s, SPACE.s)
        layout.addWidget(self.stage)
        self._screen = screen
        screen.showFullScreen()

    def hideEvent(self, event: QHideEvent) -> None:
        """Stop the camera when another page is shown."""
        super().hideEvent(event)
        if not event.spontaneous():
            self.stop()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the numbers more room in wide windows."""
        super().resizeEvent(event)
        self._fit_panel()

    def _fit_panel(self) -> None:
        is_wide = self.window().width() >= SPACE.wide_from
        self.panel.setFixedWidth(theme().side_width(_PANEL_WIDE if is_wide else _PANEL))

    def _build(self) -> None:
        column = self.layout()
        if column is not None:
            column.replaceWidget(self.header, self.controls)
        self.header.deleteLater()
        self.header = self.controls
        self.body.setSpacing(SPACE.s)
        theme().changed.connect(self._fit_panel)
        self._stack = QStackedWidget()
        self._view = QWidget()
        self._view.setProperty("kind", "plain")
        row = QHBoxLayout(self._view)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACE.m)
        self._left = QVBoxLayout()
        self._left.setSpacing(SPACE.s)
        self._left.addWidget(self.stage, 1)
        self._left.addWidget(self.time)
        row.addLayout(self._left, 1)
        row.addWidget(self.panel)
        for widget in (self.notice, self.empty, self._view):
            self._stack.addWidget(widget)
        self.body.addWidget(self._stack, 1)

    def _connect(self) -> None:
        self.controls.start_clicked.connect(self.start)
        self.controls.stop_clicked.connect(self.stop)
        self.controls.full_screen_clicked.connect(self.toggle_full_screen)
        self.controls.variants.chosen.connect(self._show_variants)
        self.notice.accepted.connect(self._on_notice_read)
        self.empty.acted.connect(lambda: self.go.emit("models", None))
        self.empty.link_clicked.connect(self._make_models)
        self.studio.models_changed.connect(self.mark_stale)
        self.studio.catalogue_ready.connect(self._load_catalogue)
        self.studio.doctor_ready.connect(self._load_doctor)
        self.studio.settings_changed.connect(self._show_state)
        key = QShortcut(QKeySequence(Qt.Key.Key_F11), self)
        key.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        key.activated.connect(self.toggle_full_screen)

    def _load_models(self, keep: str = "") -> None:
        if self._feed is not None:
            return
        models = self.studio.workspace.models()
        chosen = [name for name in self.controls.variants.checked() if name in self._models]
        self._models = {model.name: model for model in models}
        chosen = [name for name in chosen if name in self._models]
        for model in models:
            if len(chosen) >= min(MOST_VARIANTS, len(models)):
                break
            if model.name not in chosen:
                chosen.append(model.name)
        options = [(model.name, model.name) for model in models]
        self.controls.variants.set_options(options, chosen, LEAST_VARIANTS)
        self._show_variants(message=keep)

    def _load_catalogue(self) -> None:
        if self.studio.catalogue is not None:
            self.controls.set_detectors(self.studio.catalogue.detectors)

    def _load_doctor(self) -> None:
        if self._feed is None:
            self.controls.set_cameras(cameras_of(self.studio.doctor))

    def _chosen(self) -> list[StageVariant]:
        # The first variant is the one that others are compared with: a teacher where there is one.
        models = [self._models[name] for name in self.controls.variants.checked()]
        models.sort(key=lambda model: model.role != "teacher")
        first = models[0].name if models else ""
        return [
            StageVariant(m.name, m.slot, tuple(m.info.labels), short_name(m.name, first))
            for m in models
        ]

    def _show_variants(self, _checked: object = None, message: str = "") -> None:
        variants = self._chosen()
        for part in (self.stage, self.panel, self.time):
            part.set_variants(variants)
        count = len(variants)
        self.controls.variants.set_text(self.tr("{0} variants").format(count))
        if self._feed is None:
            self.stage.stop(message or self.tr("Not started"))
        self._show_state()

    def _why_not(self) -> str:
        if not self.studio.settings().live_notice_read:
            return self.tr("Read the notice first")
        if len(self._chosen()) < LEAST_VARIANTS:
            return self.tr("Choose at least two models")
        return ""

    def _show_state(self) -> None:
        reason = self._why_not()
        self.controls.start.setEnabled(not reason)
        self.controls.start.setToolTip(reason)
        self.controls.facts.setText("" if self._feed is not None else reason)
        if not self.studio.settings().live_notice_read:
            self._stack.setCurrentWidget(self.notice)
        elif len(self._models) < LEAST_VARIANTS:
            self._stack.setCurrentWidget(self.empty)
        else:
            self._stack.setCurrentWidget(self._view)

    def _on_notice_read(self) -> None:
        settings = self.studio.settings()
        self.studio.save_settings(settings.model_copy(update={"live_notice_read": True}))
        self._show_state()
        self.controls.start.setFocus(Qt.FocusReason.OtherFocusReason)
        if self._starts_when_read:
            self._starts_when_read = False
            self.start()

    def _on_frame(self, frame: Frame) -> None:
        self.stage.show_frame(frame)

    def _on_report(self, report: LiveReport) -> None:
        self.stage.show_report(report)
        self.panel.show_report(report)
        self.time.show_report(report)
        if report.message != self._trouble:
            self._trouble = report.message
            self.note.show_note("warn", _sentence(report.message) if report.message else "")

    def _on_note(self, event: Note | Progress) -> None:
        if isinstance(event, Progress):
            if event.message:
                self.stage.wait(event.message)
            return
        tone: Literal["info", "warn"] = "info" if event.level == "info" else "warn"
        rest = " ".join(f"{part.rstrip('.')}." for part in (event.why, event.next_step) if part)
        # The tiles need the room: what only informs is one line here and whole in the tooltip.
        shown = f"{rest.partition('. ')[0].rstrip('.')}." if tone == "info" and rest else rest
        self.note.show_note(tone, f"{event.what.rstrip('.')}.", shown)
        self.note.setToolTip(rest)

    def _on_ended(self, event: Event) -> None:
        self._feed = None
        self.controls.show_running(running=False, camera=False)
        self.stage.stop(self.tr("Stopped"))
        if isinstance(event, Failed):
            self.note.show_error(event)
        self._load_models(keep=self.tr("Stopped"))

    def _leave_full_screen(self) -> None:
        screen, self._screen = self._screen, None
        if screen is None:
            return
        self._left.insertWidget(0, self.stage, 1)
        self.stage.show()
        screen.hide()
        screen.deleteLater()


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}".rstrip(".") + "."


class _FullScreen(QWidget):
    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "page")
        self.setWindowTitle(self.tr("EmoStudio live"))
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        for sequence in (Qt.Key.Key_Escape, Qt.Key.Key_F11):
            key = QShortcut(QKeySequence(sequence), self)
            key.activated.connect(self.left)
