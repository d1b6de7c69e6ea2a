import gzip
import os
import zipfile

import cv2
import numpy as np
import pytest

from emostudio.core.answers import Problem
from emostudio.core.emotions import Emotion
from emostudio.core.errors import InputError
from emostudio.data.base import Record, Split
from emostudio.data.catalogue import READERS
from emostudio.data.importing import reader_settings

FOLDER = READERS.get("folder")
FER = READERS.get("fer2013_csv")
RAFD = READERS.get("rafd")
UNLABELLED = READERS.get("unlabelled")


def put(path, value=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(value).integers(0, 256, (24, 24), dtype=np.uint8)
    path.write_bytes(cv2.imencode(".png", pixels)[1].tobytes())


def read(reader, path, **settings):
    found = list(reader.read(path, reader_settings(reader, settings)))
    records = [entry for entry in found if isinstance(entry, Record)]
    return records, [entry for entry in found if isinstance(entry, Problem)]


def row(label="3", count=2304, usage="Training", value="7"):
    return f"{label},{' '.join([value] * count)},{usage}"


def table(tmp_path, *rows, header="emotion,pixels,Usage", end="\n", name="f.csv"):
    path = tmp_path / name
    path.write_bytes((end.join([header, *rows]) + end).encode())
    return path


def test_class_folders_are_labelled_by_their_names(tmp_path):
    put(tmp_path / "happy" / "a.png")
    put(tmp_path / "Sadness" / "b.PNG")
    records, problems = read(FOLDER, tmp_path)
    assert [(r.item, r.emotion) for r in records] == [
        ("Sadness/b.PNG", Emotion.SADNESS),
        ("happy/a.png", Emotion.HAPPINESS),
    ]
    assert not problems


def test_folders_above_the_classes_are_official_splits(tmp_path):
    for split in ("train", "val", "test"):
        put(tmp_path / "DATASET" / split / "angry" / "a.png")
        put(tmp_path / "DATASET" / split / "neutral" / "a.png")
    records, _ = read(FOLDER, tmp_path)
    assert {r.split for r in records} == set(Split)
    assert FOLDER.recognises(tmp_path) == 0.8


def test_numbered_folders_are_never_guessed(tmp_path):
    put(tmp_path / "0" / "a.png")
    put(tmp_path / "1" / "a.png")
    with pytest.raises(InputError, match="numbered"):
        read(FOLDER, tmp_path)
    records, _ = read(FOLDER, tmp_path, codes="affectnet")
    assert [r.emotion for r in records] == [Emotion.NEUTRAL, Emotion.HAPPINESS]


def test_a_folder_of_no_emotion_is_read_without_one(tmp_path):
    put(tmp_path / "happy" / "a.png")
    put(tmp_path / "cars" / "a.png")
    records, _ = read(FOLDER, tmp_path)
    assert [(r.label, r.emotion) for r in records] == [("cars", None), ("happy", "happiness")]


def test_an_empty_class_folder_and_names_that_differ_by_case_are_warned_of(tmp_path):
    put(tmp_path / "happy" / "a.png")
    put(tmp_path / "Happy" / "a.png")
    (tmp_path / "sad").mkdir()
    _, problems = read(FOLDER, tmp_path)
    assert any("both mean happiness" in p.what for p in problems)
    assert any("empty" in p.what and p.item == "sad" for p in problems)
    assert all(p.severity == "warning" for p in problems)


def test_documents_and_hidden_files_beside_pictures_are_passed_over(tmp_path):
    put(tmp_path / "happy" / "a.png")
    put(tmp_path / "sad" / "a.png")
    for name in ("README.md", "Thumbs.db", ".DS_Store", "list.txt"):
        (tmp_path / "happy" / name).write_text("x")
    records, problems = read(FOLDER, tmp_path)
    assert len(records) == 2
    assert not problems


def test_a_folder_named_like_a_picture_is_entered_not_decoded(tmp_path):
    put(tmp_path / "happy" / "x.jpg" / "inside.png")
    put(tmp_path / "sad" / "a.png")
    records, _ = read(FOLDER, tmp_path)
    assert [r.item for r in records] == ["happy/x.jpg/inside.png", "sad/a.png"]


def test_links_in_circles_and_out_of_the_root_are_problems(tmp_path):
    root = tmp_path / "root"
    put(root / "happy" / "a.png")
    put(root / "sad" / "a.png")
    put(tmp_path / "outside" / "secret.png")
    (root / "happy" / "loop").symlink_to(root)
    (root / "happy" / "out").symlink_to(tmp_path / "outside")
    records, problems = read(FOLDER, root)
    items = [r.item for r in records]
    assert not any("secret" in item for item in items)
    assert any("out of the folder" in p.what for p in problems)
    assert items == ["happy/a.png", "sad/a.png"]


@pytest.mark.parametrize(
    "name",
    [
        b"\xff\xfe.png",
        b"a\nb.png",
        "\N{GRINNING FACE}.png".encode(),
        b"CON.png.",
        b"x" * 251 + b".png",
    ],
)
def test_odd_file_names_are_read(tmp_path, name):
    put(tmp_path / "happy" / "a.png")
    put(tmp_path / "sad" / "a.png")
    os.rename(  # noqa: PTH104 - names as bytes
        os.fsencode(tmp_path / "sad" / "a.png"), os.fsencode(tmp_path / "sad") + b"/" + name
    )
    records, problems = read(FOLDER, tmp_path)
    assert len(records) == 2
    assert not problems
    records[1].item.encode("utf-8")


def test_a_folder_without_classes_is_refused(tmp_path):
    put(tmp_path / "a.png")
    with pytest.raises(InputError, match="no class folders"):
        read(FOLDER, tmp_path)


def test_unlabelled_pictures_are_found_at_any_depth(tmp_path):
    put(tmp_path / "a.png")
    put(tmp_path / "deep" / "er" / "b.png")
    records, _ = read(UNLABELLED, tmp_path)
    assert [r.item for r in records] == ["a.png", "deep/er/b.png"]
    assert all(r.emotion is None and not r.label for r in records)


def test_one_picture_is_a_source_of_one(tmp_path):
    put(tmp_path / "a.png")
    assert UNLABELLED.recognises(tmp_path / "a.png") > 0
    assert len(read(UNLABELLED, tmp_path / "a.png")[0]) == 1


RAFD_NAMES = [
    "Rafd090_01_Caucasian_female_happy_frontal.jpg",
    "Rafd090_01_Caucasian_female_happy_left.jpg",
    "Rafd045_02_Kid_male_angry_frontal.jpg",
    "Rafd180_02_Moroccan_male_contemptuous_right.jpg",
]


def test_rafd_names_carry_emotion_and_person(tmp_path):
    for name in RAFD_NAMES:
        put(tmp_path / name)
    records, problems = read(RAFD, tmp_path, angles="all")
    assert len(records) == 4
    assert not problems
    assert {r.emotion for r in records} == {Emotion.HAPPINESS, Emotion.ANGER, Emotion.CONTEMPT}
    assert {r.subject for r in records} == {"1", "2"}
    assert RAFD.recognises(tmp_path) == 0.9


@pytest.mark.parametrize(
    ("angles", "gaze", "count"),
    [("all", "all", 4), ("frontal_and_45", "all", 3), ("frontal", "all", 2), ("all", "frontal", 2)],
)
def test_rafd_angles_and_gaze_can_be_chosen(tmp_path, angles, gaze, count):
    for name in RAFD_NAMES:
        put(tmp_path / name)
    assert len(read(RAFD, tmp_path, angles=angles, gaze=gaze)[0]) == count


def test_a_name_outside_rafds_grammar_is_a_problem(tmp_path):
    put(tmp_path / RAFD_NAMES[0])
    put(tmp_path / "holiday.jpg")
    _, problems = read(RAFD, tmp_path)
    assert problems[0].item == "holiday.jpg"


def test_a_row_becomes_a_square_picture_with_its_emotion(tmp_path):
    path = table(tmp_path, row("3"), row("6", usage="PublicTest"))
    records, problems = read(FER, path)
    assert not problems
    assert records[0].source.shape == (48, 48)
    assert np.all(records[0].source == 7)
    assert [r.emotion for r in records] == [Emotion.HAPPINESS, Emotion.NEUTRAL]
    assert [r.split for r in records] == [Split.TRAIN, Split.TEST]
    assert records[1].item == "line 3"


def test_public_test_validates_where_there_is_a_private_test(tmp_path):
    rows = row(), row(usage="PublicTest"), row(usage="PrivateTest")
    records, _ = read(FER, table(tmp_path, *rows))
    assert [r.split for r in records] == [Split.TRAIN, Split.VALIDATION, Split.TEST]


@pytest.mark.parametrize(
    ("header", "end"),
    [
        ("emotion, Usage, pixels", "\n"),
        ("emotion,Usage,pixels", "\r\n"),
        ("\ufeffemotion,Usage,pixels", "\n"),
        ('"emotion","Usage","pixels"', "\n"),
        ("emotion;Usage;pixels", "\r\n"),
    ],
)
def test_header_variants_are_understood(tmp_path, header, end):
    delimiter = ";" if ";" in header else ","
    content = delimiter.join(["4", "Training", " ".join(["9"] * 2304)])
    path = table(tmp_path, content, header=header, end=end)
    assert FER.recognises(path) == 1.0
    records, problems = read(FER, path)
    assert not problems
    assert records[0].emotion is Emotion.SADNESS


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (row(count=2303), "2303 pixels"),
        (row(count=0), "0 pixels"),
        (row("9"), "no code"),
        (row("=cmd()"), "no code"),
        (row(value="300"), "larger than 255"),
        (row(value="-1"), "whole numbers"),
        (row(value="1.5"), "whole numbers"),
        (row(usage="Holiday"), "unknown Usage"),
        ("emotion,pixels,Usage", "no code"),
        ("3", "cells"),
        (row() + ",extra", "cells"),
        ("\x00\x01\x02", "cells"),
        (row(count=2**19), "too long"),
        (row(count=90_000), "CSV"),
    ],
)
def test_a_bad_row_is_a_problem_with_its_line_number(tmp_path, bad, words):
    records, problems = read(FER, table(tmp_path, row(), bad, row()))
    assert len(records) == 2
    assert problems[0].item == "line 3"
    assert words in problems[0].what
    assert records[1].item == "line 4"


