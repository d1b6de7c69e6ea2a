import os

import cv2
import numpy as np
import pytest

from emostudio.core.errors import EmoStudioError, InputError, JobCancelled
from emostudio.core.model_info import Preprocessing
from emostudio.data.base import Split
from emostudio.data.dataset import Dataset
from emostudio.data.importing import ImportRequest, import_dataset, inspect_source
from emostudio.data.opening import inspect, open_dataset, request_for, split_counts
from emostudio.data.transforms import to_input_pixels


def put(path, seed):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (20 + seed % 3, 24, 3), dtype=np.uint8)
    path.write_bytes(cv2.imencode(".png", pixels)[1].tobytes())


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "faces"
    for number in range(40):
        emotion = ("happy", "sad", "angry", "contempt")[number % 4]
        put(folder / emotion / f"{number:02d}.png", number)
    return folder


@pytest.fixture
def datasets(tmp_path):
    return tmp_path / "datasets"


def test_an_imported_dataset_holds_every_picture_with_its_label(source, datasets):
    dataset = import_dataset(ImportRequest(source), datasets)
    assert len(dataset) == 40
    assert dataset.labels == ("anger", "happiness", "sadness", "contempt")
    place = dataset.items.index("happy/04.png")
    pixels = cv2.imread(str(source / "happy" / "04.png"))[:, :, ::-1]
    np.testing.assert_array_equal(dataset.image(place), pixels)
    assert dataset.emotions[place] == 3


def test_a_dataset_is_the_same_after_opening_it_again(source, datasets):
    first = import_dataset(ImportRequest(source, name="mine"), datasets)
    second = Dataset(datasets / "mine")
    assert second.items == first.items
    assert second.report == first.report
    assert second.fingerprint == first.fingerprint
    np.testing.assert_array_equal(second.splits, first.splits)
    np.testing.assert_array_equal(second.image(7), first.image(7))


def test_every_picture_is_in_exactly_one_split(source, datasets):
    dataset = import_dataset(ImportRequest(source), datasets)
    parts = [dataset.indices(split) for split in Split]
    assert sorted(np.concatenate(parts).tolist()) == list(range(40))
    assert all(len(part) for part in parts)
    np.testing.assert_array_equal(dataset.indices("test"), dataset.indices(Split.TEST))
    with pytest.raises(InputError, match="no split called"):
        dataset.indices("exam")


@pytest.mark.parametrize("channels", [1, 3])
def test_cached_pixels_are_what_the_one_preprocessing_makes(source, datasets, channels):
    dataset = import_dataset(ImportRequest(source), datasets)
    preprocessing = Preprocessing(height=16, width=12, channels=channels)
    pixels = dataset.pixels(preprocessing)
    assert pixels.shape == (40, 16, 12, channels)
    for index in (0, 17, 39):
        expected = to_input_pixels(dataset.image(index), preprocessing)
        np.testing.assert_array_equal(pixels[index], expected)
    assert not pixels.flags.writeable


def test_a_geometry_is_built_once(source, datasets):
    dataset = import_dataset(ImportRequest(source), datasets)
    dataset.pixels(Preprocessing(height=16, width=16))
    (built,) = (dataset.folder / "cache").iterdir()
    before = built.stat().st_mtime_ns
    dataset.pixels(Preprocessing(height=16, width=16, mean=(0.5,)))
    assert built.stat().st_mtime_ns == before


def test_a_damaged_geometry_is_built_again(source, datasets):
    dataset = import_dataset(ImportRequest(source), datasets)
    expected = dataset.pixels(Preprocessing(height=16, width=16)).copy()
    (built,) = (dataset.folder / "cache").iterdir()
    built.write_bytes(built.read_bytes()[:1000])
    again = dataset.pixels(Preprocessing(height=16, width=16))
    np.testing.assert_array_equal(again, expected)


def test_bad_pictures_become_problems_and_the_rest_is_imported(source, datasets):
    (source / "happy" / "empty.jpg").write_bytes(b"")
    (source / "happy" / "page.jpg").write_bytes(b"<html></html>")
    os.mkfifo(source / "sad" / "pipe.png")
    (source / "sad" / "gone.png").symlink_to(source / "nowhere.png")
    dataset = import_dataset(ImportRequest(source), datasets)
    assert len(dataset) == 40
    assert {p.item: p.what for p in dataset.report.problems} == {
        "happy/empty.jpg": "empty file",
        "happy/page.jpg": "a web page, not a picture",
        "sad/pipe.png": "not a plain file",
        "sad/gone.png": "cannot be read: No such file or directory",
    }
    assert dataset.report.problem_count == 4


def test_an_unused_label_is_shown_and_its_pictures_left_out(source, datasets):
    put(source / "cars" / "a.png", 99)
    report = import_dataset(ImportRequest(source), datasets).report
    assert report.samples == 40
    assert report.label_map["cars"] is None
    assert report.problems[0].item == "cars"


