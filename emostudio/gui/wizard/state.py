"""The wizard between its widgets and the engine: predictions, autosave, refused moves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError
from PySide6.QtCore import QObject, QTimer, Signal

from emostudio.core.answers import CatalogueEntry, PlanReport
from emostudio.core.errors import EmoStudioError
from emostudio.core.events import Failed
from emostudio.core.jobs import PlanJob
from emostudio.core.recipe import Recipe
from emostudio.qt.studio import Studio
from emostudio.workspace.wizard_flow import (
    Draft,
    WizardFlow,
    discard_draft,
    load_draft,
    save_draft,
)

PLAN_AFTER_MS = 300
SAVE_AFTER_MS = 1_000
GLANCE_S = 3.0
"""Seconds that a prediction may spend on timing layers that nobody asked to measure."""
MEASURE_S = 60.0


class WizardState(QObject):
    """Holds the `WizardFlow`, asks for predictions and keeps the draft on disk.

    Signals
    -------
    changed
        Something was entered, or another step is shown.
    plan_changed
        A prediction came, failed, or is being made (`is_predicting`).
    refused
        A move was taken back: what was asked, and the engine's reason.
    saved
        The draft is on disk; empty, or why it is not.
    """

    changed = Signal()
    plan_changed = Signal()
    refused = Signal(str, str)
    saved = Signal(str)

    def __init__(self, studio: Studio, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.studio = studio
        self.flow = WizardFlow(load_draft(studio.workspace.folder))
        self.is_predicting = False
        self._question = ""
        self._measure_s = GLANCE_S
        self._trial: tuple[str, Recipe, PlanReport | None] | None = None
        self._plan_timer = self._timer(PLAN_AFTER_MS, self._ask)
        self._save_timer = self._timer(SAVE_AFTER_MS, self.save)
        if self.flow.draft.recipe.steps:
            self._expect_plan()

    def edit(self, change: Callable[[], object], *, replan: bool = True) -> None:
        """Run a change of the flow, tell the widgets, predict again and save the draft."""
        self._trial = None
        change()
        if replan:
            self._expect_plan()
        self._save_timer.start()
        self.changed.emit()

    def try_move(self, index: int, to: int) -> None:
        """Move a step; the move is taken back if the engine refuses the new order."""
        before, plan = self.flow.draft.recipe, self.flow.plan
        cause = self._cause(index, to)
        self.edit(lambda: self.flow.move_step(index, to))
        self._trial = (cause, before, plan)

    def go(self, change: Callable[[], object]) -> None:
        """Show another step."""
        change()
        self._save_timer.start()
        self.changed.emit()

    def measure(self) -> None:
        """Predict again, with time to measure the layers whose speed is not known here."""
        self._measure_s = MEASURE_S
        self._expect_plan()
        self.changed.emit()

    def restart(self) -> None:
        """Begin anew once the job is started."""
        self._save_timer.stop()
        discard_draft(self.studio.workspace.folder)
        draft = Draft(teacher=self.flow.draft.teacher, data=self.flow.draft.data)
        self.flow = WizardFlow(draft)
        self.changed.emit()
        self.plan_changed.emit()

    def save(self) -> None:
        """Keep the draft on disk now."""
        self._save_timer.stop()
        try:
            save_draft(self.flow.draft, self.studio.workspace.folder)
        except EmoStudioError as error:
            self.saved.emit(str(error))
            return
        self.saved.emit("")

    def entry(self, method: str) -> CatalogueEntry:
        """Return what the catalogue says about a method; a bare entry while it is unknown."""
        catalogue = self.studio.catalogue
        found = () if catalogue is None else catalogue.methods
        return next((e for e in found if e.key == method), CatalogueEntry(key=method, title=method))

    def training_fields(self) -> frozenset[str]:
        """Return the names of the settings that belong to training, whatever the method."""
        catalogue = self.studio.catalogue
        schema = {} if catalogue is None else catalogue.training
        return frozenset(schema.get("properties", {}))

    def values(self, index: int) -> dict[str, Any]:
        """Return the settings of a step with the defaults of its method filled in."""
        step = self.flow.draft.recipe.steps[index]
        schema = self.entry(step.method).settings
        defaults = {
            name: part.get("default") for name, part in schema.get("properties", {}).items()
        }
        return {**defaults, **step.settings}

    def without_defaults(self, method: str, settings: dict[str, Any]) -> dict[str, Any]:
        """Return the settings that differ from the method's defaults: what a recipe keeps."""
        properties = self.entry(method).settings.get("properties", {})
        return {
            name: value
            for name, value in settings.items()
            if name not in properties or properties[name].get("default") != value
        }

    def _cause(self, index: int, to: int) -> str:
        steps = self.flow.draft.recipe.steps
        moved, other = self.entry(steps[index].method).title, self.entry(steps[to].method).title
        template = self.tr("{0} cannot move above {1}") if to < index else (
            self.tr("{0} cannot move below {1}")
        )  # fmt: skip
        return template.format(moved, other)

    def _timer(self, interval_ms: int, action: Callable[[], object]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(interval_ms)
        timer.timeout.connect(action)
        return timer

    def _expect_plan(self) -> None:
        if self._question:
            self.studio.forget(self._question)
            self._question = ""
        draft = self.flow.draft
        self.is_predicting = bool(draft.teacher and draft.recipe.steps)
        if self.is_predicting:
            self._plan_timer.start()
        else:
            self._plan_timer.stop()
        self.plan_changed.emit()

    def _ask(self) -> None:
        draft = self.flow.draft
        job = PlanJob(
            teacher=draft.teacher,
            recipe=draft.recipe,
            data=draft.data or None,
            measure_s=self._measure_s,
        )
        self._measure_s = GLANCE_S
        asked = draft.recipe, draft.teacher, draft.data

        def is_current() -> bool:
            now = self.flow.draft
            return (now.recipe, now.teacher, now.data) == asked

        self._question = self.studio.ask(
            job,
            lambda answer: self._on_plan(answer) if is_current() else None,
            lambda failed: self._on_error(failed) if is_current() else None,
        )

    def _on_plan(self, answer: dict[str, Any]) -> None:
        try:
            plan = PlanReport.model_validate(answer)
        except ValidationError as error:
            self._on_error(Failed(what="The prediction could not be read", why=str(error)))
            return
        self._question = ""
        self.is_predicting = False
        trial, self._trial = self._trial, None
        if trial is not None and plan.refusals:
            self._take_back(trial, plan.refusals[0].reason)
            return
        self.flow.set_plan(plan)
        self._tell()

    def _take_back(self, trial: tuple[str, Recipe, PlanReport | None], reason: str) -> None:
        cause, before, plan = trial
        self.flow.undo()
        if self.flow.draft.recipe == before and plan is not None:
            self.flow.set_plan(plan)
        else:
            self._expect_plan()
        self._save_timer.start()
        self._tell()
        self.refused.emit(cause, reason)

    def _on_error(self, failed: Failed) -> None:
        self._question = ""
        self.is_predicting = False
        self._trial = None
        parts = (failed.what, failed.why, failed.next_step)
        self.flow.set_plan_error(". ".join(part.rstrip(".") for part in parts if part))
        self._tell()

    def _tell(self) -> None:
        self.plan_changed.emit()
        self.changed.emit()
