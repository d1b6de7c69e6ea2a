import numpy as np
import pytest
import torch
from training_fakes import FakeClassifier, StripeDataset, info_of

from emostudio.core.emotions import EMOTIONS
from emostudio.core.job_context import JobContext
from emostudio.inference.classifier import Classifier
from emostudio.inference.engines.torch import TorchSession
from emostudio.models.catalogue import build, new_info
from emostudio.models.loaded import LoadedModel
from emostudio.training.batches import Batches
from emostudio.training.settings import TrainingSettings
from emostudio.training.teachers import Teacher


def batches_of(tmp_path, **settings):
    return Batches(
        StripeDataset(),
        info_of(),
        TrainingSettings(batch_size=16, **settings),
        JobContext(folder=tmp_path),
        needs_labels=False,
    )


def test_teacher_sees_the_same_variation_at_its_own_size(tmp_path):
    classifier = FakeClassifier(side=24)
    teacher = Teacher(classifier)
    batch = batches_of(tmp_path).training_batch(np.arange(6), 0)
    teacher.probabilities(batch)
    assert np.array_equal(classifier.asked[0], batch.pixels(classifier.info.preprocessing))
    assert classifier.asked[0].shape == (6, 24, 24, 3)


def test_changing_views_are_asked_about_every_time(tmp_path):
    classifier = FakeClassifier()
    teacher, batches = Teacher(classifier), batches_of(tmp_path)
    for epoch in range(3):
        teacher.probabilities(batches.training_batch(np.arange(6), epoch))
    assert sum(len(pixels) for pixels in classifier.asked) == 18


@pytest.mark.parametrize(("settings", "views"), [({"augmentation": False}, 1), ({"views": 2}, 2)])
def test_views_that_come_again_are_asked_about_once(tmp_path, settings, views):
    classifier = FakeClassifier()
    teacher, batches = Teacher(classifier), batches_of(tmp_path, **settings)
    answers = [
        teacher.probabilities(batches.training_batch(np.arange(6), epoch)) for epoch in range(4)
    ]
    assert sum(len(pixels) for pixels in classifier.asked) == 6 * views
    assert (answers[0] == answers[2]).all()


def test_kept_answers_follow_the_picture_and_not_its_place(tmp_path):
    teacher, batches = Teacher(FakeClassifier()), batches_of(tmp_path, augmentation=False)
    first = teacher.probabilities(batches.training_batch(np.array([3, 8, 1]), 0))
    second = teacher.probabilities(batches.training_batch(np.array([1, 3, 8, 2]), 1))
    assert (second[[1, 2, 0]] == first).all()


def test_kept_answers_do_not_depend_on_what_was_asked_before(tmp_path):
    batches = batches_of(tmp_path, augmentation=False)
    warm = Teacher(FakeClassifier())
    warm.probabilities(batches.training_batch(np.array([5, 6]), 0))
    late = batches.training_batch(np.array([6, 7, 5]), 1)
    fresh = Teacher(FakeClassifier())
    assert (warm.probabilities(late) == fresh.probabilities(late)).all()


def test_labels_are_the_most_probable_classes(tmp_path):
    dataset = StripeDataset()
    teacher = Teacher(FakeClassifier())
    items = dataset.indices(0)[:12]
    batch = batches_of(tmp_path, augmentation=False).training_batch(items, 0)
    assert teacher.predict_labels(batch).tolist() == dataset.truth[items].tolist()
    assert teacher.labels == EMOTIONS[:4]


class GreedyClassifier(FakeClassifier):
    def probabilities(self, pixels):
        torch.set_num_threads(2)
        return super().probabilities(pixels)


def test_threads_of_the_training_outlive_the_engine_of_the_teacher(tmp_path):
    Teacher(GreedyClassifier()).probabilities(batches_of(tmp_path).training_batch(np.arange(2), 0))
    assert torch.get_num_threads() == 1


def test_real_classifier_teaches(tmp_path):
    info = new_info("teacher", "squeezenet1_1", {"input_size": 24}, EMOTIONS[:4])
    model = LoadedModel(info, build(info).eval())
    classifier = Classifier(TorchSession(model.network(), threads=1), info)
    batch = batches_of(tmp_path).training_batch(np.arange(3), 0)
    with torch.inference_mode():
        logits = model.network()(batch.inputs(info.preprocessing))
    expected = torch.softmax(logits, dim=1)
    found = Teacher(classifier).probabilities(batch)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)
