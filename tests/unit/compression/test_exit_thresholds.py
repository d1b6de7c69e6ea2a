"""Thresholds of early exits: calibrated on validation images, kept right by later steps."""

from functools import partial

import numpy as np
import pytest
import torch
from compression_fakes import (
    SIDE,
    StripeFaces,
    context_for,
    finish,
    toy_model,
)
from early_exit_fakes import (
    METHOD,
    branchy_toy,
    set_limits,
    settings,
    toy_on_one_thread,
)

from emostudio.compression import exits, ledger, packing, pipeline
from emostudio.compression.exit_thresholds import Answers, choose_thresholds, leaving
from emostudio.core.events import Note
from emostudio.core.job_context import JobContext
from emostudio.core.recipe import Recipe, RecipeStep
from emostudio.data.base import Split
from emostudio.inference.catalogue import open_classifier
from emostudio.models.branchy import ALWAYS, NEVER, BranchyNet

toy = pytest.fixture(autouse=True)(toy_on_one_thread)

branchy = pytest.fixture(branchy_toy)


def random_answers(count=200, seed=0):
    random = np.random.default_rng(seed)
    doubts = random.random((2, count))
    right = random.random((3, count)) > np.stack([doubts[0], doubts[1] * 0.7, np.full(count, 0.2)])
    return Answers(doubts, right)


@pytest.mark.parametrize("tolerance", [0.0, 0.02, 0.1])
def test_chosen_thresholds_keep_the_accuracy_of_every_exit_and_of_all(tolerance):
    answers = random_answers()
    limits = choose_thresholds(answers, tolerance, [10, 30, 100], [1, 1])
    heads = leaving(answers, limits)
    right = answers.correct[heads, np.arange(len(heads))]
    floor = answers.correct[-1].mean() - tolerance - 1e-9
    assert right.mean() >= floor
    assert all(right[heads == exit_].mean() >= floor for exit_ in (0, 1) if (heads == exit_).any())
    assert (heads < 2).any()


def test_a_single_exit_gets_the_largest_threshold_that_keeps_the_accuracy():
    answers = random_answers(60)
    alone = Answers(answers.uncertainty[:1], answers.correct[[0, 2]])
    limit = choose_thresholds(alone, 0.05, [10, 100], [1])[0]
    floor = alone.correct[-1].mean() - 0.05

    def keeps(threshold):
        left = alone.uncertainty[0] < threshold
        total = np.where(left, alone.correct[0], alone.correct[1]).mean()
        return not left.any() or (alone.correct[0][left].mean() >= floor and total >= floor)

    values = np.sort(alone.uncertainty[0])
    possible = [value for value in (*values, ALWAYS) if keeps(value)]
    left = alone.uncertainty[0] < limit
    assert left.sum() == (alone.uncertainty[0] < max(possible)).sum()


def test_exits_that_are_never_right_are_never_taken():
    answers = random_answers()
    wrong = Answers(answers.uncertainty, answers.correct.copy())
    wrong.correct[:2] = False
    assert choose_thresholds(wrong, 0.0, [10, 30, 100], [1, 1]) == (NEVER, NEVER)


class ValidationOnly(StripeFaces):
    """Fails whenever another split than validation is looked at."""

    def indices(self, split):
        assert split == Split.VALIDATION
        return super().indices(split)


def test_calibration_looks_at_validation_images_only_and_tells_the_shares(branchy, tmp_path):
    context = context_for(tmp_path, branchy, ValidationOnly())
    result, events = finish(exits.calibrated(branchy, 0.5, context))
    shares = result.info.measurements["exit_shares"]
    assert sum(shares) == pytest.approx(1.0, abs=1e-3)
    note = next(event for event in events if isinstance(event, Note))
    assert "validation images leave early" in note.what
    ways = exits.way_macs(result.module, (3, SIDE, SIDE), result.module.thresholds.tolist())
    expected = sum(share * macs for share, macs in zip(shares, ways, strict=True))
    assert result.info.measurements["exit_mean_macs"] == pytest.approx(expected, rel=1e-3)


def test_without_labelled_validation_images_nothing_leaves_early(branchy, tmp_path):
    context = context_for(tmp_path, branchy, StripeFaces(unlabelled=True))
    result, events = finish(exits.calibrated(branchy, 0.5, context))
    assert result.module.thresholds.tolist() == [NEVER, NEVER]
    assert any("could not be calibrated" in getattr(event, "what", "") for event in events)


def run(model, folder, *steps, dataset=None):
    recipe = Recipe(steps=tuple(RecipeStep(method=key, settings=values) for key, values in steps))
    job = JobContext(folder=folder)
    return finish(pipeline.run(model, recipe, dataset, job, name="variant"))


def test_thresholds_are_chosen_again_after_a_step_that_changes_weights(tmp_path, monkeypatch):
    on_torch = partial(open_classifier, engine="torch")  # nothing has to be exported
    monkeypatch.setattr(ledger, "open_classifier", on_torch)
    quick = settings(branch_epochs=1, tolerance=0.3, after="pool2").model_dump()
    steps = (
        ("early_exits", quick),
        ("magnitude_pruning", {"epochs": 0, "layers": "conv2"}),
    )
    result, events = run(toy_model(), tmp_path, *steps, dataset=StripeFaces())
    notes = [event.what for event in events if isinstance(event, Note)]
    assert sum("validation images leave early" in what for what in notes) == 2
    network = packing.load_variant(result.file).module
    assert isinstance(network, BranchyNet)
    assert not network.is_stale
    assert float(network.tolerance) == pytest.approx(0.3)


def test_stale_thresholds_are_reported_where_they_cannot_be_chosen_again(branchy, tmp_path):
    set_limits(branchy, 0.5, NEVER)
    assert not branchy.module.is_stale
    with torch.no_grad():
        branchy.module.conv1.weight.mul_(1.5)
    result, events = finish(exits.recalibrated(branchy, context_for(tmp_path, branchy)))
    assert result is branchy
    assert [event.what for event in events] == ["exit thresholds are stale, recalibrate"]


def test_the_step_on_a_network_with_exits_only_calibrates(branchy, tmp_path):
    context = context_for(tmp_path, branchy, StripeFaces())
    planned = METHOD.plan(branchy, settings(epochs=5, branch_epochs=5))
    assert planned.epochs == 0
    result, _ = finish(METHOD.apply(branchy, settings(epochs=5, tolerance=0.5), context))
    assert result.info.structure == branchy.info.structure
    weights = [name for name, _ in result.module.named_parameters()]
    before = branchy.module.state_dict()
    assert all(torch.equal(result.module.state_dict()[name], before[name]) for name in weights)
    assert result.module.thresholds.max() > 0
