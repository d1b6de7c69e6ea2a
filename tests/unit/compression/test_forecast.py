from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from compression_fakes import toy_model

from emostudio.compression import forecast
from emostudio.compression.base import PlannedTraining
from emostudio.compression.forecast import Forecast, Stopwatch
from emostudio.compression.planning import plan
from emostudio.core.job_context import JobContext
from emostudio.core.recipe import Recipe, RecipeStep
from emostudio.inference.catalogue import open_classifier
from emostudio.training.pace import Pace
from emostudio.training.settings import TrainingSettings

ONE_SECOND = Pace(1.0, 1.0, 0.0, 0.0)
EACH = {"anger": 5, "disgust": 5, "fear": 5, "happiness": 5, "sadness": 100, "unlabelled": 7}


@pytest.fixture
def timed(monkeypatch):
    """Replace measuring by one second per picture; what was asked for is noted."""
    asked = []

    def measure(module, objective, info, settings, context):
        asked.append((module, objective, settings))
        return ONE_SECOND

    monkeypatch.setattr(forecast, "measure_pace", measure)
    monkeypatch.setattr(forecast, "open_classifier", partial(open_classifier, engine="torch"))
    return asked


def recipe(*steps):
    return Recipe(steps=tuple(RecipeStep(method=key, settings=values) for key, values in steps))


def forecast_for(teacher, tmp_path, counts=None):
    counts = {"train": EACH} if counts is None else counts
    return Forecast(teacher, counts, JobContext(folder=tmp_path), Stopwatch())


def seconds(teacher, tmp_path, *steps, counts=None):
    return plan(teacher, recipe(*steps), forecast_for(teacher, tmp_path, counts)).training_seconds


def test_a_real_network_without_values_can_be_timed(teacher, tmp_path):
    planned = plan(teacher, recipe(("magnitude_pruning", {"epochs": 2})))
    assert planned.training_seconds is None
    measured = seconds(teacher, tmp_path, ("magnitude_pruning", {"epochs": 2, "batch_size": 4}))
    assert 0.0 < measured < 600.0


def test_pictures_the_network_has_a_label_for_count(teacher, tmp_path, timed):
    assert seconds(teacher, tmp_path, ("magnitude_pruning", {"epochs": 3})) == 3 * 20


def test_all_pictures_count_where_the_teacher_is_asked(teacher, tmp_path, timed):
    step = ("magnitude_pruning", {"epochs": 1, "distillation_weight": 0.5})
    assert seconds(teacher, tmp_path, step) == sum(EACH.values())


def test_without_labels_the_teacher_is_asked(teacher, tmp_path, timed):
    step = ("magnitude_pruning", {"epochs": 1})
    assert seconds(teacher, tmp_path, step, counts={"train": {"unlabelled": 9}}) == 9
    assert type(timed[0][1]).__name__ == "SoftmaxKld"


def test_all_trainings_of_a_recipe_add_up(teacher, tmp_path, timed):
    steps = ("magnitude_pruning", {"epochs": 2}), ("weight_sharing", {"epochs": 1})
    assert seconds(teacher, tmp_path, *steps) == 3 * 20


def test_short_trainings_between_decompositions_count(teacher, tmp_path, timed):
    step = ("cp", {"layers": "conv2 conv3", "rank": 2, "epochs": 3, "epochs_per_layer": 2})
    assert seconds(teacher, tmp_path, step) == (2 + 3) * 20


def test_a_student_is_timed_as_its_own_architecture(teacher, tmp_path, timed):
    step = ("distill_softmax", {"architecture": "toy", "epochs": 2})
    assert seconds(teacher, tmp_path, step) == 2 * sum(EACH.values())


def test_a_recipe_without_training_takes_no_time(teacher, tmp_path, timed):
    assert seconds(teacher, tmp_path, ("magnitude_pruning", {"epochs": 0})) == 0.0
    assert timed == []


def test_a_refused_recipe_has_no_time(teacher, tmp_path, timed):
    assert seconds(teacher, tmp_path, ("huffman", {})) is None


def test_the_same_kind_of_training_is_measured_once(teacher, tmp_path, timed):
    stopwatch, context = Stopwatch(), JobContext(folder=tmp_path)
    training = PlannedTraining(TrainingSettings(epochs=2))
    longer = PlannedTraining(TrainingSettings(epochs=9, learning_rate=0.5))
    stopwatch.pace(teacher, training, teacher, context)
    stopwatch.pace(toy_model(seed=4, name="other weights"), longer, teacher, context)
    assert len(timed) == 1


@pytest.mark.parametrize("change", [{"batch_size": 3}, {"optimiser": "sgd"}])
def test_other_settings_are_measured_anew(teacher, tmp_path, timed, change):
    stopwatch, context = Stopwatch(), JobContext(folder=tmp_path)
    for settings in (TrainingSettings(), TrainingSettings(**change)):
        stopwatch.pace(teacher, PlannedTraining(settings), teacher, context)
    assert len(timed) == 2


def test_other_threads_are_measured_anew(teacher, tmp_path, timed):
    stopwatch, context = Stopwatch(), JobContext(folder=tmp_path)
    for threads in (1, 2):
        with_threads = replace(context, threads=threads)
        stopwatch.pace(teacher, PlannedTraining(TrainingSettings()), teacher, with_threads)
    assert len(timed) == 2


def test_measuring_leaves_the_teacher_as_it_is(teacher, tmp_path):
    before = {name: value.clone() for name, value in teacher.network().state_dict().items()}
    stopwatch = Stopwatch()
    settings = TrainingSettings(batch_size=4)
    stopwatch.pace(teacher, PlannedTraining(settings), teacher, JobContext(folder=tmp_path))
    after = teacher.network().state_dict()
    assert all(np.array_equal(before[name], after[name]) for name in before)
