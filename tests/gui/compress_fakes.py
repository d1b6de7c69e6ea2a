"""The compress page, driven to its steps; the test answers in the engine's place."""

import gui_fakes as fakes
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit

from emostudio.core.answers import PlanReport, PlanStage
from emostudio.gui.pages.compress import CompressPage


def studio_in(qapp, tmp_path):
    """Yield a studio on a workspace of a few models."""
    with fakes.open_workspace(tmp_path) as workspace:
        yield fakes.FakeStudio(workspace)


def show(qtbot, studio):
    page = CompressPage(studio)
    qtbot.addWidget(page)
    page.resize(1200, 692)
    page.show()
    return page


def stage(method, megabytes, epochs=5):
    return PlanStage(
        method=method, title=method.replace("_", " ").capitalize(), parameters=1_000_000,
        macs=int(30_000_000 * megabytes), disk_bytes=int(megabytes * 1e6), training_epochs=epochs,
    )  # fmt: skip


def plan_for(recipe, refusals=()):
    sizes = [4.0, 2.0, 0.5, 0.4, 0.3]
    stages = [stage(step.method, sizes[n + 1]) for n, step in enumerate(recipe.steps)]
    return PlanReport(
        stages=(stage("", 4.0, 0), *stages), refusals=refusals, speedup_ceiling=2.0,
        training_seconds=600.0,
    )  # fmt: skip


def answer(qtbot, studio, refusals=()):
    """Answer the newest prediction."""
    before = len(studio.asked)
    qtbot.waitUntil(lambda: len(studio.asked) > before or is_unanswered(studio), timeout=3000)
    job, on_answer, _ = studio.asked[-1]
    studio.answered = len(studio.asked)
    on_answer(plan_for(job.recipe, refusals).model_dump(mode="json"))


def is_unanswered(studio):
    return len(studio.asked) > getattr(studio, "answered", 0)


def choose_teacher_and_data(page):
    page.teacher.list.choose("teacher")
    page.go_next()
    page.data.list.choose("synthetic")
    page.go_next()


def add_steps(qtbot, page, studio, *methods):
    for method in methods:
        page.recipe.add_method(method)
    answer(qtbot, studio)


def press(widget, key, modifiers=Qt.KeyboardModifier.NoModifier):
    widget.keyPressEvent(QKeyEvent(QEvent.Type.KeyPress, key, modifiers))


def methods(page):
    return [step.method for step in page.state.flow.draft.recipe.steps]


def type_into(editor, text):
    assert isinstance(editor, QLineEdit)
    editor.setText(text)
    editor.textEdited.emit(text)