@pytest.mark.parametrize(("policy", "samples", "disgust"), [("drop", 30, 0), ("merge", 40, 10)])
def test_contempt_follows_the_declared_policy(source, datasets, policy, samples, disgust):
    dataset = import_dataset(ImportRequest(source, settings={"contempt": policy}), datasets)
    assert len(dataset) == samples
    assert np.count_nonzero(dataset.emotions == 1) == disgust
    assert "contempt" not in dataset.labels


def leaky(source):
    for split, seeds in (("train", range(6)), ("test", range(4, 10))):
        for seed in seeds:
            for emotion, shift in (("happy", 0), ("sad", 100)):
                put(source / split / emotion / f"{seed}.png", seed + shift)
    return source


def test_copies_across_splits_are_reported(tmp_path, datasets):
    report = import_dataset(ImportRequest(leaky(tmp_path / "leaky")), datasets).report
    assert report.leak_counts["duplicate"] == 4
    assert any("copies" in warning for warning in report.warnings)


def test_copies_can_be_dropped_from_training(tmp_path, datasets):
    request = ImportRequest(leaky(tmp_path / "leaky"), settings={"duplicates": "drop"})
    dataset = import_dataset(request, datasets)
    assert dataset.report.leak_counts["duplicate"] == 0
    assert len(dataset) == 20
    assert len(dataset.indices(Split.TEST)) == 12
    place = dataset.items.index("test/sad/9.png")
    pixels = cv2.imread(str(tmp_path / "leaky" / dataset.items[place]))[:, :, ::-1]
    np.testing.assert_array_equal(dataset.image(place), pixels)


def test_a_source_without_persons_says_that_identity_leakage_is_unknown(source, datasets):
    report = import_dataset(ImportRequest(source), datasets).report
    assert report.subjects is None
    assert any("Identity leakage unknown" in warning for warning in report.warnings)


def test_persons_are_kept_apart_and_counted(tmp_path, datasets):
    for person in range(12):
        for emotion in ("happy", "angry"):
            name = f"Rafd090_{person:02d}_Caucasian_male_{emotion}_frontal.jpg"
            put(tmp_path / "rafd" / name, person * 2 + (emotion == "happy"))
    dataset = import_dataset(ImportRequest(tmp_path / "rafd"), datasets)
    assert dataset.reader == "rafd"
    assert dataset.report.subjects == 12
    assert dataset.report.leak_counts["subject"] == 0
    for person in range(12):
        assert len(np.unique(dataset.splits[dataset.subjects == person])) == 1


@pytest.mark.parametrize(("square", "shape"), [(True, (24, 24, 3)), (False, (40, 24, 3))])
def test_the_central_square_of_a_rafd_photograph_is_kept(tmp_path, datasets, square, shape):
    image = np.zeros((40, 24, 3), np.uint8)
    image[8:32] = 200
    path = tmp_path / "rafd" / "Rafd090_01_Caucasian_male_angry_frontal.png"
    path.parent.mkdir()
    path.write_bytes(cv2.imencode(".png", image)[1].tobytes())
    request = ImportRequest(tmp_path / "rafd", settings={"square": square})
    pixels = import_dataset(request, datasets).image(0)
    assert pixels.shape == shape
    assert bool(np.all(pixels == 200)) is square


def test_missing_few_and_unbalanced_classes_are_warned_of(tmp_path, datasets):
    for number in range(120):
        put(tmp_path / "d" / "train" / "happy" / f"{number}.png", number)
    for number in range(10):
        put(tmp_path / "d" / "train" / "sad" / f"{number}.png", 500 + number)
        put(tmp_path / "d" / "test" / "happy" / f"{number}.png", 600 + number)
    warnings = " ".join(import_dataset(ImportRequest(tmp_path / "d"), datasets).report.warnings)
    assert "The test split has no sadness" in warnings
    assert "12 to 1" in warnings
    assert "Fewer than 50 test pictures of happiness" in warnings


def test_a_cancelled_import_leaves_nothing(source, datasets):
    def report(fraction, message):
        raise JobCancelled("cancelled")

    with pytest.raises(JobCancelled):
        import_dataset(ImportRequest(source), datasets, report)
    assert list(datasets.iterdir()) == []


def test_searching_a_long_table_can_be_cancelled_before_its_first_row(datasets, tmp_path):
    path = tmp_path / "long.csv"
    row = f"3,{' '.join(['7'] * 64)},Training\n"
    path.write_text("emotion,pixels,Usage\n" + row * 1200)
    told = []

    def report(fraction, message):
        told.append(message)
        raise JobCancelled("cancelled")

    with pytest.raises(JobCancelled):
        import_dataset(ImportRequest(path), datasets, report)
    assert told == ["0 pictures read"]


