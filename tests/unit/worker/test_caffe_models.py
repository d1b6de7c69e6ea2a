import cv2
import numpy as np
import pytest
from caffe_fakes import CLASSES, SIDE, TinyCaffe

from emostudio.core.emotions import EMOTIONS
from emostudio.core.events import Failed, Finished
from emostudio.core.jobs import BenchJob, CompressJob, EvaluateJob, ImportModelJob, LiveJob
from emostudio.core.recipe import Recipe, RecipeStep
from emostudio.data.transforms import normalise, to_input_pixels
from emostudio.inference.catalogue import open_classifier
from emostudio.worker.execute import execute
from emostudio.worker.resolve import find_model
from emostudio.workspace.store import Workspace

LABELS = tuple(emotion.value for emotion in EMOTIONS[:CLASSES])


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    with Workspace.open(tmp_path_factory.mktemp("caffe") / "ws") as opened:
        yield opened


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    folder, random = tmp_path_factory.mktemp("faces"), np.random.default_rng(0)
    for number, emotion in enumerate(LABELS):
        (folder / emotion).mkdir()
        for index in range(8):
            picture = random.integers(0, 60, (24, 24, 3)) + 20 * number
            content = cv2.imencode(".png", picture.astype(np.uint8))[1]
            (folder / emotion / f"{index}.png").write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def imported(workspace, tmp_path_factory):
    path = TinyCaffe().write(tmp_path_factory.mktemp("net"))
    preprocessing = {"mean": [104, 117, 123], "resize": 16}
    job = ImportModelJob(file=str(path), labels=LABELS, preprocessing=preprocessing)
    answer = last(job, workspace)
    assert isinstance(answer, Finished), answer
    return answer.result


def last(job, workspace):
    return list(execute(job, workspace))[-1]


def test_a_caffe_network_is_kept_in_one_file_with_caffe_s_conventions(workspace, imported):
    record = workspace.model("tiny")
    assert record.role == "teacher"
    assert record.info.is_black_box
    assert record.info.outputs == "probabilities"
    preprocessing = record.info.preprocessing
    assert (preprocessing.scale, preprocessing.channel_order) == (1.0, "bgr")
    assert (preprocessing.resize, preprocessing.input_shape) == (16, (3, SIDE, SIDE))
    assert sorted(path.suffix for path in workspace.models_folder.iterdir()) == [
        ".json", ".safetensors",
    ]  # fmt: skip


def test_pictures_reach_it_in_blue_green_red_less_the_mean(workspace, imported):
    picture = np.random.default_rng(3).integers(0, 256, (16, 16, 3)).astype(np.uint8)
    model = find_model("tiny", workspace).load()
    found = open_classifier(model).classify([picture])
    blue_first = picture[2:14, 2:14, ::-1].astype(np.float32) - (104, 117, 123)
    expected = TinyCaffe().answers(blue_first.transpose(2, 0, 1)[np.newaxis])
    np.testing.assert_allclose(found, expected, atol=1e-4)
    pixels = to_input_pixels(picture, model.info.preprocessing)[np.newaxis]
    inputs = normalise(pixels, model.info.preprocessing)
    np.testing.assert_allclose(inputs[0], blue_first.transpose(2, 0, 1), atol=1e-4)


def test_it_is_evaluated_benched_and_seen_live(workspace, imported, faces):
    answer = last(EvaluateJob(models=("tiny",), data=str(faces)), workspace)
    assert isinstance(answer, Finished), answer
    assert answer.result["results"][0]["engine"] == "opencv"
    answer = last(BenchJob(models=("tiny",), blocks=3, pairs=3), workspace)
    assert isinstance(answer, Finished), answer
    (result,) = answer.result["results"]
    assert result["engine"] == "opencv"
    assert result["latency_ms"] is not None
    assert result["resident_bytes"] > 0
    live = LiveJob(variants=("tiny",), detector="whole_frame", seconds=0.5, send_frames=False)
    assert isinstance(last(live, workspace), Finished)


def test_it_teaches_a_student(workspace, imported, faces):
    settings = {
        "architecture": "vgg_s_lite", "architecture_settings": "width=0.125 dense_width=16",
        "input_size": 24, "epochs": 1,
    }  # fmt: skip
    recipe = Recipe(steps=(RecipeStep(method="distill_softmax", settings=settings),))
    job = CompressJob(teacher="tiny", data=str(faces), recipe=recipe, name="student")
    answer = last(job, workspace)
    assert isinstance(answer, Finished), answer
    assert workspace.model("student").info.lineage.teacher == "tiny"


def test_a_damaged_network_is_refused_in_the_sandbox_and_leaves_nothing(workspace, tmp_path):
    path = TinyCaffe().write(tmp_path, "broken")
    path.write_bytes(path.read_bytes()[:300])
    answer = last(ImportModelJob(file=str(path), labels=LABELS, preprocessing={}), workspace)
    assert isinstance(answer, Failed)
    assert answer.exit_code == 2
    assert "broken" not in [model.name for model in workspace.models()]


def test_a_kept_network_can_be_imported_elsewhere_after_another_probe(
    workspace, imported, tmp_path
):
    with Workspace.open(tmp_path / "other") as other:
        job = ImportModelJob(file=imported["file"], name="copy")
        assert isinstance(last(job, other), Finished)
        first, second = workspace.model("tiny").info, other.model("copy").info
        assert first.architecture_settings == second.architecture_settings
