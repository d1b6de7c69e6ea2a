"""The compress page, from teacher to queued job; the test answers in the engine's place."""

import gui_fakes as fakes
import pytest
from PySide6.QtCore import QEvent, QMimeData, QPointF, Qt
from PySide6.QtGui import QAction, QDropEvent, QKeyEvent
from PySide6.QtWidgets import QLineEdit

from emostudio.core.answers import PlanReport, PlanStage, Refusal
from emostudio.core.events import Failed
from emostudio.core.jobs import AblateJob, CompressJob, PlanJob
from emostudio.core.low_rank import LayerBreakEven, LowRankOutlook, RankTime
from emostudio.core.recipe import Recipe, RecipeStep
from emostudio.gui.pages.compress import CompressPage
from emostudio.gui.wizard.prediction_card import PredictionCard
from emostudio.gui.wizard.size_factors import step_factors
from emostudio.workspace.wizard_flow import WizardStep, load_draft


@pytest.fixture
def studio(qapp, tmp_path):
    with fakes.open_workspace(tmp_path) as workspace:
        yield fakes.FakeStudio(workspace)


@pytest.fixture
def page(qtbot, studio):
    return show(qtbot, studio)


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


def outlook(method):
    """Return what is known about two layers: one slower, one not measured."""
    times = tuple(RankTime(rank=rank, ms=rank / 40, share=rank / 40) for rank in (16, 32, 48))
    layer = LayerBreakEven(
        layer="conv2", dense_ms=1.0, times=times, break_even_rank=40, size_limit=60,
        planned_rank=48, planned_share=1.2, is_slower=True,
    )  # fmt: skip
    return LowRankOutlook(
        method=method, threads=1, layers=(layer,), not_measured=("conv3",), macs_ceiling=1.4
    )


def answer_low_rank(qtbot, studio):
    qtbot.waitUntil(lambda: _unanswered(studio), timeout=3000)
    job, on_answer, _ = studio.asked[-1]
    studio.answered = len(studio.asked)
    plan = plan_for(job.recipe)
    found = (outlook(job.recipe.steps[0].method),)
    on_answer(plan.model_copy(update={"low_rank": found}).model_dump(mode="json"))
    return job


def answer(qtbot, studio, refusals=()):
    """Answer the newest prediction."""
    before = len(studio.asked)
    qtbot.waitUntil(lambda: len(studio.asked) > before or _unanswered(studio), timeout=3000)
    job, on_answer, _ = studio.asked[-1]
    studio.answered = len(studio.asked)
    on_answer(plan_for(job.recipe, refusals).model_dump(mode="json"))


def _unanswered(studio):
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


def test_next_is_disabled_with_the_reason_until_a_teacher_is_chosen(page):
    assert not page.next.isEnabled()
    assert "Choose a teacher." in fakes.texts(page)
    page.teacher.list.choose("teacher")
    assert page.next.isEnabled()
    assert page.next.text() == "Next: data"


def test_every_model_of_the_workspace_can_be_the_teacher(page):
    assert set(page.teacher.list.keys()) == {"teacher", "int8", "shared"}


def test_synthetic_faces_are_always_offered(page):
    page.teacher.list.choose("teacher")
    page.go_next()
    keys = page.data.list.keys()
    assert "synthetic" in keys


def test_the_whole_way_ends_in_a_job_and_on_the_jobs_page(qtbot, page, studio):
    choose_teacher_and_data(page)
    add_steps(qtbot, page, studio, "magnitude_pruning", "weight_sharing")
    page.go_next()
    page.training.name.setText("small one")
    page.training.name.textEdited.emit("small one")
    page.go_next()
    assert page.next.text() == "Start compression"
    assert "2 steps" not in page.summary.words()
    assert "small-one" in page.summary.words()
    with qtbot.waitSignal(page.go) as gone:
        page.go_next()
    (job,) = studio.submitted
    assert isinstance(job, CompressJob)
    assert (job.teacher, job.data, job.name) == ("teacher", "synthetic", "small-one")
    assert [step.method for step in job.recipe.steps] == ["magnitude_pruning", "weight_sharing"]
    assert gone.args == ["jobs", "run-1"]


def test_several_seeds_queue_one_job_each(qtbot, page, studio):
    choose_teacher_and_data(page)
    add_steps(qtbot, page, studio, "magnitude_pruning", "weight_sharing")
    page.go_next()
    for field, text in ((page.training.seed, "3"), (page.training.seeds, "5")):
        field.setText(text)
        field.textEdited.emit(text)
    page.go_next()
    assert "3 – 7" in page.summary.words()
    with qtbot.waitSignal(page.go) as gone:
        page.go_next()
    assert [job.seed for job in studio.submitted] == [3, 4, 5, 6, 7]
    assert gone.args == ["jobs", "run-1"]