def test_a_full_disk_leaves_nothing(source, datasets, monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("emostudio.data.importing.np.save", refuse)
    with pytest.raises(EmoStudioError, match="No space left"):
        import_dataset(ImportRequest(source), datasets)
    assert list(datasets.iterdir()) == []


def test_what_a_killed_import_left_behind_is_removed_by_the_next(source, datasets):
    stray = datasets / ".importing-999999999-faces"
    stray.mkdir(parents=True)
    (stray / "pixels.bin").write_bytes(b"x")
    import_dataset(ImportRequest(source), datasets)
    assert not stray.exists()


def test_a_taken_name_is_refused_and_an_unnamed_import_finds_a_free_one(source, datasets):
    assert import_dataset(ImportRequest(source), datasets).name == "faces"
    assert import_dataset(ImportRequest(source), datasets).name == "faces-2"
    with pytest.raises(InputError, match="already is a dataset"):
        import_dataset(ImportRequest(source, name="faces"), datasets)


def test_a_name_cannot_leave_the_datasets_folder(source, datasets):
    dataset = import_dataset(ImportRequest(source, name="../../evil"), datasets)
    assert dataset.folder.parent == datasets


def test_an_empty_folder_is_refused_with_one_message(tmp_path, datasets):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="the folder is empty"):
        import_dataset(ImportRequest(tmp_path / "empty"), datasets)
    assert not datasets.exists()


def test_a_source_of_bad_pictures_only_is_refused(tmp_path, datasets):
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.jpg").write_bytes(b"not a picture")
    with pytest.raises(InputError, match="no usable picture"):
        import_dataset(ImportRequest(tmp_path / "bad"), datasets)
    assert list(datasets.iterdir()) == []


@pytest.mark.parametrize("damage", ["dataset.json", "index.npy", "pixels.bin", "emotions.npy"])
def test_a_damaged_dataset_is_refused(source, datasets, damage):
    folder = import_dataset(ImportRequest(source), datasets).folder
    content = (folder / damage).read_bytes()
    (folder / damage).write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match="damaged"):
        Dataset(folder)


def test_a_dataset_of_a_newer_version_is_refused(source, datasets):
    folder = import_dataset(ImportRequest(source), datasets).folder
    manifest = (folder / "dataset.json").read_text().replace('"version": 1', '"version": 99')
    (folder / "dataset.json").write_text(manifest)
    with pytest.raises(InputError, match="newer"):
        Dataset(folder)


def test_inspecting_says_the_same_as_importing_and_writes_nothing(source, datasets):
    looked = inspect_source(ImportRequest(source, thumbnails=4))
    assert not datasets.exists()
    imported = import_dataset(ImportRequest(source), datasets).report
    assert looked.counts == imported.counts
    assert looked.image_shapes == imported.image_shapes
    assert len(looked.thumbnails) == 4
    assert len({thumbnail.emotion for thumbnail in looked.thumbnails}) == 4


def test_the_same_source_is_imported_once(source, datasets):
    first = open_dataset(str(source), datasets)
    before = (first.folder / "dataset.json").stat().st_mtime_ns
    again = open_dataset(str(source), datasets)
    assert again.folder == first.folder
    assert (again.folder / "dataset.json").stat().st_mtime_ns == before


def test_pictures_of_a_source_are_counted_once_it_was_imported(source, datasets):
    assert split_counts(str(source), datasets) is None
    assert not datasets.exists()
    counts = open_dataset(str(source), datasets).report.counts
    assert split_counts(str(source), datasets) == counts


def test_drawn_faces_are_counted_without_drawing_them(datasets):
    argument = "synthetic:identities=5,emotions=anger+fear,cameras=frontal,size=24"
    counts = split_counts(argument, datasets)
    assert not datasets.exists()
    assert counts == open_dataset(argument, datasets).report.counts


@pytest.mark.parametrize("argument", ["nowhere", "synthetic:identities=x", ""])
def test_what_cannot_be_opened_is_not_counted(datasets, argument):
    assert split_counts(argument, datasets) is None


def test_a_changed_source_is_imported_again(source, datasets):
    first = open_dataset(str(source), datasets)
    put(source / "happy" / "new.png", 77)
    assert len(open_dataset(str(source), datasets)) == len(first) + 1


def test_a_dataset_is_opened_by_its_name_and_by_its_folder(source, datasets):
    import_dataset(ImportRequest(source, name="mine"), datasets)
    assert open_dataset("mine", datasets).name == "mine"
    assert open_dataset(str(datasets / "mine"), datasets).name == "mine"
    assert inspect(ImportRequest(datasets / "mine"), datasets).samples == 40


@pytest.mark.parametrize("argument", ["nowhere", "/nowhere/at/all", "x" * 5000, "a\0b", ""])
def test_an_argument_that_names_nothing_is_refused(source, datasets, argument):
    import_dataset(ImportRequest(source, name="mine"), datasets)
    with pytest.raises(InputError):
        open_dataset(argument, datasets)


def test_settings_of_synthetic_faces_travel_in_the_argument():
    request = request_for("synthetic:identities=4,seed=7", settings={"seed": 8})
    assert request.reader == "synthetic"
    assert request.settings == {"identities": "4", "seed": 8}
    with pytest.raises(InputError, match="Bad setting"):
        request_for("synthetic:identities")
