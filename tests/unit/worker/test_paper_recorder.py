"""What a part said: whole curves over kills and stages, and step times of the last training."""

import pytest

from emostudio.core.events import CheckpointSaved, EpochDone, StepDone
from emostudio.worker.paper.recorder import Recorder


def epoch(number, error=0.5, epochs=2):
    return EpochDone(
        epoch=number, epochs=epochs, train_loss=1, train_error=error, validation_error=error / 2,
        learning_rate=0.1, seconds=1,
    )  # fmt: skip


def step(number, ms=50.0):
    return StepDone(
        step=number, epoch=1, loss=1.0, learning_rate=0.1, images_per_s=2e4 / ms, step_ms=ms
    )


def checkpoint(folder, stage="a"):
    file = folder / stage / "checkpoints" / "newest.safetensors"
    return CheckpointSaved(file=str(file), step=1, epoch=1)


def hear(recorder, folder, epochs, stage="a"):
    """Epochs as (number, error), each behind its steps and before its checkpoint."""
    for number, error in epochs:
        recorder.hear(epoch(number, error))
        recorder.hear(checkpoint(folder, stage))


def test_the_recorder_keeps_the_curve_of_a_part_that_was_stopped(tmp_path):
    hear(Recorder(tmp_path), tmp_path, [(1, 0.5), (2, 0.25)])
    second = Recorder(tmp_path)
    hear(second, tmp_path, [(3, 0.1)])
    assert second.train_error == (0.5, 0.25, 0.1)
    assert second.test_error == (0.25, 0.125, 0.05)


def test_an_epoch_done_again_after_a_kill_counts_once(tmp_path):
    first = Recorder(tmp_path)
    hear(first, tmp_path, [(1, 0.5), (2, 0.4)])
    first.hear(epoch(3, 0.35))  # and killed before its checkpoint
    second = Recorder(tmp_path)
    hear(second, tmp_path, [(3, 0.3)])
    assert second.train_error == (0.5, 0.4, 0.3)


def test_a_training_that_went_back_several_epochs_replaces_them(tmp_path):
    hear(Recorder(tmp_path), tmp_path, [(1, 0.5), (2, 0.4), (3, 0.3)])
    second = Recorder(tmp_path)  # the newest checkpoints were damaged
    hear(second, tmp_path, [(2, 0.45), (3, 0.2)])
    assert second.train_error == (0.5, 0.45, 0.2)


def test_a_training_that_starts_anew_replaces_its_curve(tmp_path):
    hear(Recorder(tmp_path), tmp_path, [(1, 0.5), (2, 0.4), (3, 0.3)])
    second = Recorder(tmp_path)
    hear(second, tmp_path, [(1, 0.6)])
    assert second.train_error == (0.6,)


def test_what_was_recorded_of_other_pictures_is_forgotten(tmp_path):
    hear(Recorder(tmp_path, "old"), tmp_path, [(1, 0.5)], "gone")
    second = Recorder(tmp_path, "new")
    hear(second, tmp_path, [(1, 0.4)])
    assert second.train_error == (0.4,)


def test_epochs_of_a_second_stage_are_counted_through(tmp_path):
    first = Recorder(tmp_path)
    hear(first, tmp_path, [(1, 0.5), (2, 0.4)], "a")
    hear(first, tmp_path, [(1, 0.3)], "b")
    second = Recorder(tmp_path)  # the first stage has ended and says nothing any more
    hear(second, tmp_path, [(2, 0.2)], "b")
    assert second.train_error == (0.5, 0.4, 0.3, 0.2)


def test_stages_without_any_checkpoint_are_counted_through(tmp_path):
    recorder = Recorder(tmp_path)
    for number in (1, 2, 1, 2):
        recorder.hear(epoch(number))
    assert len(recorder.train_error) == 4


def time_steps(recorder, times_ms, first=1):
    for number, ms in enumerate(times_ms, first):
        recorder.hear(step(number, ms))


def test_the_first_steps_are_not_timed(tmp_path):
    recorder = Recorder(tmp_path)
    time_steps(recorder, [900.0] * 5 + [50.0] * 10)
    recorder.hear(epoch(1))
    assert (recorder.step.steps, recorder.step.blocks) == (10, 2)
    assert recorder.step.median_ms == pytest.approx(50.0)
    assert recorder.batch_size == 20


def test_the_step_of_the_last_stage_is_told_and_no_other(tmp_path):
    recorder = Recorder(tmp_path)
    for stage, ms in (("a", 100.0), ("b", 50.0)):
        time_steps(recorder, [ms] * 4500)
        hear(recorder, tmp_path, [(1, 0.5)], stage)
    assert recorder.step.median_ms == pytest.approx(50.0)
    assert (recorder.step.steps, recorder.step.trainings) == (4495, 2)


def test_steps_that_are_alike_for_a_while_do_not_narrow_the_interval(tmp_path):
    """Two halves of one time each are two values, however many steps they hold."""
    recorder = Recorder(tmp_path)
    time_steps(recorder, [40.0] * 1005 + [60.0] * 1000)
    recorder.hear(epoch(1))
    found = recorder.step
    assert found.blocks == 20
    assert found.low_ms < 46
    assert found.high_ms > 52
    assert found.median_ms == pytest.approx((40 * 60) ** 0.5)


def test_too_few_steps_have_no_time(tmp_path):
    recorder = Recorder(tmp_path)
    time_steps(recorder, [50.0] * 14)
    recorder.hear(epoch(1))
    assert recorder.step is None
