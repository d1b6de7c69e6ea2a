import numpy as np
import pytest
import torch

from emostudio.core.comparing import ChangesReport
from emostudio.core.emotions import EMOTIONS
from emostudio.core.events import Failed, Finished
from emostudio.core.jobs import ChangesJob, CompareJob, EvaluateJob
from emostudio.models.catalogue import build, new_info
from emostudio.models.loaded import LoadedModel
from emostudio.worker.context import HandlerContext
from emostudio.worker.execute import execute
from emostudio.worker.outcome import save_model
from emostudio.workspace.store import Workspace

SMALL = {"input_size": 32, "width": 0.25, "dense_width": 16}
DATA = "synthetic:identities=4,size=32,cameras=frontal,gazes=frontal"


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """A workspace in which two untrained networks were asked about the same drawn faces."""
    with Workspace.open(tmp_path_factory.mktemp("ws")) as workspace:
        for name, seed in (("first", 0), ("second", 7)):
            torch.manual_seed(seed)
            info = new_info(name, "vgg_s_lite", SMALL, EMOTIONS)
            model = LoadedModel(info, module=build(info).eval())
            role = "teacher" if name == "first" else "variant"
            list(save_model(model, name, HandlerContext(workspace, tmp_path_factory.mktemp("f")),
                            role=role))  # fmt: skip
        last = list(execute(EvaluateJob(models=("first", "second"), data=DATA), workspace))[-1]
        yield workspace, last.result


def ask(workspace, job):
    return list(execute(job, workspace))[-1]


def test_changes_agree_with_what_the_evaluation_counted(asked):
    workspace, evaluation = asked
    job = ChangesJob(models=("first", "second"), data=evaluation["data"], most=5)
    (found,) = ChangesReport.model_validate(ask(workspace, job).result).changes
    (pair,) = evaluation["paired"]
    assert (found.lost, found.gained) == (pair["only_a"], pair["only_b"])
    assert found.changed == round((1 - pair["agreement"]) * found.pictures)
    assert len(found.shown) == min(5, found.changed)
    assert all(one.before != one.now for one in found.shown)
    assert all(0 < one.confidence_now <= 1 for one in found.shown)


def test_reports_hold_the_faces(asked, tmp_path):
    workspace, _ = asked
    out = tmp_path / "c.html"
    done = ask(workspace, CompareJob(models=("second", "first"), out=str(out)))
    assert isinstance(done, Finished)
    text = out.read_text("utf-8")
    assert "Judged otherwise" in text
    assert "data:image/png;base64" in text


def test_models_that_were_not_asked_together_are_named_with_the_remedy(asked):
    workspace, evaluation = asked
    job = ChangesJob(models=("first", "second"), data=evaluation["data"], split="train")
    failed = ask(workspace, job)
    assert isinstance(failed, Failed)
    assert "Measure the accuracy" in failed.next_step


def test_answers_are_kept_with_their_confidence(asked):
    workspace, _ = asked
    from emostudio.workspace.answer_files import find_answers

    models = [workspace.model(name) for name in ("first", "second")]
    (record,) = workspace.datasets()
    found = find_answers(workspace, models, record.name, "test")
    one = found.models["first"]
    assert len(one.images) == len(one.answers) == len(one.confidences)
    assert np.all(np.diff(one.images) > 0)
    assert 1 / 8 <= min(one.confidences) <= max(one.confidences) <= 1
