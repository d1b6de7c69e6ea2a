"""The compression wizard without its window: steps, what is missing, undo, the draft on disk."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from emostudio.core.answers import PlanReport
from emostudio.core.atomic import write_json
from emostudio.core.jobs import CompressJob
from emostudio.core.recipe import Recipe, RecipeStep

DRAFT_FILE = "wizard-draft.json"
_UNDO_LIMIT = 100


class WizardStep(StrEnum):
    """The wizard's steps in order."""

    TEACHER = "teacher"
    DATA = "data"
    RECIPE = "recipe"
    SETTINGS = "settings"
    SUMMARY = "summary"

    @property
    def heading(self) -> str:
        """Words for the list of steps."""
        return self.value.capitalize()


STEPS: tuple[WizardStep, ...] = tuple(WizardStep)


class Draft(BaseModel):
    """Everything the user has entered so far."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: WizardStep = WizardStep.TEACHER
    teacher: str = ""
    data: str = ""
    recipe: Recipe = Recipe()
    name: str = ""
    seed: int = 0
    seeds: int = 1
    """From how many seeds, counting up from `seed`, the variant is made."""
    goal_mb: float | None = None
    """File size in megabytes (10^6 bytes) the user wants to stay under; a check, no search."""


class WizardFlow:
    """The state behind the wizard; the window only draws it.

    Parameters
    ----------
    draft
        Where to take up again.
    """

    def __init__(self, draft: Draft | None = None) -> None:
        self.draft = draft or Draft()
        self._plan: PlanReport | None = None
        self._plan_error = ""
        self._settings_errors: dict[int, str] = {}
        self._shared_labels: int | None = None
        self._undo: list[Recipe] = []
        self._redo: list[Recipe] = []

    # What the user enters

    def choose_teacher(self, name: str) -> None:
        """Set the teacher; a prediction made for another one is forgotten."""
        self._change(teacher=name)

    def choose_data(self, argument: str) -> None:
        """Set the dataset."""
        self._change(data=argument)

    def set_shared_labels(self, teacher: Sequence[str], data: Sequence[str]) -> None:
        """Tell which emotions the teacher knows and the dataset holds."""
        self._shared_labels = len(set(teacher) & set(data))

    def set_name(self, name: str) -> None:
        """Set the variant's name; empty lets the studio choose."""
        self.draft = self.draft.model_copy(update={"name": name})

    def set_seed(self, seed: int, seeds: int = 1) -> None:
        """Set the seed of the run, or the first of several."""
        self.draft = self.draft.model_copy(update={"seed": seed, "seeds": seeds})

    def set_goal(self, megabytes: float | None) -> None:
        """Set the file size to stay under, None for no goal."""
        self.draft = self.draft.model_copy(update={"goal_mb": megabytes})

    # The recipe, with undo

    def set_recipe(self, recipe: Recipe) -> None:
        """Replace the recipe, as loading one does."""
        if recipe == self.draft.recipe:
            return
        self._undo = [*self._undo, self.draft.recipe][-_UNDO_LIMIT:]
        self._redo.clear()
        self._change(recipe=recipe)

    def add_step(self, method: str) -> None:
        """Put a step with default settings at the end."""
        self._set_steps([*self.draft.recipe.steps, RecipeStep(method=method)])

    def remove_step(self, index: int) -> None:
        """Take a step out."""
        steps = list(self.draft.recipe.steps)
        del steps[index]
        self._set_steps(steps)

    def move_step(self, index: int, to: int) -> None:
        """Move a step to another place."""
        steps = list(self.draft.recipe.steps)
        steps.insert(to, steps.pop(index))
        self._set_steps(steps)

    def change_settings(self, index: int, settings: dict[str, Any]) -> None:
        """Replace the settings of one step."""
        steps = list(self.draft.recipe.steps)
        steps[index] = RecipeStep(method=steps[index].method, settings=settings)
        self._set_steps(steps)

    @property
    def can_undo(self) -> bool:
        """Whether a change of the recipe can be taken back."""
        return bool(self._undo)

    @property
    def can_redo(self) -> bool:
        """Whether a change that was taken back can be made again."""
        return bool(self._redo)

    def undo(self) -> None:
        """Take the last change of the recipe back."""
        if self._undo:
            self._redo.append(self.draft.recipe)
            self._change(recipe=self._undo.pop())

    def redo(self) -> None:
        """Make the change again that was taken back last."""
        if self._redo:
            self._undo.append(self.draft.recipe)
            self._change(recipe=self._redo.pop())

    # What the engine and the forms say about it

    @property
    def plan(self) -> PlanReport | None:
        """The prediction for what is entered now, None until the engine answered."""
        return self._plan

    def set_plan(self, plan: PlanReport) -> None:
        """Take the engine's prediction for the present recipe."""
        self._plan, self._plan_error = plan, ""

    def set_plan_error(self, message: str) -> None:
        """Take the engine's reason why nothing can be predicted."""
        self._plan, self._plan_error = None, message

    def set_settings_error(self, index: int, message: str) -> None:
        """Note what is wrong in the form of step `index`; an empty message clears it."""
        if message:
            self._settings_errors[index] = message
        else:
            self._settings_errors.pop(index, None)

    # Going through the steps

    def missing(self, step: WizardStep | None = None) -> str:
        """Return why `step` (the present one) is not complete, or nothing."""
        step = step or self.draft.step
        return {
            WizardStep.TEACHER: self._missing_teacher,
            WizardStep.DATA: self._missing_data,
            WizardStep.RECIPE: self._missing_recipe,
            WizardStep.SETTINGS: self._missing_settings,
            WizardStep.SUMMARY: self._missing_summary,
        }[step]()

    def next(self) -> WizardStep:
        """Go to the next step if the present one is complete; return the step shown now."""
        position = STEPS.index(self.draft.step)
        if not self.missing() and position + 1 < len(STEPS):
            self.go(STEPS[position + 1])
        return self.draft.step

    def back(self) -> WizardStep:
        """Go to the step before; nothing entered is lost."""
        position = STEPS.index(self.draft.step)
        if position:
            self.go(STEPS[position - 1])
        return self.draft.step

    def can_reach(self, step: WizardStep) -> bool:
        """Return whether all steps before `step` are complete."""
        return not any(self.missing(earlier) for earlier in STEPS[: STEPS.index(step)])

    def go(self, step: WizardStep) -> None:
        """Show `step` if it can be reached."""
        if self.can_reach(step):
            self.draft = self.draft.model_copy(update={"step": step})

    def job(self) -> CompressJob:
        """Return the job that was put together.

        Raises
        ------
        ValueError
            If something is missing; ask `missing` first.
        """
        reason = next(filter(None, map(self.missing, STEPS)), "")
        if reason:
            raise ValueError(reason)
        return CompressJob(
            teacher=self.draft.teacher,
            data=self.draft.data,
            recipe=self.draft.recipe,
            name=self.draft.name or None,
            seed=self.draft.seed,
        )

    def _missing_teacher(self) -> str:
        return "" if self.draft.teacher else "Choose a teacher"

    def _missing_data(self) -> str:
        if not self.draft.data:
            return "Choose a dataset"
        if self._shared_labels is not None and self._shared_labels < 2:
            return "Teacher and dataset share fewer than two emotions; choose another dataset"
        return ""

    def _missing_recipe(self) -> str:
        if not self.draft.recipe.steps:
            return "Add at least one step"
        if self._plan is not None and self._plan.refusals:
            refusal = self._plan.refusals[0]
            where = f" on {refusal.layer}" if refusal.layer else ""
            return f"Step {refusal.step + 1}, {refusal.method}{where}: {refusal.reason}"
        return ""

    def _missing_settings(self) -> str:
        for index, message in sorted(self._settings_errors.items()):
            if index < len(self.draft.recipe.steps):
                return f"Step {index + 1}, {self.draft.recipe.steps[index].method}: {message}"
        return ""

    def _missing_summary(self) -> str:
        if self._plan_error:
            return self._plan_error
        return "" if self._plan is not None else "Waiting for the prediction"

    def _set_steps(self, steps: list[RecipeStep]) -> None:
        self.set_recipe(Recipe(name=self.draft.recipe.name, steps=tuple(steps)))

    def _change(self, **fields: Any) -> None:
        self.draft = self.draft.model_copy(update=fields)
        self._plan, self._plan_error = None, ""
        if "recipe" in fields:
            self._settings_errors.clear()
        else:
            self._shared_labels = None


def save_draft(draft: Draft, workspace_folder: Path) -> None:
    """Keep a draft so that a crash loses nothing."""
    write_json(workspace_folder / DRAFT_FILE, draft.model_dump(mode="json"))


def load_draft(workspace_folder: Path) -> Draft | None:
    """Return the kept draft, None if there is none or it is damaged."""
    try:
        return Draft.model_validate_json((workspace_folder / DRAFT_FILE).read_bytes())
    except (OSError, ValidationError):
        return None


def discard_draft(workspace_folder: Path) -> None:
    """Forget the draft, once its job is started."""
    (workspace_folder / DRAFT_FILE).unlink(missing_ok=True)
