"""The shell: rail, pages, status bar; what happens when the window opens and closes."""

from __future__ import annotations

import functools
import importlib
from pathlib import Path

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QResizeEvent
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QHBoxLayout,
    QMainWindow,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from emostudio.gui import actions
from emostudio.gui.actions import Command
from emostudio.gui.dialogs import Question, guide_dialog, shortcuts_dialog
from emostudio.gui.interrupted import Interrupted
from emostudio.gui.page_list import SETTINGS, available_pages
from emostudio.gui.pages.base import Page
from emostudio.gui.rail import Rail
from emostudio.gui.recent import (
    last_folder,
    note_folder,
    note_workspace,
    window_state,
)
from emostudio.gui.status_bar import StatusBar
from emostudio.gui.status_link import StatusLink
from emostudio.gui.theme import theme
from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.focus_ring import FocusRing
from emostudio.gui.widgets.note import Note
from emostudio.qt.studio import Studio

_PRELOAD_MS = 400
_LEAST = QSize(1250, 680)
"""What every page fits into."""
_TITLE_BAR = 32

MODEL_SUFFIXES = {".caffemodel", ".onnx", ".pt", ".pth", ".safetensors"}


def least_size(screen: QSize) -> QSize:
    """Return the least size of the window; a screen with less room than the pages need bounds it.

    Parameters
    ----------
    screen
        What panels and task bars leave of it.
    """
    return _LEAST.boundedTo(screen - QSize(0, _TITLE_BAR))


