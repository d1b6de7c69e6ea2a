"""Queues the measurements that the Compare page asks for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QCoreApplication, QObject, Signal
from PySide6.QtWidgets import QMenu, QWidget

from emostudio.core.jobs import BenchJob, EvaluateJob, ProfileJob
from emostudio.gui.theme import theme
from emostudio.qt.studio import Studio

SYNTHETIC = "synthetic"


def model_count(count: int) -> str:
    """Return "1 model" or "3 models"."""
    if count == 1:
        return QCoreApplication.translate("ComparePage", "1 model")
    return QCoreApplication.translate("ComparePage", "{0} models").format(count)


class Measuring(QObject):
    """Submits jobs and says so.

    Signals
    -------
    queued
        What was queued, and what it will bring; two sentences.
    """

    queued = Signal(str, str)

    def __init__(self, studio: Studio, parent: QWidget) -> None:
        super().__init__(parent)
        self._studio = studio
        self._window = parent

    def menu(self, names: Sequence[str]) -> QMenu:
        """Return on which images the accuracy of these models can be measured."""
        menu = QMenu(self._window)
        theme().set_font(menu, "body")
        known = [dataset.name for dataset in self._studio.workspace.datasets()]
        titles = [*((name, name) for name in known), (SYNTHETIC, self.tr("synthetic faces"))]
        for data, title in titles:
            words = self.tr("Accuracy on {0}, and speed").format(title)
            menu.addAction(words, partial(self.measure, names, data))
        menu.addSeparator()
        menu.addAction(self.tr("Speed only"), partial(self.measure, names, ""))
        return menu

    def measure(self, names: Sequence[str], data: str) -> None:
        """Queue accuracy on `data`, unless it is empty, and speed."""
        if not names:
            return
        if data:
            self._studio.submit(EvaluateJob(models=tuple(names), data=data))
        self._studio.submit(BenchJob(models=tuple(names), threads=self._threads()))
        self._say(self.tr("Measuring {0}.").format(model_count(len(names))))

    def settle(self, names: Sequence[str], blocks: int) -> None:
        """Queue just as much timing as would settle the undecided points."""
        self._studio.submit(BenchJob(models=tuple(names), threads=self._threads(), blocks=blocks))
        words = self.tr("Timing {0} for {1} blocks.").format(model_count(len(names)), blocks)
        self._say(words, self.tr("That should settle the undecided points."))

    def profile(self, names: Sequence[str]) -> None:
        """Queue timing the layers of these models."""
        self._studio.submit(ProfileJob(models=tuple(names), threads=self._threads()))
        self._say(self.tr("Timing the layers of {0}.").format(names[-1]))

    def _threads(self) -> int:
        return self._studio.settings().threads or 1

    def _say(self, words: str, then: str = "") -> None:
        then = then or self.tr("The numbers appear here when the jobs are done.")
        self.queued.emit(words, then)
