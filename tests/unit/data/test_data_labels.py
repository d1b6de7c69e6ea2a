import numpy as np
import pytest

from emostudio.core.emotions import UNLABELLED, Emotion
from emostudio.core.errors import InputError
from emostudio.data.labels import (
    canonical_labels,
    emotion_of,
    emotion_of_code,
    present_labels,
    targets,
)


@pytest.mark.parametrize(
    ("label", "emotion"),
    [
        ("angry", Emotion.ANGER),
        ("Anger", Emotion.ANGER),
        ("HAPPY", Emotion.HAPPINESS),
        ("happiness", Emotion.HAPPINESS),
        ("sad", Emotion.SADNESS),
        ("surprised", Emotion.SURPRISE),
        ("contemptuous", Emotion.CONTEMPT),
        ("disgusted", Emotion.DISGUST),
        ("fearful", Emotion.FEAR),
        ("afraid", Emotion.FEAR),
        ("0_neutral", Emotion.NEUTRAL),
        (" Surprisé ", Emotion.SURPRISE),
    ],
)
def test_every_spelling_becomes_its_emotion(label, emotion):
    assert emotion_of(label) is emotion


@pytest.mark.parametrize("label", ["0", "3", "07", "", "confused", "cat", "\N{GRINNING FACE}"])
def test_integers_and_foreign_words_name_no_emotion(label):
    assert emotion_of(label) is None


def test_the_same_code_means_different_emotions_under_different_schemes():
    assert emotion_of_code("0", "fer2013") is Emotion.ANGER
    assert emotion_of_code(0, "affectnet") is Emotion.NEUTRAL
    assert emotion_of_code("1", "rafdb") is Emotion.SURPRISE


@pytest.mark.parametrize(("code", "scheme"), [("9", "fer2013"), ("-1", "fer2013"), ("x", "ckplus")])
def test_a_code_outside_its_scheme_is_refused(code, scheme):
    with pytest.raises(InputError, match="no code"):
        emotion_of_code(code, scheme)


def test_an_unknown_scheme_is_refused():
    with pytest.raises(InputError, match="scheme"):
        emotion_of_code("1", "guess")


def test_targets_follow_the_models_label_order():
    labels = (Emotion.NEUTRAL, Emotion.ANGER)
    emotions = np.array([Emotion.ANGER.position, Emotion.NEUTRAL.position, UNLABELLED, 3], np.int8)
    assert targets(emotions, labels).tolist() == [1, 0, -1, -1]


def test_labels_of_a_model_are_read_by_name():
    assert canonical_labels(["Angry", "happy"]) == (Emotion.ANGER, Emotion.HAPPINESS)
    with pytest.raises(InputError, match="Two labels"):
        canonical_labels(["angry", "anger"])
    with pytest.raises(InputError, match="Unknown label"):
        canonical_labels(["angry", "bored"])


def test_present_labels_leave_out_the_unlabelled():
    assert present_labels(np.array([-1, 7, 0, 7])) == (Emotion.ANGER, Emotion.NEUTRAL)
