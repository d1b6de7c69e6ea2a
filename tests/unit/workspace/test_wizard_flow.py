import pytest

from emostudio.core.answers import PlanReport, Refusal
from emostudio.core.recipe import Recipe, RecipeStep
from emostudio.workspace.wizard_flow import (
    Draft,
    WizardFlow,
    WizardStep,
    discard_draft,
    load_draft,
    save_draft,
)

PLAN = PlanReport(stages=())


def filled():
    flow = WizardFlow()
    flow.choose_teacher("teacher")
    flow.choose_data("faces")
    flow.add_step("cp")
    flow.set_plan(PLAN)
    return flow


def test_next_is_refused_with_the_reason_until_a_step_is_complete():
    flow = WizardFlow()
    assert flow.missing() == "Choose a teacher"
    assert flow.next() is WizardStep.TEACHER
    flow.choose_teacher("t")
    assert flow.next() is WizardStep.DATA
    assert flow.missing() == "Choose a dataset"
    flow.choose_data("d")
    assert flow.next() is WizardStep.RECIPE
    assert flow.missing() == "Add at least one step"


def test_back_loses_nothing():
    flow = filled()
    before = flow.draft
    for _ in range(4):
        flow.next()
    assert flow.draft.step is WizardStep.SUMMARY
    for _ in range(4):
        flow.back()
    assert flow.draft == before


def test_a_step_can_only_be_reached_when_all_before_are_complete():
    flow = WizardFlow()
    assert not flow.can_reach(WizardStep.SUMMARY)
    flow.go(WizardStep.SUMMARY)
    assert flow.draft.step is WizardStep.TEACHER
    assert filled().can_reach(WizardStep.SUMMARY)


def test_data_that_shares_no_emotions_with_the_teacher_is_refused():
    flow = filled()
    flow.set_shared_labels(["anger", "fear"], ["anger", "neutral"])
    assert "fewer than two" in flow.missing(WizardStep.DATA)
    flow.set_shared_labels(["anger", "fear"], ["anger", "fear"])
    assert flow.missing(WizardStep.DATA) == ""


def test_a_refused_recipe_says_which_step_and_why():
    flow = filled()
    refusal = Refusal(step=0, method="cp", layer="conv1", reason="too small")
    flow.set_plan(PlanReport(stages=(), refusals=(refusal,)))
    assert flow.missing(WizardStep.RECIPE) == "Step 1, cp on conv1: too small"


def test_a_change_of_the_recipe_forgets_the_prediction():
    flow = filled()
    flow.change_settings(0, {"rank": 3})
    assert flow.plan is None
    assert flow.missing(WizardStep.SUMMARY) == "Waiting for the prediction"


def test_a_fault_in_a_form_holds_the_settings_step():
    flow = filled()
    flow.set_settings_error(0, "rank must be positive")
    assert flow.missing(WizardStep.SETTINGS) == "Step 1, cp: rank must be positive"
    flow.set_settings_error(0, "")
    assert flow.missing(WizardStep.SETTINGS) == ""


def test_an_engine_that_cannot_predict_holds_the_summary():
    flow = filled()
    flow.set_plan_error("The teacher is gone")
    assert flow.missing(WizardStep.SUMMARY) == "The teacher is gone"


def test_recipe_changes_are_undone_and_redone_in_order():
    flow = WizardFlow()
    flow.add_step("a")
    flow.add_step("b")
    flow.move_step(1, 0)
    flow.remove_step(1)
    methods = [[step.method for step in flow.draft.recipe.steps]]
    while flow.can_undo:
        flow.undo()
        methods.append([step.method for step in flow.draft.recipe.steps])
    assert methods == [["b"], ["b", "a"], ["a", "b"], ["a"], []]
    while flow.can_redo:
        flow.redo()
    assert [step.method for step in flow.draft.recipe.steps] == ["b"]


def test_a_new_change_ends_what_could_be_redone():
    flow = WizardFlow()
    flow.add_step("a")
    flow.undo()
    flow.add_step("b")
    assert not flow.can_redo


def test_loading_the_same_recipe_is_no_change():
    flow = WizardFlow()
    flow.set_recipe(Recipe())
    assert not flow.can_undo


def test_the_job_holds_what_was_entered():
    flow = filled()
    flow.set_name("small")
    flow.set_seed(4)
    job = flow.job()
    assert (job.teacher, job.data, job.name, job.seed) == ("teacher", "faces", "small", 4)
    assert job.recipe.steps == (RecipeStep(method="cp"),)


def test_an_unfinished_wizard_makes_no_job():
    with pytest.raises(ValueError, match="Choose a teacher"):
        WizardFlow().job()


def test_a_draft_survives_on_disk_and_a_damaged_one_is_none(tmp_path):
    draft = filled().draft
    save_draft(draft, tmp_path)
    assert load_draft(tmp_path) == draft
    assert isinstance(draft, Draft)
    (tmp_path / "wizard-draft.json").write_text("{")
    assert load_draft(tmp_path) is None
    discard_draft(tmp_path)
    assert load_draft(tmp_path) is None
