import itertools
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from training_fakes import (
    FakeClassifier,
    StripeDataset,
    info_of,
    run_to_end,
    state_hash,
    tiny_network,
)

from emostudio.core.emotions import EMOTIONS
from emostudio.core.errors import DivergedError, EmoStudioError, InputError
from emostudio.core.events import CheckpointSaved, EpochDone, Note, StepDone
from emostudio.core.job_context import JobContext
from emostudio.data.base import Split
from emostudio.training import keeper as training_keeper
from emostudio.training import run as training_run
from emostudio.training.checkpoints import CheckpointStore
from emostudio.training.loop import TrainResult, train
from emostudio.training.objectives import Hinton, LabelsOnly, SoftmaxKld, Supervised
from emostudio.training.settings import TrainingSettings
from emostudio.training.teachers import Teacher

QUICK = {"epochs": 3, "batch_size": 16}


def start(folder, module=None, dataset=None, objective=None, after_step=None, **settings):
    context = {key: settings.pop(key) for key in ("report", "checkpoint_requested", "device")
               if key in settings}  # fmt: skip
    return train(
        module if module is not None else tiny_network(),
        objective or Supervised(),
        dataset or StripeDataset(),
        info_of(),
        TrainingSettings(**{**QUICK, **settings}),
        JobContext(folder=folder, **context),
        after_step=after_step,
    )


def of_type(events, kind):
    return [event for event in events if isinstance(event, kind)]


def test_network_learns_and_says_so(tmp_path):
    events, result = run_to_end(start(tmp_path, epochs=15, learning_rate=0.01))
    epochs = of_type(events, EpochDone)
    assert [event.epoch for event in epochs] == list(range(1, 16))
    assert epochs[-1].train_loss < epochs[0].train_loss / 2
    assert epochs[-1].validation_error < 0.1
    steps = of_type(events, StepDone)
    assert [event.step for event in steps] == list(range(1, len(steps) + 1))
    assert result.steps == len(steps)
    assert (result.epochs, result.stopped) == (15, "epochs")
    assert result.macro_f1 > 0.9
    assert len(result.history) == 15


def test_test_split_is_never_looked_at(tmp_path):
    dataset = StripeDataset()
    run_to_end(start(tmp_path, dataset=dataset))
    assert set(dataset.asked) == {Split.TRAIN, Split.VALIDATION}


def test_test_pictures_do_not_change_a_bit_of_the_result(tmp_path):
    def trained(folder, fill):
        dataset, module = StripeDataset(), tiny_network()
        dataset._base[dataset.splits == Split.TEST] = fill
        dataset.emotions[dataset.splits == Split.TEST] = 0
        run_to_end(start(folder, module, dataset))
        return state_hash(module)

    assert trained(tmp_path / "a", 0) == trained(tmp_path / "b", 255)


def test_no_epochs_leave_the_network_alone(tmp_path):
    module = tiny_network()
    before = state_hash(module)
    events, result = run_to_end(start(tmp_path, module, epochs=0))
    assert (events, result) == ([], TrainResult())
    assert state_hash(module) == before


@pytest.mark.parametrize("objective", [LabelsOnly, SoftmaxKld, Hinton])
def test_student_learns_from_a_teacher_without_any_label(tmp_path, objective):
    dataset = StripeDataset(unlabelled=True)
    teacher = Teacher(FakeClassifier(side=24))
    events, result = run_to_end(
        start(
            tmp_path,
            dataset=dataset,
            objective=objective(teacher, info_of().labels),
            epochs=15,
            learning_rate=0.01,
        )
    )
    assert of_type(events, EpochDone)[-1].validation_error < 0.1, "agreement with the teacher"
    assert result.macro_f1 > 0.9


def test_data_without_a_validation_split_keeps_the_last_weights(tmp_path):
    dataset = StripeDataset()
    dataset.splits[dataset.splits == Split.VALIDATION] = Split.TRAIN
    events, result = run_to_end(start(tmp_path, dataset=dataset))
    assert of_type(events, EpochDone)[-1].validation_error is None
    assert result.macro_f1 is None
    assert result.best_epoch == result.epochs == 3


def test_training_stops_when_validation_no_longer_improves(tmp_path):
    _, result = run_to_end(
        start(tmp_path, epochs=200, learning_rate=0.01, early_stop_patience=3, checkpoint_s=60)
    )
    assert result.stopped == "patience"
    assert result.epochs < 200


