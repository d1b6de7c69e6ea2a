import numpy as np
import pytest

from emostudio.core.errors import InputError
from emostudio.data.synthetic.animation import AnimatedScene
from emostudio.vision.catalogue import DETECTORS, open_detector
from emostudio.vision.crops import true_emotions


def test_the_three_detectors_are_there():
    assert {"haar", "yunet", "whole_frame"} <= set(DETECTORS.members())


@pytest.mark.parametrize("detector", DETECTORS.members().values(), ids=lambda d: d.key)
def test_every_detector_describes_itself(detector):
    assert detector.title
    assert detector.summary
    assert detector.why_unavailable() == ""


def test_haar_finds_a_drawn_face_where_it_is():
    image, truth = AnimatedScene(320, 240, 1).frame(0.5)
    faces = open_detector("haar").find(image)
    assert set(true_emotions(faces, truth)) & {emotion for _, emotion in truth}


@pytest.mark.parametrize("shape", [(48, 48, 3), (9, 9, 3), (1200, 300, 3)])
@pytest.mark.parametrize("level", [0, 255])
def test_haar_finds_nothing_in_an_empty_picture_of_any_size(shape, level):
    assert open_detector("haar").find(np.full(shape, level, np.uint8)) == []


def test_the_whole_frame_is_one_face():
    assert open_detector("whole_frame").find(np.zeros((30, 40, 3), np.uint8)) == [(0, 0, 40, 30)]


def test_haar_can_be_told_how_often_to_search():
    assert open_detector("haar").every == 3
    assert open_detector("haar:every=7,neighbours=8").every == 7


def test_haar_finds_no_face_smaller_than_it_was_told():
    image, _ = AnimatedScene(320, 240, 1).frame(0.5)
    assert open_detector("haar:smallest=0.1").find(image)
    assert open_detector("haar:smallest=0.9").find(image) == []


@pytest.mark.parametrize(
    ("argument", "why", "next_step"),
    [
        ("haar:every=0", "every", "every, smallest, neighbours"),
        ("haar:evry=3", "there is no such setting", "every, smallest, neighbours"),
        ("haar:every", "every has no value", "Write haar:name=value"),
        ("whole_frame:every=3", "there is no such setting", "none"),
        ("yunet:score=2", "score", "every, score"),
    ],
)
def test_bad_settings_of_a_detector_say_why_and_what_is_allowed(argument, why, next_step):
    with pytest.raises(InputError, match="Bad settings") as raised:
        open_detector(argument)
    assert why in raised.value.why
    assert next_step in raised.value.next_step


def test_a_detector_says_whether_it_needs_a_file():
    needing = {entry.key for entry in DETECTORS.describe() if entry.needs_file}
    assert needing == {"yunet"}


def test_yunet_asks_for_its_file():
    with pytest.raises(InputError, match="needs its model file"):
        open_detector("yunet")


@pytest.mark.parametrize("content", [b"", b"not a model", bytes(5000)])
@pytest.mark.parametrize("key", ["yunet", "haar"])
def test_a_damaged_detector_file_is_refused(tmp_path, key, content):
    path = tmp_path / "model.bin"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"model\.bin"):
        open_detector(key, str(path))


def test_a_missing_detector_file_and_an_unknown_detector_are_refused(tmp_path):
    with pytest.raises(InputError):
        open_detector("yunet", str(tmp_path / "missing.onnx"))
    with pytest.raises(InputError, match="no detector called"):
        open_detector("guess")
