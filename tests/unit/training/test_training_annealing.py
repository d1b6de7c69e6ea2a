import numpy as np
import pytest
import torch
from training_fakes import StripeDataset, info_of, run_to_end, tiny_network

from emostudio.core.events import EpochDone
from emostudio.core.job_context import JobContext
from emostudio.training.batches import Batches
from emostudio.training.loop import train
from emostudio.training.objectives import Annealed, Outcome, Supervised
from emostudio.training.settings import TrainingSettings


class Recording(Supervised):
    """Remembers at which moments of the training it was prepared."""

    def __init__(self):
        super().__init__()
        self.moments = []

    def anneal(self, progress):
        self.moments.append(progress)


class Unjudged:
    """A loss without anything to be right or wrong about."""

    key, needs_labels, starts_at_chance = "unjudged", False, False

    def outcome(self, logits, batch):
        return Outcome((logits**2).mean(), torch.full((len(logits),), -1))


def settings(epochs):
    return TrainingSettings(epochs=epochs, batch_size=16, ema_decay=0.0, early_stop_patience=0)


def trained(objective, folder, epochs=2):
    context = JobContext(folder=folder, seed=0)
    network = tiny_network()
    return run_to_end(
        train(network, objective, StripeDataset(), info_of(), settings(epochs), context)
    )


def test_an_annealed_objective_is_told_how_far_the_training_is(tmp_path):
    objective = Recording()
    assert isinstance(objective, Annealed)
    _, result = trained(objective, tmp_path)
    steps = result.steps
    # once before each step, and at the end of each epoch for the validation
    expected = [number / steps for number in range(steps + 1)]
    middle = steps // 2
    expected.insert(middle, expected[middle])
    assert objective.moments == pytest.approx(expected)


def test_a_training_without_anything_to_judge_by_reports_no_error(tmp_path):
    events, result = trained(Unjudged(), tmp_path)
    epochs = [event for event in events if isinstance(event, EpochDone)]
    assert [epoch.validation_error for epoch in epochs] == [None, None]
    assert all(epoch.validation_loss is not None for epoch in epochs)
    assert result.macro_f1 is None
    assert result.best_epoch == 2


def test_every_training_picture_is_shown_once_as_it_is(tmp_path):
    dataset = StripeDataset()
    context = JobContext(folder=tmp_path, seed=0)
    batches = Batches(dataset, info_of(), settings(1), context, needs_labels=False)
    shown = batches.unvaried_batches()
    items = np.concatenate([batch.items for batch in shown])
    preprocessing = info_of().preprocessing
    assert len(set(items)) == len(items) == len(np.concatenate(batches.order(0)))
    assert all(batch.view == -1 and not batch.repeats for batch in shown)
    expected = dataset.pixels(preprocessing)[shown[0].items]
    np.testing.assert_array_equal(shown[0].pixels(preprocessing), expected)