def test_a_recipe_of_several_steps_can_be_taken_apart(qtbot, page, studio):
    choose_teacher_and_data(page)
    add_steps(qtbot, page, studio, "magnitude_pruning", "weight_sharing")
    page.go_next()
    assert not page.ablate.isVisible()
    page.go_next()
    with qtbot.waitSignal(page.go) as gone:
        page.ablate.click()
    (job,) = studio.submitted
    assert isinstance(job, AblateJob)
    assert [step.method for step in job.recipe.steps] == ["magnitude_pruning", "weight_sharing"]
    assert gone.args == ["jobs", "run-1"]


def test_a_single_step_cannot_be_taken_apart(qtbot, page, studio):
    choose_teacher_and_data(page)
    add_steps(qtbot, page, studio, "magnitude_pruning")
    page.go_next()
    page.go_next()
    assert page.next.isEnabled()
    assert not page.ablate.isEnabled()


def test_the_prediction_asks_the_engine_once_for_a_burst_of_edits(qtbot, page, studio):
    choose_teacher_and_data(page)
    for _ in range(4):
        page.recipe.add_method("magnitude_pruning")
    answer(qtbot, studio)
    assert [type(job) for job, _, _ in studio.asked] == [PlanJob]
    assert len(studio.asked[0][0].recipe.steps) == 4


def test_the_prediction_shows_size_macs_time_and_a_ceiling(qtbot, page, studio):
    choose_teacher_and_data(page)
    add_steps(qtbot, page, studio, "magnitude_pruning", "weight_sharing")
    words = fakes.texts(page.prediction)
    assert "0.500" in words
    assert "10\nmin" in words
    assert "a ceiling, not a promise" in words
    assert "Weight sharing 0.50 MB" in page.prediction.stairs.accessibleDescription()
    assert "8.00×" in page.prediction.ceiling.accessibleDescription()


def test_a_late_answer_for_another_recipe_is_ignored(qtbot, page, studio):
    choose_teacher_and_data(page)
    page.recipe.add_method("magnitude_pruning")
    qtbot.waitUntil(lambda: len(studio.asked) == 1)
    job, on_answer, _ = studio.asked[0]
    page.recipe.add_method("weight_sharing")
    on_answer(plan_for(job.recipe).model_dump(mode="json"))
    assert page.state.flow.plan is None


def test_a_prediction_that_fails_is_the_reason_shown_at_the_end(qtbot, page, studio):
    choose_teacher_and_data(page)
    page.recipe.add_method("magnitude_pruning")
    qtbot.waitUntil(lambda: len(studio.asked) == 1)
    studio.asked[0][2](Failed(what="The teacher cannot be read", why="the file is cut"))
    page.go_next()
    page.go_next()
    assert not page.next.isEnabled()
    assert "The teacher cannot be read" in fakes.texts(page)


