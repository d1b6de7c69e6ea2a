import pytest
import torch
from training_fakes import FakeClassifier, info_of, tiny_network

from emostudio.core.errors import JobCancelled
from emostudio.core.job_context import JobContext
from emostudio.training.objectives import SoftmaxKld, Supervised
from emostudio.training.pace import Pace, measure_pace
from emostudio.training.settings import TrainingSettings
from emostudio.training.teachers import Teacher


def measured(tmp_path, objective=None, **changes):
    settings = TrainingSettings(batch_size=8, **changes)
    context = JobContext(folder=tmp_path)
    return measure_pace(tiny_network(), objective or Supervised(), info_of(), settings, context)


def seconds(pace, training=100, validation=10, **changes):
    return pace.seconds(TrainingSettings(**changes), training, validation)


PACE = Pace(fresh_s=4.0, repeated_s=1.0, first_validation_s=3.0, validation_s=2.0)


def test_every_figure_is_a_positive_time(tmp_path):
    pace = measured(tmp_path)
    assert min(pace.fresh_s, pace.repeated_s, pace.first_validation_s, pace.validation_s) > 0.0


def test_a_repeated_picture_is_not_shown_to_the_teacher_again(tmp_path):
    classifier = FakeClassifier()
    objective = SoftmaxKld(Teacher(classifier), info_of().labels)
    measured(tmp_path, objective, augmentation=False)
    # 3 trial batches of 4 with no validation, 3 batches of 8 and 8 pictures to validate
    assert sum(len(asked) for asked in classifier.asked) == 3 * 4 + 3 * 8 + 8


def test_measuring_can_be_cancelled(tmp_path):
    def cancel(fraction, message):
        raise JobCancelled("Cancelled")

    context = JobContext(folder=tmp_path, report=cancel)
    with pytest.raises(JobCancelled):
        measure_pace(tiny_network(), Supervised(), info_of(), TrainingSettings(), context)


def test_nothing_is_written_and_the_threads_stay(tmp_path):
    threads = torch.get_num_threads()
    measured(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert torch.get_num_threads() == threads


def test_time_is_epochs_times_pictures():
    assert seconds(PACE, epochs=3) == 3 * 4 * 100 + (3 + 2 + 2) * 10


def test_passes_are_cheaper_once_the_views_come_again():
    assert seconds(PACE, epochs=3, views=2) == (4 + 4 + 1) * 100 + (3 + 2 + 2) * 10
    assert seconds(PACE, epochs=3, augmentation=False) == (4 + 1 + 1) * 100 + (3 + 2 + 2) * 10


def test_part_of_the_pictures_takes_part_of_the_time():
    assert seconds(PACE, epochs=1, max_images=50) == 4 * 50 + 3 * 10


def test_a_time_limit_is_kept():
    assert seconds(PACE, epochs=3, time_limit_s=60.0) == 60.0


def test_no_epochs_take_no_time():
    assert seconds(PACE, epochs=0) == 0.0
