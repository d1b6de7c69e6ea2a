"""A run that was stopped, killed or damaged ends with the very weights of one that was not."""

import os
import signal
import time

import pytest
import torch
from training_fakes import (
    FakeClassifier,
    StripeDataset,
    info_of,
    run_to_end,
    state_hash,
    tiny_network,
)

from emostudio.core.errors import JobCancelled
from emostudio.core.events import Note, StepDone
from emostudio.core.job_context import JobContext
from emostudio.core.model_info import StructureRecord
from emostudio.training.loop import train
from emostudio.training.objectives import SoftmaxKld, Supervised
from emostudio.training.settings import TrainingSettings
from emostudio.training.teachers import Teacher

SETTINGS = TrainingSettings(epochs=4, batch_size=16, warmup_epochs=1, ema_decay=0.9)
SGD = SETTINGS.model_copy(update={"optimiser": "sgd", "learning_rate": 0.05})


def start(folder, module, settings=SETTINGS, seed=11, objective=None, info=None, **context):
    return train(
        module,
        objective or Supervised(),
        StripeDataset(),
        info or info_of(),
        settings,
        JobContext(folder=folder, seed=seed, **context),
    )


def finished(folder, settings=SETTINGS, seed=11, objective=None):
    module = tiny_network()
    _, result = run_to_end(start(folder, module, settings, seed, objective))
    figures = [
        {name: value for name, value in epoch.items() if not name.startswith("seconds")}
        for epoch in result.history
    ]
    return state_hash(module), figures, result


def stop_after(generator, steps):
    done = 0
    for event in generator:
        done += isinstance(event, StepDone)
        if done == steps:
            break
    generator.close()


@pytest.mark.parametrize("settings", [SETTINGS, SGD], ids=["adamw", "sgd"])
def test_same_seed_twice_gives_the_same_bits(tmp_path, settings):
    first, second = (finished(tmp_path / name, settings) for name in "ab")
    assert first[:2] == second[:2]
    assert finished(tmp_path / "c", settings, seed=12)[0] != first[0]


@pytest.mark.parametrize("settings", [SETTINGS, SGD], ids=["adamw", "sgd"])
@pytest.mark.parametrize("stops", [[1], [4], [15], [3, 1, 1, 5]])
def test_cancelled_run_ends_with_the_bits_of_an_uninterrupted_one(tmp_path, settings, stops):
    expected = finished(tmp_path / "whole", settings)
    for number, stop in enumerate(stops):
        module = tiny_network(seed=99 if number else 3)
        stop_after(start(tmp_path / "cut", module, settings), stop)
    assert finished(tmp_path / "cut", settings)[:2] == expected[:2]


def test_distilled_run_with_kept_answers_resumes_bit_by_bit(tmp_path):
    settings = SETTINGS.model_copy(update={"views": 2})

    def objective():
        return SoftmaxKld(Teacher(FakeClassifier(side=24)), info_of().labels)

    expected = finished(tmp_path / "whole", settings, objective=objective())
    stop_after(start(tmp_path / "cut", tiny_network(), settings, objective=objective()), 6)
    assert finished(tmp_path / "cut", settings, objective=objective())[:2] == expected[:2]


def test_cancel_from_inside_a_long_call_is_resumed_bit_by_bit(tmp_path):
    expected = finished(tmp_path / "whole")
    calls = 0

    def report(fraction, message):
        nonlocal calls
        calls += 1
        if message == "Validating" and calls > 6:
            raise JobCancelled("Cancelled")

    with pytest.raises(JobCancelled):
        run_to_end(start(tmp_path / "cut", tiny_network(), report=report))
    assert finished(tmp_path / "cut")[:2] == expected[:2]


def test_run_killed_without_notice_at_any_moment_ends_with_the_same_bits(tmp_path):
    settings = SETTINGS.model_copy(update={"checkpoint_s": 0.0})
    started = time.perf_counter()
    expected = finished(tmp_path / "whole", settings)
    duration = time.perf_counter() - started
    for kill in range(12):
        child = os.fork()
        if child == 0:
            try:
                run_to_end(start(tmp_path / "cut", tiny_network(), settings))
            finally:
                os._exit(0)
        time.sleep(duration * (0.1 + 0.9 * ((kill * 0.618) % 1.0)))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert finished(tmp_path / "cut", settings)[:2] == expected[:2]


@pytest.mark.parametrize("pattern", ["general", "local"])
def test_a_checkpoint_of_layers_that_mean_something_else_is_not_taken_up(tmp_path, pattern):
    def told(pattern):
        record = StructureRecord(layer="fc", method="hashed", arguments={"pattern": pattern})
        return info_of().model_copy(update={"structure": (record,)})

    settings = SETTINGS.model_copy(update={"checkpoint_s": 0.0})
    stop_after(start(tmp_path, tiny_network(), settings, info=told("general")), 7)
    events, _ = run_to_end(start(tmp_path, tiny_network(), settings, info=told(pattern)))
    first = next(event.step for event in events if isinstance(event, StepDone))
    assert (first == 1) == (pattern == "local")


def test_damaged_newest_checkpoint_falls_back_to_the_previous_one_and_says_so(tmp_path):
    settings = SETTINGS.model_copy(update={"checkpoint_s": 0.0})
    expected = finished(tmp_path / "whole", settings)
    stop_after(start(tmp_path / "cut", tiny_network(), settings), 7)
    newest = sorted((tmp_path / "cut" / "checkpoints").glob("checkpoint-*.safetensors"))[-1]
    newest.write_bytes(newest.read_bytes()[:-1])
    module = tiny_network()
    events, _ = run_to_end(start(tmp_path / "cut", module, settings))
    notes = [event for event in events if isinstance(event, Note)]
    assert newest.name in notes[0].what
    assert notes[0].level == "warning"
    assert "Resumed after step 6" in notes[1].what
    assert state_hash(module) == expected[0]


def test_finished_run_gives_its_result_again_without_a_step(tmp_path):
    expected = finished(tmp_path)
    module = tiny_network(seed=99)
    events, result = run_to_end(start(tmp_path, module))
    assert not [event for event in events if isinstance(event, StepDone)]
    assert state_hash(module) == expected[0]
    assert result == expected[2]


@pytest.mark.parametrize("change", [{"batch_size": 8}, {"label_smoothing": 0.0}])
def test_checkpoint_of_other_settings_is_not_taken_up(tmp_path, change):
    stop_after(start(tmp_path / "cut", tiny_network()), 5)
    other = SETTINGS.model_copy(update=change)
    module = tiny_network()
    events, _ = run_to_end(start(tmp_path / "cut", module, other))
    assert "starts anew" in events[0].what
    assert state_hash(module) == finished(tmp_path / "fresh", other)[0]


def test_other_thread_count_is_told(tmp_path):
    stop_after(start(tmp_path, tiny_network()), 5)
    events, _ = run_to_end(start(tmp_path, tiny_network(), threads=2))
    assert any("last digits" in event.what for event in events if isinstance(event, Note))


@pytest.mark.gpu
def test_run_on_an_accelerator_is_resumed_bit_by_bit(tmp_path):
    if not torch.cuda.is_available():
        pytest.skip("no accelerator")
    results = []
    for name, stop in (("whole", 0), ("cut", 6)):
        if stop:
            stop_after(start(tmp_path / name, tiny_network(), device="cuda"), stop)
        module = tiny_network()
        run_to_end(start(tmp_path / name, module, device="cuda"))
        results.append(state_hash(module))
    assert results[0] == results[1]