def test_best_weights_are_the_ones_kept(tmp_path):
    spoiled = tiny_network()

    def spoil(step, total_steps, optimiser):
        if step > total_steps * 2 / 3:
            with torch.no_grad():
                spoiled[6].weight.zero_()

    _, result = run_to_end(
        start(tmp_path, spoiled, after_step=spoil, epochs=9, learning_rate=0.02, ema_decay=0.0)
    )
    assert result.best_epoch <= 6
    assert spoiled[6].weight.abs().sum() > 0


def test_last_weights_are_kept_on_request(tmp_path):
    module = tiny_network()

    def hold(step, total_steps, optimiser):
        with torch.no_grad():
            module[6].bias.fill_(step)

    _, result = run_to_end(
        start(tmp_path, module, after_step=hold, keep="last", ema_decay=0.0, epochs=4)
    )
    assert result.best_epoch == 4
    assert module[6].bias.tolist() == [result.steps] * 4


def test_hook_runs_after_every_step_with_the_number_of_steps(tmp_path):
    calls = []
    events, _ = run_to_end(start(tmp_path, after_step=lambda *call: calls.append(call)))
    steps = len(of_type(events, StepDone))
    assert [call[:2] for call in calls] == [(step, steps) for step in range(1, steps + 1)]
    assert isinstance(calls[0][2], torch.optim.Optimizer)


def test_masked_weights_stay_zero_in_network_and_average(tmp_path):
    module = tiny_network()
    mask = torch.rand(8, 3, 3, 3, generator=torch.Generator().manual_seed(0)) > 0.5

    def put_mask(*_):
        with torch.no_grad():
            module[0].weight.mul_(mask)

    put_mask()
    run_to_end(start(tmp_path, module, after_step=put_mask))
    assert module[0].weight[~mask].abs().max() == 0
    assert module[0].weight[mask].abs().min() > 0


def test_frozen_weights_stay_as_they_are(tmp_path):
    module = tiny_network()
    module[0].weight.requires_grad_(requires_grad=False)
    before = module[0].weight.clone()
    run_to_end(start(tmp_path, module))
    assert torch.equal(module[0].weight, before)


def test_time_limit_ends_the_training_with_the_schedule_at_its_end(tmp_path, monkeypatch):
    ticks = itertools.count()
    clock = SimpleNamespace(perf_counter=lambda: next(ticks) * 0.01)
    monkeypatch.setattr(training_run, "time", clock)
    events, result = run_to_end(
        start(tmp_path, epochs=10_000, time_limit_s=1.0, early_stop_patience=0, warmup_epochs=0)
    )
    assert result.stopped == "time"
    assert 0.9 < result.seconds <= 1.0
    rates = [event.learning_rate for event in of_type(events, StepDone)]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < rates[0] / 20
    assert [event.type for event in events[-2:]] == ["epoch", "checkpoint"]


def test_progress_is_reported_after_every_step(tmp_path):
    fractions = []
    events, _ = run_to_end(
        start(tmp_path, report=lambda fraction, message: fractions.append(fraction))
    )
    assert len(fractions) >= len(of_type(events, StepDone))
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1.0)


def test_requested_checkpoint_is_written_at_once(tmp_path):
    requests = iter([False, True])
    events, _ = run_to_end(start(tmp_path, checkpoint_requested=lambda: next(requests, False)))
    assert [event.type for event in events[:3]] == ["step", "step", "checkpoint"]
    assert of_type(events, CheckpointSaved)[0].step == 2


def test_every_epoch_ends_with_a_checkpoint(tmp_path):
    events, _ = run_to_end(start(tmp_path))
    assert [event.epoch for event in of_type(events, CheckpointSaved)] == [1, 2, 3]


def test_checkpoints_within_an_epoch_are_at_most_the_interval_apart(tmp_path, monkeypatch):
    ticks = itertools.count()
    clock = SimpleNamespace(monotonic=lambda: next(ticks) * 29.0)
    monkeypatch.setattr(training_keeper, "time", clock)
    events, _ = run_to_end(start(tmp_path, epochs=1, batch_size=2))
    saved = [event.step for event in of_type(events, CheckpointSaved)]
    assert len(saved) > 3
    assert max(b - a for a, b in itertools.pairwise([0, *saved])) <= 3