def test_gzip_and_zip_hold_the_same_rows(tmp_path):
    path = table(tmp_path, row(), row("0"))
    packed = tmp_path / "f.csv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    archive = tmp_path / "f.zip"
    with zipfile.ZipFile(archive, "w") as writer:
        writer.writestr("../../evil.csv", path.read_bytes())
        writer.writestr("readme.txt", "x")
    for source in (packed, archive):
        assert FER.recognises(source) == 1.0
        assert [r.emotion for r in read(FER, source)[0]] == [Emotion.HAPPINESS, Emotion.ANGER]
    assert not (tmp_path.parent.parent / "evil.csv").exists()


@pytest.mark.parametrize("header", ["a,b,c", "emotion,Usage", "emotion,pixels,pixels", ""])
def test_a_table_without_the_columns_is_refused(tmp_path, header):
    path = table(tmp_path, row(), header=header)
    assert FER.recognises(path) == 0.0
    with pytest.raises(InputError, match="no FER2013 table"):
        read(FER, path)


def test_a_damaged_gzip_file_is_refused_with_one_message(tmp_path):
    content = gzip.compress("\n".join(["emotion,pixels,Usage", *[row()] * 20]).encode(), 1)
    path = tmp_path / "f.csv.gz"
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match="damaged"):
        read(FER, path)


def test_a_zip_without_a_table_is_refused(tmp_path):
    path = tmp_path / "f.zip"
    with zipfile.ZipFile(path, "w") as writer:
        writer.writestr("a.txt", "x")
    assert FER.recognises(path) == 0.0
    with pytest.raises(InputError, match="no CSV"):
        read(FER, path)


def test_unpacking_stops_at_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr("emostudio.data.csv_lines.MAX_BYTES", 30_000)
    path = tmp_path / "f.csv.gz"
    path.write_bytes(gzip.compress(table(tmp_path, *[row()] * 20).read_bytes()))
    with pytest.raises(InputError, match="too large"):
        read(FER, path)
