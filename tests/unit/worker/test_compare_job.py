"""Which measurements a comparison file shows, and what it refuses."""

import shutil

import cv2
import numpy as np
import pytest
import torch

from emostudio.core.emotions import EMOTIONS
from emostudio.core.events import Failed, Finished
from emostudio.core.jobs import CompareJob, EvaluateJob, ImportDataJob
from emostudio.models.catalogue import build, new_info
from emostudio.models.loaded import LoadedModel
from emostudio.worker.context import HandlerContext
from emostudio.worker.execute import execute
from emostudio.worker.outcome import save_model
from emostudio.workspace.store import Workspace

SIZE = 32
SMALL = {"input_size": SIZE, "width": 0.25, "dense_width": 16}
NAMES = ("first", "second")
DATA = "synthetic:identities=4,size=32,cameras=frontal,gazes=frontal"


def _faces(folder, seed):
    random = np.random.default_rng(seed)
    for emotion in EMOTIONS[:3]:
        (folder / emotion.value).mkdir(parents=True)
        for index in range(8):
            picture = random.integers(0, 255, (SIZE, SIZE)).astype(np.uint8)
            cv2.imwrite(str(folder / emotion.value / f"{index}.png"), picture)
    return str(folder)


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """Two untrained networks that were asked about the same faces, drawn ones and a folder."""
    with Workspace.open(tmp_path_factory.mktemp("ws")) as workspace:
        for name, seed in zip(NAMES, (0, 7), strict=True):
            torch.manual_seed(seed)
            info = new_info(name, "vgg_s_lite", SMALL, EMOTIONS)
            model = LoadedModel(info, module=build(info).eval())
            role = "teacher" if name == "first" else "variant"
            context = HandlerContext(workspace, tmp_path_factory.mktemp("f"))
            list(save_model(model, name, context, role=role))
        folder = _faces(tmp_path_factory.mktemp("data") / "faces", 0)
        for data in (folder, DATA):
            assert isinstance(_last(EvaluateJob(models=NAMES, data=data), workspace), Finished)
        yield workspace, folder


def _last(job, workspace):
    return list(execute(job, workspace))[-1]


def _compared(workspace, out, data=None, models=NAMES):
    return _last(CompareJob(models=models, out=str(out / "c.csv"), data=data), workspace)


def test_data_are_named_as_for_every_other_command(judged, tmp_path):
    workspace, folder = judged
    for data in (folder, DATA):
        answer = _compared(workspace, tmp_path, data)
        assert isinstance(answer, Finished), answer
        assert all(row["samples"] > 0 for row in answer.result["rows"])
    by_name = _compared(workspace, tmp_path, answer.result["dataset"])
    assert by_name.result["dataset"] == answer.result["dataset"]


@pytest.mark.parametrize(
    ("data", "what", "next_step"),
    [
        ("nosuch", "called nosuch", "Datasets"),
        ("synthetic:identities=5,size=32", "None of these models was evaluated", "evaluate"),
    ],
)
def test_data_on_which_nothing_was_measured_are_refused(judged, tmp_path, data, what, next_step):
    answer = _compared(judged[0], tmp_path, data)
    assert isinstance(answer, Failed)
    assert answer.exit_code == 2
    assert what in answer.what
    assert next_step in answer.next_step
    assert not (tmp_path / "c.csv").exists()


def test_a_file_is_no_model_of_the_workspace_however_often_it_was_measured(judged, tmp_path):
    workspace, _ = judged
    file = tmp_path / "own.safetensors"
    shutil.copy(workspace.model("first").file, file)
    answer = _compared(workspace, tmp_path, models=("first", str(file)))
    assert isinstance(answer, Failed)
    assert answer.what == "own cannot be compared yet"
    assert str(file) in answer.next_step


def test_a_split_is_found_again_however_it_was_written(judged):
    workspace, folder = judged
    done = _last(EvaluateJob(models=("first",), data=folder, split="TEST"), workspace)
    assert done.result["split"] == "test"
    assert workspace.model("first").evaluations[0].split == "test"


def test_pictures_that_took_over_a_name_are_not_compared_with_those_before(judged, tmp_path):
    workspace, _ = judged
    for number, name in enumerate(NAMES):
        data = workspace.datasets_folder / "mine"
        shutil.rmtree(data, ignore_errors=True)
        named = _faces(tmp_path / f"mine{number}", number + 1)
        assert isinstance(_last(ImportDataJob(path=named, name="mine"), workspace), Finished)
        done = _last(EvaluateJob(models=(name,), data="mine"), workspace)
        assert isinstance(done, Finished), done
    found = _compared(workspace, tmp_path, "mine").result
    known = [row["model"] for row in found["rows"] if row["accuracy"] is not None]
    assert known == ["second"]
    assert any("Other pictures" in note and "first" in note for note in found["notes"])
