"""What the compress page tells of low-rank steps."""

import gui_fakes as fakes
import pytest
from compress_fakes import (
    add_steps,
    choose_teacher_and_data,
    is_unanswered,
    plan_for,
    show,
    studio_in,
)

from emostudio.core.low_rank import LayerBreakEven, LowRankOutlook, RankTime

studio = pytest.fixture(studio_in)


@pytest.fixture
def page(qtbot, studio):
    return show(qtbot, studio)


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
    qtbot.waitUntil(lambda: is_unanswered(studio), timeout=3000)
    job, on_answer, _ = studio.asked[-1]
    studio.answered = len(studio.asked)
    plan = plan_for(job.recipe)
    found = (outlook(job.recipe.steps[0].method),)
    on_answer(plan.model_copy(update={"low_rank": found}).model_dump(mode="json"))
    return job


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
