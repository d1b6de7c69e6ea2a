from pathlib import Path

import pytest

from emostudio.core.jobs import EvaluateJob, JobStatus
from emostudio.core.model_info import ModelInfo, Preprocessing
from emostudio.workspace.answer_files import (
    ANSWERS_FILE,
    AnswerFile,
    ModelAnswers,
    find_answers,
    write_answers,
)
from emostudio.workspace.base import now
from emostudio.workspace.store import Workspace

JOB = EvaluateJob(models=("a", "b"), data="faces")


@pytest.fixture
def workspace(tmp_path):
    with Workspace.open(tmp_path) as opened:
        for name in ("a", "b"):
            add(opened, name)
        yield opened


def add(workspace, name):
    file = Path(workspace.models_folder) / f"{name}.safetensors"
    file.write_bytes(b"x")
    info = ModelInfo(
        name=name, architecture="nin", labels=("anger",), preprocessing=Preprocessing()
    )
    workspace.add_model(file, info, role="variant")


def answered(workspace, answer, models=("a", "b"), dataset="faces"):
    run = workspace.create_run(JOB)
    one = ModelAnswers(images=(0,), answers=(answer,), confidences=(0.5,))
    found = AnswerFile(dataset=dataset, split="test", samples=3, models=dict.fromkeys(models, one))
    write_answers(run.folder, found)
    workspace.update_run(run.id, status=JobStatus.DONE, ended=now())
    return run


def find(workspace, dataset="faces"):
    models = [workspace.model(name) for name in ("a", "b")]
    found = find_answers(workspace, models, dataset, "test")
    return None if found is None else found.models["a"].answers[0]


def test_the_newest_answers_to_all_models_in_one_run_are_found(workspace):
    answered(workspace, 1)
    answered(workspace, 2)
    answered(workspace, 3, models=("a",))
    answered(workspace, 4, dataset="others")
    assert find(workspace) == 2
    assert find(workspace, "nowhere") is None


def test_a_damaged_file_is_passed_over(workspace):
    answered(workspace, 1)
    (answered(workspace, 2).folder / ANSWERS_FILE).write_text('{"dataset": "fac')
    assert find(workspace) == 1


def test_a_model_made_anew_under_its_name_has_not_answered_yet(workspace):
    answered(workspace, 1)
    add(workspace, "a")
    assert find(workspace) is None
