import base64

import cv2
import numpy as np
import pytest

from emostudio.core.errors import InputError
from emostudio.evaluation.changes import changes
from emostudio.workspace.answer_files import AnswerFile, ModelAnswers


class _Pictures:
    name, fingerprint = "pictures", "as asked"

    def __init__(self, emotions):
        self.emotions = np.array(emotions, dtype=np.int8)
        self.items = tuple(f"{place}.png" for place in range(len(emotions)))

    def __len__(self):
        return len(self.emotions)

    def image(self, place):
        return np.full((300, 200, 3), (10 * place, 0, 255), dtype=np.uint8)


def said(answers, images=None, confidences=None):
    images = images or range(len(answers))
    return ModelAnswers(
        images=tuple(images),
        answers=tuple(answers),
        confidences=tuple(confidences or [0.5] * len(answers)),
    )


def answers(samples=6, fingerprint="as asked", **models):
    return AnswerFile(
        dataset="pictures", split="test", samples=samples, fingerprint=fingerprint, models=models
    )


PICTURES = _Pictures([0, 1, 2, 3, 4, 5])
TEACHER = said([0, 1, 2, 3, 7, 7])


def test_lost_gained_and_other_changes_are_counted():
    variant = said([0, 1, 7, 7, 4, 6])  # two lost, one gained, one wrong in another way
    (found,) = changes(PICTURES, answers(teacher=TEACHER, small=variant), ["teacher", "small"])
    assert (found.pictures, found.changed, found.lost, found.gained) == (6, 4, 2, 1)
    assert [(one.item, one.truth) for one in found.shown][2:] == [
        ("4.png", "sadness"),
        ("5.png", "surprise"),
    ]


def test_the_surest_errors_come_first_and_no_more_than_asked():
    variant = said([7, 7, 7, 3, 7, 7], confidences=[0.3, 0.9, 0.6, 0.5, 0.5, 0.5])
    found = answers(teacher=TEACHER, small=variant)
    (shown,) = changes(PICTURES, found, ["teacher", "small"], most=2)
    assert [one.item for one in shown.shown] == ["1.png", "2.png"]
    assert shown.shown[0].confidence_now == 0.9
    assert shown.changed == 3


def test_only_pictures_that_count_for_both_are_compared():
    teacher = said([1, 2, 3], images=[1, 2, 3])
    variant = said([2, 7], images=[2, 4])
    (found,) = changes(PICTURES, answers(teacher=teacher, small=variant), ["teacher", "small"])
    assert (found.pictures, found.changed, found.shown) == (1, 0, ())


def test_the_faces_are_small_pictures_in_their_own_colours():
    variant = said([7, 1, 2, 3, 7, 7])
    (found,) = changes(PICTURES, answers(teacher=TEACHER, small=variant), ["teacher", "small"])
    content = np.frombuffer(base64.b64decode(found.shown[0].png_base64), dtype=np.uint8)
    face = cv2.imdecode(content, cv2.IMREAD_COLOR)
    assert face.shape == (128, 85, 3)
    assert face[5, 5].tolist() == [255, 0, 0]  # blue in OpenCV's order


@pytest.mark.parametrize(
    ("samples", "fingerprint", "told"),
    [
        (7, "another", "has changed.*7 pictures and has 6"),
        (6, "another", "has changed.*as many pictures as then, but others"),
        (6, "", "may have changed.*Measure the accuracy again"),
    ],
)
def test_a_dataset_that_is_not_the_one_asked_about_is_refused(samples, fingerprint, told):
    found = answers(samples, fingerprint, teacher=TEACHER, small=TEACHER)
    with pytest.raises(InputError, match=told):
        changes(PICTURES, found, ["teacher", "small"])
