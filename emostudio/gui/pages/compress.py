"""Compress: the wizard from a teacher to a queued job, with the prediction beside it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from emostudio.core.errors import EmoStudioError
from emostudio.core.jobs import AblateJob, Job, seeded
from emostudio.core.recipe import Recipe
from emostudio.gui.pages.base import Page
from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.buttons import button
from emostudio.gui.widgets.card import Card
from emostudio.gui.widgets.labels import IconLabel, label, set_shown, set_tone
from emostudio.gui.wizard.data_step import DataStep, data_title
from emostudio.gui.wizard.goal_card import GoalCard
from emostudio.gui.wizard.prediction_card import PredictionCard
from emostudio.gui.wizard.recipe_step import RecipeStep
from emostudio.gui.wizard.state import WizardState
from emostudio.gui.wizard.step_rail import StepLook, StepRail, StepState
from emostudio.gui.wizard.summary_step import SummaryStep
from emostudio.gui.wizard.teacher_step import TeacherStep
from emostudio.gui.wizard.training_step import TrainingStep
from emostudio.qt.studio import Studio
from emostudio.workspace.wizard_flow import STEPS, WizardStep

_RAIL = 188
_MOST_ABLATED = 5
_PREDICTION = 344
_PREDICTION_WIDE = 520


class CompressPage(Page):
    """The wizard; `open` takes a model's name, or a `core.recipe.Recipe`."""

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio, QCoreApplication.translate("CompressPage", "Compress"))
        self.state = WizardState(studio, self)
        self.rail = StepRail()
        self.goal = GoalCard()
        self.prediction = PredictionCard()
        self.teacher = TeacherStep(self.state)
        self.data = DataStep(self.state)
        self.recipe = RecipeStep(self.state)
        self.training = TrainingStep(self.state)
        self.summary = SummaryStep(self.state)
        self._steps: dict[WizardStep, QWidget] = {
            WizardStep.TEACHER: self.teacher,
            WizardStep.DATA: self.data,
            WizardStep.RECIPE: self.recipe,
            WizardStep.SETTINGS: self.training,
            WizardStep.SUMMARY: self.summary,
        }
        self.load = button(self.tr("Load recipe"), "default", "folder", self._ask_what_to_load)
        self.back = button(self.tr("Back"), on_click=self._back)
        self.next = button(self.tr("Next"), "primary", on_click=self.go_next)
        self.ablate = button(self.tr("Take apart"), on_click=self._ablate)
        self.ablate.setToolTip(
            self.tr("Run every subset of the steps, to see what each one gives; 2 to 5 steps")
        )
        self._reason_icon = IconLabel("error", "bad", 16)
        self._reason = label("", "small", "text2", wrap=True)
        self._stack = QStackedWidget()
        self._build()
        self._connect()

    def open(self, argument: object) -> None:
        """Start with a teacher or a recipe that another page hands over."""
        if isinstance(argument, Recipe):
            self.recipe.use_recipe(argument)
        elif isinstance(argument, str) and argument:
            self.state.edit(lambda: self.state.flow.choose_teacher(argument))
            self.state.go(lambda: self.state.flow.go(WizardStep.TEACHER))
            self.state.go(self.state.flow.next)
        self.refresh()

    def refresh(self) -> None:
        """Show everything that is entered."""
        self.teacher.refresh()
        self.data.refresh()
        self._show()

    def leave(self) -> None:
        """Keep the draft."""
        self.state.save()

    def go_next(self) -> None:
        """Go on, or start the compression on the last step."""
        if self._why_not():
            return
        if self.state.flow.draft.step != WizardStep.SUMMARY:
            self.state.go(self.state.flow.next)
            return
        self._start(*seeded(self.state.flow.job(), self.state.flow.draft.seeds))

    def _ablate(self) -> None:
        job = self.state.flow.job()
        self._start(AblateJob(teacher=job.teacher, data=job.data, recipe=job.recipe, seed=job.seed))

    def _start(self, *jobs: Job) -> None:
        try:
            runs = [self.studio.submit(job) for job in jobs]
        except EmoStudioError as error:
            self.note.show_error(error)
            return
        self.state.restart()
        self.go.emit("jobs", runs[0])

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the prediction more room in wide windows."""
        super().resizeEvent(event)
        is_wide = self.window().width() >= SPACE.wide_from
        self.prediction.setFixedWidth(_PREDICTION_WIDE if is_wide else _PREDICTION)

    def _build(self) -> None:
        self.header.add_action(self.load)
        row = QHBoxLayout()
        row.setSpacing(SPACE.m)
        left = QVBoxLayout()
        left.setSpacing(SPACE.m)
        rail = Card()
        outer = rail.layout()
        if outer is not None:
            outer.setContentsMargins(SPACE.m, SPACE.m, SPACE.s, SPACE.s)
        rail.body.addWidget(self.rail)
        for card in (rail, self.goal):
            card.setFixedWidth(_RAIL)
            left.addWidget(card)
        left.addStretch(1)
        row.addLayout(left)
        for step in self._steps.values():
            self._stack.addWidget(step)
        row.addWidget(self._stack, 1)
        row.addWidget(self.prediction)
        self.body.addLayout(row, 1)
        self.body.addLayout(self._foot())

    def _foot(self) -> QHBoxLayout:
        foot = QHBoxLayout()
        foot.setSpacing(SPACE.s)
        foot.addSpacing(_RAIL + SPACE.m)
        foot.addWidget(self._reason_icon)
        foot.addWidget(self._reason, 1)
        foot.addWidget(self.back)
        foot.addWidget(self.ablate)
        foot.addWidget(self.next)
        return foot

    def _connect(self) -> None:
        self.rail.step_clicked.connect(self._go_to)
        self.goal.goal_changed.connect(self._on_goal)
        self.teacher.models_asked.connect(lambda: self.go.emit("models", None))
        self.state.changed.connect(self._show)
        self.state.plan_changed.connect(self._show_plan)
        self.state.refused.connect(self.recipe.show_refusal)
        self.state.saved.connect(self._on_saved)
        self.recipe.saved_to.connect(self._on_recipe_saved)
        self.studio.models_changed.connect(self.mark_stale)
        self.studio.datasets_changed.connect(self.mark_stale)
        self.studio.catalogue_ready.connect(self.mark_stale)
        for keys, action in (("Alt+Right", self.go_next), ("Alt+Left", self._back)):
            key = QShortcut(QKeySequence(keys), self)
            key.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            key.activated.connect(action)

    def _show(self) -> None:
        step = self.state.flow.draft.step
        self._stack.setCurrentWidget(self._steps[step])
        if step == WizardStep.DATA:
            self.data.refresh()
        self.recipe.refresh()
        self.training.refresh()
        self.summary.refresh()
        self.rail.show_steps([self._look(known) for known in STEPS])
        self.header.set_name(self.state.flow.draft.teacher)
        self._show_plan()

    def _show_plan(self) -> None:
        flow = self.state.flow
        goal = flow.draft.goal_mb
        self.prediction.show_plan(flow.plan, is_predicting=self.state.is_predicting, goal_mb=goal)
        stages = flow.plan.stages if flow.plan is not None else ()
        self.goal.show_goal(goal, stages[-1].disk_bytes / 1e6 if stages else None)
        self._show_foot()

    def _show_foot(self) -> None:
        step = self.state.flow.draft.step
        reason = self._why_not()
        self._reason.setText(f"{reason.rstrip('.')}." if reason else "")
        is_waiting = self.state.is_predicting
        set_shown(self._reason_icon, bool(reason) and not is_waiting)
        set_tone(self._reason, "text2" if is_waiting else "bad")
        position = STEPS.index(step)
        self.back.setEnabled(position > 0)
        self.next.setEnabled(not reason)
        stages = self.state.flow.plan.stages[1:] if self.state.flow.plan else ()
        set_shown(self.ablate, step == WizardStep.SUMMARY)
        self.ablate.setEnabled(not reason and 2 <= len(stages) <= _MOST_ABLATED)
        self.next.setToolTip(reason)
        if step == WizardStep.SUMMARY:
            self.next.setText(self.tr("Start compression"))
        else:
            following = self._title(STEPS[position + 1]).lower()
            self.next.setText(self.tr("Next: {0}").format(following))

    def _why_not(self) -> str:
        flow = self.state.flow
        reason = flow.missing()
        if not reason and flow.draft.step in {WizardStep.RECIPE, WizardStep.SETTINGS}:
            reason = flow.missing(WizardStep.SETTINGS)
        if not reason and flow.draft.step == WizardStep.SUMMARY:
            reason = next((why for known in STEPS if (why := flow.missing(known))), "")
        return self._with_titles(reason)

    def _with_titles(self, reason: str) -> str:
        for step in self.state.flow.draft.recipe.steps:
            reason = reason.replace(f", {step.method}", f", {self.state.entry(step.method).title}")
        return reason

    def _title(self, step: WizardStep) -> str:
        titles = {
            WizardStep.TEACHER: self.tr("Teacher"),
            WizardStep.DATA: self.tr("Data"),
            WizardStep.RECIPE: self.tr("Recipe"),
            WizardStep.SETTINGS: self.tr("Training"),
            WizardStep.SUMMARY: self.tr("Summary"),
        }
        return titles[step]

    def _look(self, step: WizardStep) -> StepLook:
        flow = self.state.flow
        is_open = flow.can_reach(step)
        visited = STEPS.index(step) < STEPS.index(flow.draft.step)
        state: StepState = "todo"
        if step == flow.draft.step:
            state = "current"
        elif visited and not flow.missing(step):
            state = "done"
        return StepLook(step.value, self._title(step), self._choice(step), state, is_open)

    def _choice(self, step: WizardStep) -> str:
        draft = self.state.flow.draft
        count = len(draft.recipe.steps)
        steps = self.tr("1 step") if count == 1 else self.tr("{0} steps").format(count)
        plan = self.state.flow.plan
        epochs = sum(stage.training_epochs for stage in plan.stages) if plan else 0
        training = self.tr("{0} epochs").format(epochs) if epochs else ""
        if plan is not None and not epochs:
            training = self.tr("No training")
        choices = {
            WizardStep.TEACHER: draft.teacher,
            WizardStep.DATA: data_title(draft.data),
            WizardStep.RECIPE: steps if count else "",
            WizardStep.SETTINGS: training,
        }
        return choices.get(step, "") or (self.tr("Not set yet") if step in choices else "")

    def _go_to(self, key: str) -> None:
        self.state.go(lambda: self.state.flow.go(WizardStep(key)))

    def _back(self) -> None:
        self.state.go(self.state.flow.back)

    def _on_goal(self, megabytes: object) -> None:
        goal = megabytes if isinstance(megabytes, float) else None
        self.state.edit(lambda: self.state.flow.set_goal(goal), replan=False)

    def _on_saved(self, problem: str) -> None:
        self.header.set_facts(problem or self.tr("Draft saved"))

    def _on_recipe_saved(self, path: str) -> None:
        self.note.show_note("ok", self.tr("Recipe saved."), path)

    def _ask_what_to_load(self) -> None:
        dialog = QFileDialog(self.window(), self.tr("Load recipe"))
        recipes = self.studio.workspace.folder / "recipes"
        if recipes.is_dir():
            dialog.setDirectory(str(recipes))
        dialog.setNameFilters([self.tr("Recipes (*.json)"), "*"])
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda file: self.recipe.load_from(Path(file)))
        dialog.open()