class MainWindow(QMainWindow):
    """All pages of one workspace."""

    def __init__(self, studio: Studio) -> None:
        super().__init__()
        self.studio = studio
        self.setWindowTitle("EmoStudio")
        self.setWindowIcon(theme().icon("app_icon", "text", 64))
        self.setMinimumSize(least_size(self.screen().availableSize()))
        self.setAcceptDrops(True)
        self._pages: dict[str, Page] = {}
        self._may_close = False
        self.entries = available_pages()
        self.rail = Rail(self.entries, SETTINGS)
        self.stack = QStackedWidget()
        self.status = StatusBar()
        self.notice = Note(is_passing=True)
        self._interrupted = Interrupted(studio, self.notice, self)
        self._build()
        self.ring = FocusRing(self)
        self._known = {entry.key for entry in self.entries} | {SETTINGS.key}
        self.commands = self._commands()
        self.actions_by_id = actions.install(self, self.commands)
        self._connect()
        self._restore()
        note_workspace(studio.workspace.folder)
        last = str(window_state().value("page", "home", type=str))
        self.go(last if last in self._known else "home", None)

    @property
    def current(self) -> str:
        """Return the key of the page that is shown."""
        shown = self.stack.currentWidget()
        return next((key for key, page in self._pages.items() if page is shown), "")

    def page(self, key: str) -> Page:
        """Return a page, made on first use."""
        if key not in self._pages:
            module = importlib.import_module(f"emostudio.gui.pages.{key}")
            page: Page = getattr(module, f"{key.capitalize()}Page")(self.studio)
            page.go.connect(self.go)
            self._pages[key] = page
            self.stack.addWidget(page)
        return self._pages[key]

    def go(self, key: str, argument: object = None) -> None:
        """Show a page, or run a command by its id; `argument` says what it should show."""
        if key in self.actions_by_id and key not in self._known:
            self.actions_by_id[key].trigger()
            return
        # Buttons of the rail do not take the focus when they are clicked, those of pages do.
        clicked = QApplication.focusWidget()
        is_mouse = self.rail.underMouse() or (clicked is not None and clicked.underMouse())
        old = self._pages.get(self.current)
        page = self.page(key)
        if old is not None and old is not page:
            old.leave()
        self.stack.setCurrentWidget(page)
        self.rail.select(key)
        if argument is not None:
            page.open(argument)
        if is_mouse:
            self.ring.put_away()

    def start(self) -> None:
        """Begin the engine's part, once the window is on the screen."""
        lost = self.studio.start()
        # The first chart must not wait for it when the user asks for a page.
        QTimer.singleShot(_PRELOAD_MS, self, lambda: importlib.import_module("pyqtgraph"))
        self._interrupted.offer(lost)
        for text in self.studio.workspace.notices:
            self.notice.show_note("warn", text)

    def show_error(self, what: str) -> None:
        """Say on every page that something unexpected went wrong."""
        self.notice.show_note("bad", what)

    def import_paths(self, paths: list[str]) -> None:
        """Bring dropped or chosen files to the page that imports them."""
        if not paths:
            return
        suffix = Path(paths[0]).suffix.lower()
        self.go("models" if suffix in MODEL_SUFFIXES else "data", ("import", paths[0]))

    def browse(self) -> None:
        """Let the user choose a file to import."""
        chosen, _ = QFileDialog.getOpenFileName(
            self,
            self.tr("Import a model or a dataset"),
            last_folder(),
            self.tr(
                "Models and data (*.onnx *.pt *.pth *.safetensors *.caffemodel *.csv *.gz *.zip);;"
                "All (*)"
            ),
        )
        if chosen:
            note_folder(chosen)
            self.import_paths([chosen])

    def toggle_full_screen(self) -> None:
        """Fill the screen, or stop; a page that has its own full screen gets it."""
        own = getattr(self._pages.get(self.current), "toggle_full_screen", None)
        if own is not None:
            own()
        elif self.isFullScreen():
            self.showNormal()
        else:
            self.showFullScreen()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Widen the rail in wide windows."""
        super().resizeEvent(event)
        self.rail.set_wide(is_wide=self.width() >= SPACE.wide_from)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept files and folders."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Import what was dropped."""
        self.import_paths([url.toLocalFile() for url in event.mimeData().urls()])

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask while jobs run; else end all processes and keep the geometry."""
        if not self._may_close and not self.studio.queue.is_idle:
            event.ignore()
            self._ask_to_close()
            return
        for page in self._pages.values():
            page.leave()
        state = window_state()
        state.setValue("geometry", self.saveGeometry())
        state.setValue("page", self.current if self.current != "live" else "home")
        state.sync()
        self._interrupted.stop()
        QApplication.setOverrideCursor(Qt.CursorShape.WaitCursor)
        self.studio.close()
        QApplication.restoreOverrideCursor()
        super().closeEvent(event)

    def close_now(self) -> None:
        """Stop, save and close without asking, for a signal from the system."""
        self._may_close = True
        self.close()

    def _ask_to_close(self) -> None:
        count = len(self.studio.queue.waiting) + bool(self.studio.queue.current)
        title = (
            self.tr("One job is running") if count == 1 else self.tr("{0} jobs are in the queue")
        )
        Question(
            self,
            title.format(count),
            self.tr(
                "Stopping saves a checkpoint. At the next start you can resume from it; "
                "waiting jobs stay in the queue."
            ),
            (
                ("stay", self.tr("Keep working"), "default"),
                ("stop", self.tr("Stop, save and close"), "primary"),
            ),
            self._on_close_answer,
        ).open()

    def _on_close_answer(self, answer: str) -> None:
        if answer == "stop":
            self._may_close = True
            self.close()

    def _build(self) -> None:
        centre = QWidget()
        centre.setProperty("kind", "page")
        row = QHBoxLayout(centre)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.rail)
        column = QVBoxLayout()
        column.setSpacing(0)
        holder = QVBoxLayout()
        holder.setContentsMargins(SPACE.page, 0, SPACE.page, 0)
        holder.addWidget(self.notice)
        self.notice.hide()
        self.notice.setProperty("place", "top")
        column.addLayout(holder)
        column.addWidget(self.stack, 1)
        column.addWidget(self.status)
        row.addLayout(column, 1)
        self.setCentralWidget(centre)

    def _connect(self) -> None:
        self.rail.chosen.connect(lambda key: self.go(key, None))
        self.notice.acted.connect(self._resume_lost)
        studio = self.studio
        studio.settings_changed.connect(self._apply_settings)
        studio.engine_failed.connect(self.notice.show_error)
        studio.queue_held.connect(self._on_held)
        self._apply_settings()
        self._status_link = StatusLink(studio, self.status, self.rail.button("jobs"))

    def _commands(self) -> tuple[Command, ...]:
        pages = tuple(
            Command(entry.key, entry.text, (entry.digit,), functools.partial(self.go, entry.key))
            for entry in self.entries
        )
        return (
            *pages,
            Command("import", self.tr("Open or import"), ("Ctrl+O",), self.browse),
            Command("new", self.tr("New compression"), ("Ctrl+N",), self._new_compression),
            Command("settings", self.tr("Settings"), ("Ctrl+,",), lambda: self.go("settings")),
            Command("guide", self.tr("Guide"), ("F1",), lambda: guide_dialog(self).open()),
            Command(
                "shortcuts",
                self.tr("Shortcuts"),
                ("Ctrl+/",),
                lambda: shortcuts_dialog(self, self.commands).open(),
            ),
            Command("refresh", self.tr("Read the workspace again"), ("F5",), self._refresh),
            Command("full", self.tr("Full screen"), ("F11",), self.toggle_full_screen),
            Command("quit", self.tr("Quit"), ("Ctrl+Q",), self.close),
        )

    def _new_compression(self) -> None:
        if any(entry.key == "compress" for entry in self.entries):
            self.go("compress", None)

    def _refresh(self) -> None:
        page = self._pages.get(self.current)
        if page is not None:
            page.refresh()

    def _restore(self) -> None:
        geometry = window_state().value("geometry")
        if geometry is None or not self.restoreGeometry(geometry):
            self.resize(1280, 720)

    def _resume_lost(self) -> None:
        self.notice.hide()
        self._interrupted.resume()
        self.go("jobs", None)

    def _apply_settings(self) -> None:
        chosen = self.studio.settings()
        theme().choose(chosen.theme, chosen.text_scale, reduce_motion=chosen.reduce_motion)

    def _on_held(self, why: str) -> None:
        self.notice.show_note(
            "bad",
            self.tr("The queue is held."),
            self.tr("Three jobs in a row lost their process: {0}.").format(why),
        )


def open_window(studio: Studio) -> MainWindow:
    """Show the main window; the engine's part starts once it is painted."""
    window = MainWindow(studio)
    window.show()
    window.page(window.current).setFocus()
    QTimer.singleShot(50, window, window.start)
    return window
