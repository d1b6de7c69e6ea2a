"""The window's composition root: builds workspace, studio and window, and joins them."""

from __future__ import annotations

import faulthandler
import logging
import signal
import sys
import traceback
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO

from PySide6.QtCore import QMessageLogContext, QTimer, QtMsgType, qInstallMessageHandler
from PySide6.QtWidgets import QApplication

from emostudio.core.errors import EmoStudioError
from emostudio.core.paths import default_workspace, state_folder
from emostudio.gui.main_window import MainWindow, open_window
from emostudio.gui.theme import theme
from emostudio.qt.studio import Studio
from emostudio.workspace.store import Workspace

_LOG = logging.getLogger("emostudio")
_SIGNAL_MS = 300


def main(workspace: Path | None = None) -> int:
    """Open the window on a workspace and stay until it is closed; returns the exit code.

    Raises
    ------
    EmoStudioError
        If the workspace cannot be opened.
    """
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        app = QApplication(sys.argv[:1])
    app.setApplicationName("EmoStudio")
    app.setDesktopFileName("org.emostudio.EmoStudio")
    crash_log = _install_logs()
    theme().install(app)
    studio = Studio(Workspace.open(workspace or default_workspace()))
    window = open_window(studio)
    _install_error_hooks(window)
    timer = _close_on_signals(window)
    code = app.exec()
    timer.stop()
    studio.workspace.close()
    faulthandler.disable()
    crash_log.close()
    return code


def _install_logs() -> IO[str]:
    folder = state_folder()
    folder.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(
        folder / "emostudio.log", maxBytes=1_000_000, backupCount=2, encoding="utf-8"
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    _LOG.addHandler(handler)
    _LOG.setLevel(logging.INFO)
    qInstallMessageHandler(_log_qt)
    crash_log = (folder / "crash.log").open("a", encoding="utf-8")
    faulthandler.enable(crash_log)
    return crash_log


def _log_qt(kind: QtMsgType, context: QMessageLogContext, text: str | None) -> None:
    del context
    is_bad = kind in {QtMsgType.QtCriticalMsg, QtMsgType.QtFatalMsg}
    _LOG.log(logging.ERROR if is_bad else logging.INFO, "Qt: %s", text)


def _install_error_hooks(window: MainWindow) -> None:
    def on_error(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        _LOG.error("Unexpected: %s", "".join(traceback.format_exception(kind, error, trace)))
        if isinstance(error, EmoStudioError):
            window.notice.show_error(error)
        elif isinstance(error, KeyboardInterrupt):
            window.close_now()
        else:
            window.show_error(f"Something went wrong: {error}. Details are in {state_folder()}.")

    sys.excepthook = on_error


def _close_on_signals(window: MainWindow) -> QTimer:
    def close(number: int, frame: FrameType | None) -> None:
        del number, frame
        window.close_now()

    signal.signal(signal.SIGTERM, close)
    signal.signal(signal.SIGINT, close)
    # Python runs signal handlers only when it runs at all: an idle event loop would not.
    timer = QTimer(window)
    timer.timeout.connect(lambda: None)
    timer.start(_SIGNAL_MS)
    return timer


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else None))
