import numpy as np
import pytest

from emostudio.core.emotions import EMOTIONS, Emotion
from emostudio.core.errors import InputError, JobCancelled
from emostudio.core.model_info import ModelInfo, Preprocessing
from emostudio.data.base import Split
from emostudio.evaluation.accuracy import (
    compare,
    compare_all,
    evaluate,
    evaluate_paired,
    validation_temperature,
)
from emostudio.inference.classifier import Classifier

GEOMETRY = Preprocessing(height=8, width=8, channels=1, scale=1.0)
SEVEN = tuple(emotion for emotion in EMOTIONS if emotion is not Emotion.CONTEMPT)


class _Pictures:
    """A dataset whose pictures carry in their first pixel what a model should answer."""

    name = "pictures"

    def __init__(self, emotions, answers=None, splits=None, subjects=None):
        self.emotions = np.array(emotions, dtype=np.int8)
        self.splits = np.full(len(emotions), Split.TEST) if splits is None else np.array(splits)
        self.subjects = np.full(len(emotions), -1) if subjects is None else np.array(subjects)
        self.answers = self.emotions if answers is None else np.array(answers)

    def indices(self, split):
        return np.flatnonzero(self.splits == split)

    def pixels(self, preprocessing):
        pixels = np.zeros((len(self.emotions), *preprocessing.input_shape[1:], 1), dtype=np.uint8)
        pixels[:, 0, 0, 0] = self.answers
        return pixels


class _Reader:
    """Answers with the canonical emotion written in the first pixel, in its own label order."""

    engine = "reader"
    kernels = "real"

    def __init__(self, labels):
        self.labels = labels

    def run(self, batch):
        logits = np.zeros((len(batch), len(self.labels)), dtype=np.float32)
        for row, code in zip(logits, batch[:, 0, 0, 0].astype(int), strict=True):
            row[self.labels.index(EMOTIONS[code])] = 5
        return logits

    def close(self):
        pass


def _classifier(labels=EMOTIONS) -> Classifier:
    info = ModelInfo(name="m", architecture="t", labels=labels, preprocessing=GEOMETRY)
    return Classifier(_Reader(labels), info)


def test_a_perfect_model_is_right_on_every_picture():
    result = evaluate(_classifier(), _Pictures([0, 1, 2, 3, 4, 5, 6, 7] * 4), Split.TEST, "m")
    assert (result.accuracy, result.macro_f1, result.balanced_accuracy) == (1, 1, 1)
    assert result.samples == 32
    assert result.accuracy_interval == pytest.approx((0.8928, 1.0), abs=1e-4)
    assert result.engine == "reader"


def test_labels_are_matched_by_name_not_by_place():
    backwards = tuple(reversed(EMOTIONS))
    result = evaluate(_classifier(backwards), _Pictures([0, 3, 3, 7]), Split.TEST, "m")
    assert result.accuracy == 1
    assert result.labels == backwards
    assert result.confusion[backwards.index(Emotion.HAPPINESS)][4] == 2


def test_confusion_by_hand():
    data = _Pictures([0, 0, 0, 1, 1], answers=[0, 0, 1, 1, 5])
    result = evaluate(_classifier(), data, Split.TEST, "m")
    assert result.confusion[0][:2] == (2, 1)
    assert (result.confusion[1][1], result.confusion[1][5]) == (1, 1)
    assert result.accuracy == pytest.approx(3 / 5)
    assert result.balanced_accuracy == pytest.approx((2 / 3 + 1 / 2) / 2)


def test_only_the_asked_split_counts():
    data = _Pictures([0, 1, 2], answers=[0, 2, 2], splits=[Split.TEST, Split.TRAIN, Split.TEST])
    result = evaluate(_classifier(), data, Split.TEST, "m")
    assert (result.samples, result.accuracy) == (2, 1)


def test_pictures_the_model_has_no_word_for_are_dropped_and_counted():
    contempt = Emotion.CONTEMPT.position
    data = _Pictures([0, 1, contempt, contempt, -1], answers=[0, 1, 2, 3, 4])
    result = evaluate(_classifier(SEVEN), data, Split.TEST, "m")
    assert (result.samples, result.dropped, result.accuracy) == (2, 3, 1)


