"""The paper's job: what is finished is kept and not done again, what fails stops nothing else."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from emostudio.core.errors import EmoStudioError, InputError
from emostudio.core.events import (
    Cancelled,
    EpochDone,
    Finished,
    Note,
    Progress,
)
from emostudio.core.jobs import JobStatus, PaperJob, TrainJob
from emostudio.data.importing import import_dataset
from emostudio.data.opening import synthetic_request
from emostudio.worker.control import JobControl
from emostudio.worker.execute import execute
from emostudio.worker.handlers import paper
from emostudio.worker.paper.control import PartControl
from emostudio.workspace.base import now
from emostudio.workspace.store import Workspace

TINY = "synthetic:identities=4,size=24,cameras=090,gazes=frontal"
JOB = PaperJob(experiment="figures", data=TINY)


@pytest.fixture
def workspace(tmp_path):
    with Workspace.open(tmp_path / "ws") as opened:
        yield opened


def epoch(number, error=0.5, epochs=2):
    return EpochDone(
        epoch=number, epochs=epochs, train_loss=1, train_error=error, validation_error=error / 2,
        learning_rate=0.1, seconds=1,
    )  # fmt: skip


@pytest.fixture
def trainings(monkeypatch, workspace):
    """Stands in for the handlers; returns what was asked for, and what shall go wrong."""

    class Record:
        name, parameters, disk_bytes, evaluations = "net", 10, 40, ()
        created = datetime(2026, 1, 1, tzinfo=UTC)

    class Trainings:
        failing, record = "", Record

        def __init__(self):
            self.done = []

        def run(self, job, context):
            self.done.append(job.name)
            if self.failing and self.failing in job.name:
                raise EmoStudioError("It diverged", why="the rate is too high")
            yield Progress(fraction=0.5, message="half")
            yield epoch(1)
            yield epoch(2, 0.25)
            return {"model": "net"} if isinstance(job, TrainJob) else _Answer()

    class _Answer:
        model = "net"

    made = Trainings()
    monkeypatch.setattr(paper, "_run_job", made.run)
    monkeypatch.setattr(Workspace, "model", lambda self, name: Record)
    monkeypatch.setattr(Workspace, "models", lambda self: [Record])
    return made


def run(job, workspace, control=None):
    return list(execute(job, workspace, control=control))


def test_every_training_of_the_figures_is_done_once_and_its_curve_kept(trainings, workspace):
    last = run(JOB, workspace)[-1]
    assert isinstance(last, Finished), last
    assert len(trainings.done) == len(set(trainings.done)) == 6
    (table,) = last.result["tables"]
    assert (table["parts_done"], table["parts_total"]) == (6, 6)
    assert [curve["train_error"] for curve in table["curves"]] == [[0.5, 0.25]] * 6


def test_the_same_command_again_does_nothing_again(trainings, workspace):
    run(JOB, workspace)
    trainings.done.clear()
    events = run(JOB, workspace)
    assert trainings.done == []
    assert any(isinstance(e, Note) and "6 of 6 parts" in e.what for e in events)


def test_other_pictures_under_the_same_name_do_everything_again(trainings, workspace):
    job = JOB.model_copy(update={"data": "faces"})
    for seed in (1, 2):
        request = replace(synthetic_request(f"{TINY},seed={seed}"), name="faces")
        import_dataset(request, workspace.datasets_folder)
        run(job, workspace)
        shutil.rmtree(workspace.datasets_folder / "faces")
    assert len(trainings.done) == 12


def test_a_model_younger_than_its_part_is_another_one(trainings, workspace):
    run(JOB, workspace)
    trainings.done.clear()
    trainings.record.created = now()
    run(JOB, workspace)
    assert len(trainings.done) == 6


def test_children_of_a_parent_made_anew_under_its_old_name_are_made_anew(trainings, workspace):
    run(JOB, workspace)
    trainings.done.clear()
    (file,) = workspace.folder.glob("paper/*/parts/vgg_s-s0.json")
    file.unlink()
    run(JOB, workspace)
    assert len(trainings.done) == 5  # all but SqueezeNet


def test_table_2_goes_on_with_the_trainings_of_the_figures(trainings, workspace):
    run(JOB, workspace)
    trainings.done.clear()
    run(JOB.model_copy(update={"experiment": "table2"}), workspace)
    assert [name.rsplit("-", 1)[0] for name in trainings.done[:2] if name] == [
        "paper-quick-cp",
        "paper-quick-xnor-released",
    ]


def test_a_cancelled_job_keeps_its_finished_parts_and_goes_on_later(trainings, workspace):
    events = execute(JOB, workspace)
    for event in events:
        if isinstance(event, Note) and "(3 of 6)" in event.what:
            break
    events.close()
    assert workspace.runs()[0].status is JobStatus.CANCELLED
    before = list(trainings.done)
    last = run(JOB, workspace)[-1]
    assert isinstance(last, Finished)
    assert len(before) == 2
    assert not set(before) & set(trainings.done[len(before) :])


def test_a_cancel_ends_the_job(trainings, workspace):
    control = JobControl()
    control.cancel()
    last = run(JOB, workspace, control)[-1]
    assert isinstance(last, Cancelled)
    assert "goes on" in last.kept


def test_a_part_that_fails_is_told_of_and_the_others_are_done(trainings, workspace):
    trainings.failing = "hashed"
    events = run(JOB, workspace)
    warnings = [e for e in events if isinstance(e, Note) and e.level == "warning"]
    assert any("HashedNets" in warning.what for warning in warnings)
    assert events[-1].result["tables"][0]["parts_done"] == 5


def test_what_was_made_from_a_failed_network_is_left_out(trainings, workspace):
    trainings.failing = "vgg"
    events = run(JOB, workspace)
    left_out = [e.what for e in events if isinstance(e, Note) and "left out" in e.what]
    assert len(left_out) == 4
    assert events[-1].result["tables"][0]["parts_done"] == 1


def test_progress_speaks_of_the_whole_job(trainings, workspace):
    shares = [e.fraction for e in run(JOB, workspace) if isinstance(e, Progress) and e.fraction]
    assert shares == sorted(shares)
    assert shares[0] < 0.2
    assert shares[-1] == pytest.approx(1.0)


def test_the_time_left_is_that_of_all_parts(trainings, workspace):
    told = [e.seconds_left for e in run(JOB, workspace) if isinstance(e, EpochDone)]
    assert len(told) == 12
    assert told[-1] == pytest.approx(0.0, abs=1e-6)
    assert all(left is None or left >= 0 for left in told)


def test_claims_run_nothing(trainings, workspace):
    last = run(JOB.model_copy(update={"experiment": "table1"}), workspace)[-1]
    assert trainings.done == []
    assert len(last.result["tables"][0]["rows"]) == 10


def test_an_experiment_that_is_not_there_is_refused_before_anything_is_kept(trainings, workspace):
    last = run(JOB.model_copy(update={"experiment": "table9"}), workspace)[-1]
    assert "There is no experiment of the paper called table9" in last.what
    assert "figures" in last.next_step
    assert trainings.done == []
    assert not (workspace.folder / "paper").exists()


def test_a_study_is_worked_on_by_one_process_only(trainings, workspace):
    workspace.claim_run(workspace.create_run(JOB).id)
    last = run(JOB, workspace)[-1]
    assert last.exit_code == InputError("x").exit_code
    assert "already being worked on" in last.what


def test_a_part_s_report_reaches_the_job_as_a_share_of_the_whole():
    heard = []
    outer = JobControl(heard.append)
    PartControl(outer, lambda within: within / 4, "HashedNets").report(0.5, "Epoch 3")
    assert (heard[0].fraction, heard[0].message) == (0.125, "HashedNets: Epoch 3")
