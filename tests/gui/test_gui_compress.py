"""The compress page, from teacher to queued job; the test answers in the engine's place."""

import gui_fakes as fakes
import pytest
from compress_fakes import (
    add_steps,
    answer,
    choose_teacher_and_data,
    methods,
    plan_for,
    show,
    stage,
    studio_in,
    type_into,
)

from emostudio.core.answers import PlanReport
from emostudio.core.events import Failed
from emostudio.core.jobs import AblateJob, CompressJob, PlanJob
from emostudio.core.recipe import Recipe, RecipeStep
from emostudio.gui.wizard.prediction_card import PredictionCard
from emostudio.gui.wizard.size_factors import step_factors
from emostudio.gui.wizard.teacher_step import teacher_facts
from emostudio.workspace.wizard_flow import WizardStep, load_draft

studio = pytest.fixture(studio_in)


@pytest.fixture
def page(qtbot, studio):
    return show(qtbot, studio)


def test_a_teacher_is_told_by_the_title_of_its_network(qtbot, studio):
    network = fakes.entry("squeezenet1_1", "SqueezeNet 1.1", "")
    studio.catalogue = fakes.CATALOGUE.model_copy(update={"architectures": (network,)})
    models = studio.workspace.models()
    assert {model.info.architecture for model in models} == {"squeezenet1_1"}
    facts = teacher_facts(models[0], studio.titles())
    assert "SqueezeNet 1.1" in facts
    assert "squeezenet1_1" not in facts


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


def test_training_settings_stand_on_their_own_step(qtbot, page, studio):
    choose_teacher_and_data(page)
    add_steps(qtbot, page, studio, "magnitude_pruning", "huffman")
    page.go_next()
    assert list(page.training.forms) == [0]
    type_into(page.training.forms[0].editor("epochs"), "3")
    qtbot.waitUntil(
        lambda: page.state.flow.draft.recipe.steps[0].settings == {"epochs": 3}, timeout=3000
    )


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


def test_costs_of_a_black_box_are_a_dash(qtbot):
    card = PredictionCard()
    qtbot.addWidget(card)
    unknown = stage("", 4.0, 0).model_copy(update={"parameters": None, "macs": None})
    card.show_plan(PlanReport(stages=(unknown,)))
    assert fakes.texts(card).splitlines().count("–") == 2