def test_answers_for_a_class_the_data_lack_are_wrong():
    data = _Pictures([0, 1], answers=[0, Emotion.CONTEMPT.position])
    assert evaluate(_classifier(), data, Split.TEST, "m").accuracy == 0.5


def test_nothing_to_evaluate_is_said():
    with pytest.raises(InputError, match="no labelled image"):
        evaluate(_classifier(), _Pictures([-1, -1]), Split.TEST, "m")


def test_models_of_seven_and_eight_classes_are_paired_on_common_pictures():
    contempt = Emotion.CONTEMPT.position
    truth = [0, 1, 2, contempt]
    seven = evaluate_paired(
        _classifier(SEVEN), _Pictures(truth, answers=[0, 1, 3, 0]), Split.TEST, "seven"
    )
    eight = evaluate_paired(_classifier(), _Pictures(truth), Split.TEST, "eight")
    paired = compare(seven, eight)
    assert paired.difference == pytest.approx(1 / 3)
    assert paired.agreement == pytest.approx(2 / 3)
    assert (paired.a, paired.b) == ("seven", "eight")


def test_agreement_is_about_emotions_not_places():
    data = _Pictures([0, 1, 2, 3])
    a = evaluate_paired(_classifier(), data, Split.TEST, "a")
    b = evaluate_paired(_classifier(tuple(reversed(EMOTIONS))), data, Split.TEST, "b")
    assert compare(a, b).agreement == 1


def test_every_model_is_compared_with_the_first():
    data = _Pictures([0] * 30)
    good = evaluate_paired(_classifier(), data, Split.TEST, "good")
    bad = evaluate_paired(_classifier(), _Pictures([0] * 30, answers=[1] * 30), Split.TEST, "bad")
    (first, second) = compare_all([good, bad, good])
    assert (first.a, first.b, first.difference) == ("good", "bad", -1.0)
    assert first.p_value < 1e-8
    assert (second.difference, second.p_value) == (0, 1)


def test_people_widen_the_interval():
    answers = [0] * 10 + [1] * 10 + [0] * 20
    subjects = np.repeat([1, 2, 3, 4], 10)
    args = {"emotions": [0] * 40, "subjects": subjects}
    good = evaluate_paired(_classifier(), _Pictures(**args), Split.TEST, "a")
    bad = evaluate_paired(_classifier(), _Pictures(answers=answers, **args), Split.TEST, "b")
    low, high = compare(good, bad).interval
    assert low == -0.75
    assert high >= 0.0


def test_a_cancelled_evaluation_stops():
    def cancel(fraction, message):
        raise JobCancelled("stop")

    with pytest.raises(JobCancelled):
        evaluate(_classifier(), _Pictures([0, 1]), Split.TEST, "m", cancel)


def test_the_temperature_comes_from_validation_images_only():
    splits = [Split.VALIDATION] * 20 + [Split.TEST] * 20
    # always sure of itself, but wrong in a quarter of the validation images
    answers = ([0, 0, 0, 1] * 5) + [0] * 20
    data = _Pictures([0] * 40, answers=answers, splits=splits)
    temperature = validation_temperature(_classifier(), data)
    # 5 / T is the logit at which the first of eight classes has probability 3/4
    assert temperature == pytest.approx(5 / np.log(3 * 7), rel=0.35)
    result = evaluate_paired(_classifier(), data, Split.TEST, "m", temperature=temperature).result
    assert result.accuracy == 1
    assert result.calibration.temperature == temperature
    assert result.calibration.error < result.calibration.error_scaled


def test_without_validation_images_there_is_no_temperature():
    assert validation_temperature(_classifier(), _Pictures([0, 1])) is None


def test_pairs_carry_the_counts_the_bootstrap_and_the_corrected_p_value():
    truth = [0] * 40
    first = evaluate_paired(_classifier(), _Pictures(truth, subjects=[0, 1] * 20), Split.TEST, "a")
    worse = _Pictures(truth, answers=[1] * 10 + [0] * 30, subjects=[0, 1] * 20)
    others = [evaluate_paired(_classifier(), worse, Split.TEST, name) for name in "bc"]
    pairs = compare_all([first, *others])
    assert (pairs[0].only_a, pairs[0].only_b) == (10, 0)
    assert (pairs[0].bootstrap.unit, pairs[0].bootstrap.units) == ("subjects", 2)
    assert pairs[0].p_holm == pytest.approx(2 * pairs[0].p_value)
