"""Asks which pictures the compared variants judge otherwise than the baseline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from emostudio.core.comparing import ChangesReport
from emostudio.core.events import Failed
from emostudio.core.jobs import ChangesJob
from emostudio.qt.studio import Studio
from emostudio.workspace.charts.material import Material

Answered = Callable[[Callable[[], Material]], None]


class ChangesQuestion:
    """One question about one comparison; an answer that comes too late is dropped.

    Parameters
    ----------
    show
        Told how to get the material, with the changes where they are known.
    """

    def __init__(self, studio: Studio, show: Answered) -> None:
        self._studio = studio
        self._show = show
        self._asked: Callable[[], Material] | None = None

    def forget(self) -> None:
        """Another comparison is shown: what was asked does not matter any more."""
        self._asked = None

    def ask(self, material: Callable[[], Material]) -> None:
        """Ask about a comparison; a refusal leaves the chart saying what to measure."""
        found = material().comparison
        names = tuple(row.model for row in found.rows)
        self._asked = material
        if len(names) < 2 or not found.dataset:
            self._show(material)
            return

        def on_answer(answer: dict[str, Any]) -> None:
            if self._asked is material:
                report = ChangesReport.model_validate(answer)
                shown = replace(material(), changes=report.changes)
                self._show(lambda: shown)

        def on_error(failed: Failed) -> None:
            del failed  # the chart itself says what is missing
            if self._asked is material:
                self._show(material)

        job = ChangesJob(models=names, data=found.dataset, split=found.split)
        self._studio.ask(job, on_answer, on_error)
