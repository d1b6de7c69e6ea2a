import json
import subprocess
import sys

import pytest

from emostudio.core.events import EpochDone, StepDone
from emostudio.worker.listening import TrainingCosts, heard_costs

STEP = StepDone(epoch=1, step=1, loss=1.0, learning_rate=0.1, step_ms=4.0)
EPOCH = EpochDone(
    epoch=1, epochs=1, train_loss=1.0, train_error=0.5, learning_rate=0.1, seconds=1.0
)
MORE = 80_000_000

# In a process of its own: what other tests left behind here may be given back at any moment,
# and the system takes back pages of a big process when memory is short.
PROGRAM = """
import json, sys
import numpy as np
from emostudio.core.events import EpochDone, StageStarted, StepDone
from emostudio.worker.listening import TrainingCosts, heard_costs

EVENTS = {
    "step": StepDone(epoch=1, step=1, loss=1.0, learning_rate=0.1, step_ms=4.0),
    "epoch": EpochDone(
        epoch=1, epochs=1, train_loss=1.0, train_error=0.5, learning_rate=0.1, seconds=1.0
    ),
    "stage": StageStarted(index=0, count=1, method="cp", title="CP"),
}

def peak_bytes(words):
    def work():
        held = []
        for word in words:
            if word in EVENTS:
                yield EVENTS[word]
            else:
                held = [np.ones(int(word), dtype=np.uint8)]
        return len(held)

    costs = TrainingCosts("cpu")
    list(heard_costs(work(), costs))
    return costs.peak_bytes

print(json.dumps([peak_bytes(words.split()) for words in sys.argv[1:]]))
"""


def peaks(*courses):
    command = [sys.executable, "-c", PROGRAM, *courses]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return json.loads(done.stdout)


def test_every_step_is_noted_and_every_event_passed_on():
    costs = TrainingCosts("cpu")
    assert list(heard_costs(iter([STEP, STEP, EPOCH]), costs)) == [STEP, STEP, EPOCH]
    assert costs.step_ms == [4.0, 4.0]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux counts peaks anew")
def test_training_memory_is_the_highest_between_a_step_and_the_end_of_its_epoch():
    little, much = peaks("step epoch", f"step {MORE} epoch")
    assert much > little + 0.7 * MORE


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux counts peaks anew")
def test_what_a_decomposition_needs_is_not_training_memory():
    plain, decomposed = peaks("step epoch", f"stage {MORE} 1 step epoch")
    assert decomposed < plain + 0.5 * MORE


def test_on_an_accelerator_the_process_says_nothing_about_training_memory():
    costs = TrainingCosts("cuda")
    list(heard_costs(iter([STEP, EPOCH]), costs))
    assert costs.peak_bytes is None