def test_alt_arrows_reorder_the_recipe(qtbot, page, studio):
    choose_teacher_and_data(page)
    add_steps(qtbot, page, studio, "magnitude_pruning", "weight_sharing")
    page.recipe.choose_step(1)
    press(page.recipe.list, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    answer(qtbot, studio)
    assert methods(page) == ["weight_sharing", "magnitude_pruning"]


def test_a_refused_order_goes_back_and_the_reason_is_shown(qtbot, page, studio):
    choose_teacher_and_data(page)
    add_steps(qtbot, page, studio, "weight_sharing", "huffman")
    page.recipe.list.move_asked.emit(1, 0)
    assert methods(page) == ["huffman", "weight_sharing"]
    answer(qtbot, studio, (Refusal(step=0, method="huffman", reason="nothing to code yet"),))
    assert methods(page) == ["weight_sharing", "huffman"]
    assert page.recipe.note.text() == (
        "Huffman coding cannot move above Weight sharing. Nothing to code yet."
    )
    assert page.next.isEnabled()


def test_an_added_step_that_is_refused_stays_and_blocks_next_with_the_reason(qtbot, page, studio):
    choose_teacher_and_data(page)
    page.recipe.add_method("huffman")
    answer(qtbot, studio, (Refusal(step=0, method="huffman", reason="nothing to code"),))
    assert methods(page) == ["huffman"]
    assert not page.next.isEnabled()
    assert "Step 1, Huffman coding: nothing to code." in fakes.texts(page)


def test_delete_removes_a_step_and_undo_brings_it_back(qtbot, page, studio):
    choose_teacher_and_data(page)
    add_steps(qtbot, page, studio, "magnitude_pruning", "weight_sharing")
    page.recipe.choose_step(0)
    press(page.recipe.list, Qt.Key.Key_Delete)
    assert methods(page) == ["weight_sharing"]
    page.recipe.undo.click()
    assert methods(page) == ["magnitude_pruning", "weight_sharing"]
    page.recipe.redo.click()
    assert methods(page) == ["weight_sharing"]


def test_a_setting_typed_into_the_form_reaches_the_recipe(qtbot, page, studio):
    choose_teacher_and_data(page)
    add_steps(qtbot, page, studio, "weight_sharing")
    type_into(page.recipe.form.editor("bits"), "5")
    qtbot.waitUntil(lambda: bool(page.state.flow.draft.recipe.steps[0].settings), timeout=3000)
    assert page.state.flow.draft.recipe.steps[0].settings == {"bits": 5}


def test_a_setting_out_of_bounds_blocks_next_and_says_what_to_do(qtbot, page, studio):
    choose_teacher_and_data(page)
    add_steps(qtbot, page, studio, "weight_sharing")
    type_into(page.recipe.form.editor("bits"), "11")
    qtbot.waitUntil(lambda: not page.next.isEnabled(), timeout=3000)
    assert "Use at most 8" in fakes.texts(page)
    type_into(page.recipe.form.editor("bits"), "4")
    qtbot.waitUntil(page.next.isEnabled, timeout=3000)
    qtbot.waitUntil(
        lambda: page.state.flow.draft.recipe.steps[0].settings == {"bits": 4}, timeout=3000
    )


def type_into(editor, text):
    assert isinstance(editor, QLineEdit)
    editor.setText(text)
    editor.textEdited.emit(text)


def test_a_refused_value_that_was_left_behind_does_not_block_the_recipe(qtbot, page, studio):
    choose_teacher_and_data(page)
    add_steps(qtbot, page, studio, "weight_sharing", "huffman")
    page.recipe.choose_step(0)
    type_into(page.recipe.form.editor("bits"), "99")
    page.recipe.choose_step(1)
    assert page.next.isEnabled()
    page.recipe.choose_step(0)
    assert page.recipe.form.editor("bits").text() == "8"


def test_training_settings_stand_on_their_own_step(qtbot, page, studio):
    choose_teacher_and_data(page)
    add_steps(qtbot, page, studio, "magnitude_pruning", "huffman")
    page.go_next()
    assert list(page.training.forms) == [0]
    type_into(page.training.forms[0].editor("epochs"), "3")
    qtbot.waitUntil(
        lambda: page.state.flow.draft.recipe.steps[0].settings == {"epochs": 3}, timeout=3000
    )


def test_methods_that_cannot_work_here_are_disabled_and_say_why(page):
    menu = page.recipe.method_menu()
    actions = {action.text(): action for action in menu.findChildren(QAction)}
    assert actions["Magnitude pruning"].isEnabled()
    assert not actions["XNOR"].isEnabled()
    assert actions["XNOR"].toolTip() == "no kernel for this processor"


def test_a_preset_fills_the_recipe_in_order(page):
    menu = page.recipe.preset_menu()
    next(action for action in menu.actions() if action.text() == "Deep Compression").trigger()
    assert methods(page) == ["magnitude_pruning", "weight_sharing", "huffman"]


def test_a_recipe_survives_saving_and_loading(qtbot, page, studio, tmp_path):
    choose_teacher_and_data(page)
    page.recipe.use_recipe(Recipe(steps=(RecipeStep(method="weight_sharing"),)))
    page.recipe.save_to(tmp_path / "mine.json")
    page.recipe.use_recipe(Recipe())
    page.recipe.load_from(tmp_path / "mine.json")
    assert methods(page) == ["weight_sharing"]


def test_a_file_that_is_no_recipe_is_refused_with_the_cause(page, tmp_path):
    (tmp_path / "bad.json").write_text("{}x")
    page.recipe.load_from(tmp_path / "bad.json")
    assert "bad.json is not a recipe" in page.recipe.note.text()


def test_the_draft_is_saved_and_restored(qtbot, page, studio):
    choose_teacher_and_data(page)
    page.recipe.add_method("weight_sharing")
    page.leave()
    assert load_draft(studio.workspace.folder).teacher == "teacher"
    again = show(qtbot, studio)
    assert methods(again) == ["weight_sharing"]
    assert again.state.flow.draft.step == WizardStep.RECIPE


def test_the_goal_is_checked_against_the_prediction(qtbot, page, studio):
    choose_teacher_and_data(page)
    add_steps(qtbot, page, studio, "weight_sharing")
    type_into(page.goal.field, "1.5")
    assert "On disk 2.0 MB, goal not met" in page.goal.words()
    type_into(page.goal.field, "3")
    assert "On disk 2.0 MB, goal met" in page.goal.words()


def test_clicking_a_done_step_goes_back_and_loses_nothing(qtbot, page, studio):
    choose_teacher_and_data(page)
    add_steps(qtbot, page, studio, "weight_sharing")
    page.rail.step_clicked.emit("teacher")
    assert page.state.flow.draft.step == WizardStep.TEACHER
    assert methods(page) == ["weight_sharing"]


def test_another_page_can_hand_over_a_teacher_or_a_recipe(page):
    page.open("teacher")
    assert page.state.flow.draft.teacher == "teacher"
    assert page.state.flow.draft.step == WizardStep.DATA
    page.open(Recipe(steps=(RecipeStep(method="huffman"),)))
    assert methods(page) == ["huffman"]


def test_size_factors_count_all_stages_of_a_composite_method():
    recipe = Recipe(steps=(RecipeStep(method="deep"), RecipeStep(method="huffman")))
    plan = PlanReport(
        stages=(stage("", 8.0), stage("prune", 8.0), stage("share", 2.0), stage("huffman", 1.0))
    )
    assert step_factors(recipe, plan) == ["÷ 4.0", "÷ 2.0"]


def test_the_goal_field_and_lists_have_accessible_names(page):
    for widget in (page.goal.field, page.teacher.list, page.recipe.list, page.training.seed):
        assert widget.accessibleName()


def drop_at(recipe_list, y):
    event = QDropEvent(
        QPointF(40, y), Qt.DropAction.MoveAction, QMimeData(), Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )  # fmt: skip
    recipe_list.dropEvent(event)
    assert event.dropAction() == Qt.DropAction.IgnoreAction


@pytest.mark.parametrize(
    ("dragged", "y", "expected"),
    [
        (0, 1000, ["huffman", "weight_sharing", "magnitude_pruning"]),
        (2, 0, ["weight_sharing", "magnitude_pruning", "huffman"]),
        (0, 100, ["huffman", "magnitude_pruning", "weight_sharing"]),
    ],
)
def test_dragging_a_step_asks_the_engine_and_moves_it(qtbot, page, studio, dragged, y, expected):
    choose_teacher_and_data(page)
    add_steps(qtbot, page, studio, "magnitude_pruning", "huffman", "weight_sharing")
    page.recipe.choose_step(dragged)
    drop_at(page.recipe.list, y)
    answer(qtbot, studio)
    assert methods(page) == expected


def test_a_drop_on_its_own_place_changes_nothing(qtbot, page, studio):
    choose_teacher_and_data(page)
    add_steps(qtbot, page, studio, "magnitude_pruning", "huffman")
    page.recipe.choose_step(0)
    with qtbot.assertNotEmitted(page.recipe.list.move_asked):
        drop_at(page.recipe.list, 5)


def test_a_step_has_a_menu_for_those_who_do_not_drag(qtbot, page, studio):
    choose_teacher_and_data(page)
    add_steps(qtbot, page, studio, "magnitude_pruning", "huffman")
    menu = page.recipe.list.step_menu(0)
    words = [action.text().partition("\t")[0] for action in menu.actions() if action.text()]
    assert words == ["Move up", "Move down", "Duplicate", "Remove"]
    assert not menu.actions()[0].isEnabled()
    next(a for a in menu.actions() if a.text() == "Duplicate").trigger()
    assert methods(page) == ["magnitude_pruning", "magnitude_pruning", "huffman"]


def test_costs_of_a_black_box_are_a_dash(qtbot):
    card = PredictionCard()
    qtbot.addWidget(card)
    unknown = stage("", 4.0, 0).model_copy(update={"parameters": None, "macs": None})
    card.show_plan(PlanReport(stages=(unknown,)))
    assert fakes.texts(card).splitlines().count("–") == 2


def test_the_break_even_of_a_low_rank_step_is_shown_and_measured_on_demand(qtbot, page, studio):
    choose_teacher_and_data(page)
    page.recipe.add_method("weight_sharing")
    first = answer_low_rank(qtbot, studio)
    panel = page.recipe.form_card.break_even
    assert panel.isVisible()
    assert panel.words() == "Rank 48 takes 1.20 times as long as the layer: slower here."
    assert "conv3" in fakes.texts(page)
    panel.measure.click()
    assert not panel.measure.isEnabled()
    second = answer_low_rank(qtbot, studio)
    assert second.measure_s > first.measure_s > 0
    page.state.go(page.state.flow.next)
    page.state.go(page.state.flow.next)
    assert "at most 1.40× if its layers took no time" in page.summary.words()
    assert "slower here: conv2" in page.summary.words()


def test_other_steps_have_no_break_even(qtbot, page, studio):
    choose_teacher_and_data(page)
    add_steps(qtbot, page, studio, "magnitude_pruning")
    assert not page.recipe.form_card.break_even.isVisible()