def test_full_disk_is_told_and_training_goes_on(tmp_path, monkeypatch):
    def refuse(*args, **named):
        raise EmoStudioError("Could not write", why="No space left on device")

    monkeypatch.setattr(CheckpointStore, "save", refuse)
    events, result = run_to_end(start(tmp_path))
    assert result.epochs == 3
    notes = of_type(events, Note)
    assert len(notes) == 3
    assert "No space left" in notes[0].why


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("layer", ["0.weight", "1.running_var", "6.bias"])
def test_broken_weight_stops_at_once_naming_step_and_layer(tmp_path, layer, value):
    module = tiny_network()

    def break_layer(step, total_steps, optimiser):
        if step == 6:
            with torch.no_grad():
                module.state_dict()[layer][0] = value

    generator = start(tmp_path, module, after_step=break_layer, checkpoint_s=0.0)
    with pytest.raises(DivergedError, match=rf"step 6 in {layer}"):
        run_to_end(generator)
    checkpoint, _ = CheckpointStore(tmp_path / "checkpoints").load_newest()
    assert checkpoint.facts["counters"]["step"] == 5
    for name, tensor in checkpoint.tensors.items():
        assert torch.isfinite(tensor.float()).all(), name


class Exploding(nn.Module):
    def forward(self, features):
        return features * float("inf")


def test_broken_output_stops_at_once_naming_the_layer(tmp_path):
    module = tiny_network()
    module[4] = Exploding()
    with pytest.raises(DivergedError, match="step 1 in 4"):
        run_to_end(start(tmp_path, module))


def test_broken_gradient_stops_before_the_weights_break(tmp_path):
    module = tiny_network()
    module[6].weight.register_hook(lambda grad: grad * float("nan"))
    with pytest.raises(DivergedError, match=r"step 1 in 6\.weight"):
        run_to_end(start(tmp_path, module))
    assert all(torch.isfinite(tensor).all() for tensor in module.state_dict().values())


def test_network_that_never_starts_to_learn_is_stopped_with_advice(tmp_path):
    module = tiny_network()
    with torch.no_grad():
        module[6].weight.zero_()
        module[6].bias.zero_()
    for parameter in module[6].parameters():
        parameter.requires_grad_(requires_grad=False)
    with pytest.raises(DivergedError, match="does not start to learn") as caught:
        run_to_end(start(tmp_path, module, epochs=100, early_stop_patience=0))
    assert "learning rate" in caught.value.next_step


def test_unknown_device_is_refused(tmp_path):
    if torch.cuda.is_available():
        pytest.skip("this machine has the device")
    with pytest.raises(InputError, match="no device cuda"):
        run_to_end(start(tmp_path, device="cuda"))


def test_labels_that_do_not_occur_are_refused(tmp_path):
    dataset = StripeDataset()
    dataset.emotions[:] = len(EMOTIONS) - 1
    with pytest.raises(InputError, match="nothing to train on"):
        run_to_end(start(tmp_path, dataset=dataset))


def test_threads_are_put_back_and_the_network_ends_on_the_cpu(tmp_path):
    module = tiny_network()
    run_to_end(start(tmp_path, module))
    assert torch.get_num_threads() == 1
    assert module[0].weight.is_contiguous()
    assert module[0].weight.device.type == "cpu"


def test_averaging_smooths_the_weights(tmp_path):
    modules = [tiny_network(), tiny_network()]
    for module, decay, name in zip(modules, (0.0, 0.99), "ab", strict=True):
        run_to_end(start(tmp_path / name, module, ema_decay=decay, keep="last", epochs=1))
    start_weights = tiny_network()[0].weight
    moved = [float((module[0].weight - start_weights).detach().abs().mean()) for module in modules]
    assert 0 < moved[1] < moved[0]


def test_biases_and_normalisation_do_not_decay(tmp_path):
    def shrunk(decay):
        module = tiny_network()
        with torch.no_grad():
            module[1].weight.fill_(1.0)
        run_to_end(
            start(tmp_path / str(decay), module, weight_decay=decay, optimiser="sgd", epochs=1,
                  learning_rate=1e-3, keep="last")
        )  # fmt: skip
        return module

    plain, decayed = shrunk(0.0), shrunk(0.5)
    assert decayed[6].weight.norm() < plain[6].weight.norm()
    np.testing.assert_allclose(decayed[1].weight.detach(), plain[1].weight.detach(), atol=1e-4)
