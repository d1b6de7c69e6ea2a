import sys

import numpy as np
import pytest

from emostudio.core.events import EpochDone, StageStarted, StepDone
from emostudio.worker.listening import TrainingCosts, heard_costs

STEP = StepDone(epoch=1, step=1, loss=1.0, learning_rate=0.1, step_ms=4.0)
EPOCH = EpochDone(
    epoch=1, epochs=1, train_loss=1.0, train_error=0.5, learning_rate=0.1, seconds=1.0
)
STAGE = StageStarted(index=0, count=1, method="cp", title="CP")
MORE = 80_000_000


def heard(costs, events):
    def work():
        held = []
        for event in events:
            if isinstance(event, int):
                held = [np.ones(event, dtype=np.uint8)]
            else:
                yield event
        return len(held)

    return list(heard_costs(work(), costs))


def test_every_step_is_noted_and_every_event_passed_on():
    costs = TrainingCosts("cpu")
    assert heard(costs, [STEP, STEP, EPOCH]) == [STEP, STEP, EPOCH]
    assert costs.step_ms == [4.0, 4.0]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux counts peaks anew")
def test_training_memory_is_the_highest_between_a_step_and_the_end_of_its_epoch():
    little, much = TrainingCosts("cpu"), TrainingCosts("cpu")
    heard(little, [STEP, EPOCH])
    heard(much, [STEP, MORE, EPOCH])
    assert much.peak_bytes > little.peak_bytes + 0.7 * MORE


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux counts peaks anew")
def test_what_a_decomposition_needs_is_not_training_memory():
    plain, decomposed = TrainingCosts("cpu"), TrainingCosts("cpu")
    heard(plain, [STEP, EPOCH])
    heard(decomposed, [STAGE, MORE, 1, STEP, EPOCH])
    assert decomposed.peak_bytes < plain.peak_bytes + 0.5 * MORE


def test_on_an_accelerator_the_process_says_nothing_about_training_memory():
    costs = TrainingCosts("cuda")
    heard(costs, [STEP, EPOCH])
    assert costs.peak_bytes is None
