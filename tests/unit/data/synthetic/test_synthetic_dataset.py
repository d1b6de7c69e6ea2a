"""Sets of drawn faces: names, splits, settings, export, reader."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from emostudio.core.emotions import Emotion
from emostudio.core.errors import InputError, JobCancelled
from emostudio.core.job_context import JobContext
from emostudio.core.settings import parse_settings
from emostudio.data.base import Split
from emostudio.data.labels import emotion_of
from emostudio.data.readers.rafd import READER as RAFD
from emostudio.data.readers.rafd import RafdSettings
from emostudio.data.readers.synthetic import READER
from emostudio.data.synthetic.dataset import (
    DESCRIPTION,
    assign_people,
    draw_faces,
    write_faces,
)
from emostudio.data.synthetic.names import RafdName
from emostudio.data.synthetic.settings import SyntheticSettings

SMALL = SyntheticSettings(
    identities=4, size=24, cameras=("090", "135"), gazes=("frontal",), images_per_combination=2
)


def test_the_databases_example_name_is_written():
    name = RafdName("090", 28, "Caucasian", "male", Emotion.ANGER, "frontal")
    assert name.text() == "Rafd090_28_Caucasian_male_angry_frontal.jpg"


def test_nobody_is_in_two_splits_and_every_split_has_somebody():
    for count in (3, 5, 40, 101):
        people = assign_people(SyntheticSettings(identities=count))
        assert sorted(people) == list(range(1, count + 1))
        assert set(people.values()) == set(Split)
    subjects = {split: set() for split in Split}
    for face in draw_faces(SMALL):
        subjects[face.split].add(face.subject)
    assert not subjects[Split.TRAIN] & subjects[Split.TEST]
    assert not subjects[Split.TRAIN] & subjects[Split.VALIDATION]
    assert not subjects[Split.VALIDATION] & subjects[Split.TEST]


def test_a_set_holds_every_combination_once_with_the_truth_in_the_name():
    faces = list(draw_faces(SMALL))
    assert len(faces) == SMALL.image_count == 4 * 8 * 2 * 2
    assert len({face.file_name for face in faces}) == len(faces)
    for face in faces:
        angle, subject, _, _, word, gaze = Path(face.file_name).stem.split("_")
        assert (angle, int(subject), emotion_of(word), gaze) == (
            f"Rafd{face.camera}",
            face.subject,
            face.emotion,
            face.gaze,
        )


def test_two_passes_over_a_set_give_the_same_bytes():
    first = b"".join(face.image.tobytes() for face in draw_faces(SMALL))
    assert b"".join(face.image.tobytes() for face in draw_faces(SMALL)) == first


def test_settings_are_read_from_command_line_words():
    values = {"cameras": "frontal_and_45", "gazes": "left+right", "emotions": "anger fear"}
    settings = parse_settings(SyntheticSettings, values, "reader synthetic")
    assert settings.cameras == ("045", "090", "135")
    assert settings.gazes == ("left", "right")
    assert settings.emotions == (Emotion.ANGER, Emotion.FEAR)
    assert parse_settings(SyntheticSettings, {"cameras": ["all"]}, "x").cameras[0] == "000"


@pytest.mark.parametrize(
    "values",
    [
        {"cameras": "091"},
        {"emotions": ""},
        {"emotions": "anger+anger"},
        {"identities": 1},
        {"glasses_share": 0.5},
        {"intensity_low": 0.9, "intensity_high": 0.5},
    ],
)
def test_settings_that_make_no_sense_are_refused(values):
    with pytest.raises(InputError):
        parse_settings(SyntheticSettings, values, "reader synthetic")


def test_an_exported_set_is_read_back_as_the_radboud_database(tmp_path):
    folder = tmp_path / "faces"
    assert write_faces(SMALL, folder) == SMALL.image_count
    assert RAFD.recognises(folder) == 0.9
    records = list(RAFD.read(folder, RafdSettings()))
    assert len(records) == SMALL.image_count
    truth = {face.file_name: face for face in draw_faces(SMALL)}
    for record in records:
        assert record.emotion == truth[record.item].emotion
        assert record.subject == str(truth[record.item].subject)


def test_an_exported_png_holds_the_drawn_pixels_and_the_splits_lie_beside(tmp_path):
    settings = SyntheticSettings(
        identities=3, size=24, cameras=("090",), gazes=("frontal",), emotions=(Emotion.FEAR,)
    )
    write_faces(settings, tmp_path, picture_format="png")
    face = next(draw_faces(settings))
    content = (tmp_path / face.file_name).with_suffix(".png").read_bytes()
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(image[..., ::-1], face.image)
    document = json.loads((tmp_path / DESCRIPTION).read_text(encoding="utf-8"))
    listed = {person for people in document["splits"].values() for person in people}
    assert listed == {1, 2, 3}


def test_a_folder_with_something_in_it_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="not empty"):
        write_faces(SMALL, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_cancelled_export_leaves_whole_pictures_and_no_description(tmp_path):
    def report(fraction, message):
        if fraction > 0.1:
            raise JobCancelled("stop")

    with pytest.raises(JobCancelled):
        write_faces(SMALL, tmp_path / "faces", JobContext(tmp_path, report=report))
    written = list((tmp_path / "faces").iterdir())
    assert written
    assert all(path.suffix == ".jpg" and path.stat().st_size > 100 for path in written)


def test_the_reader_yields_the_drawn_faces_with_splits_and_subjects(tmp_path):
    records = list(READER.read(tmp_path, SMALL))
    assert len(records) == READER.expected(tmp_path, SMALL)
    assert READER.recognises(tmp_path) == 0.0
    for record, face in zip(records, draw_faces(SMALL), strict=True):
        np.testing.assert_array_equal(record.source, face.image)
        assert (record.emotion, record.split) == (face.emotion, face.split)
        assert record.subject == str(face.subject)
