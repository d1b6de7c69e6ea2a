import errno
import json
import pkgutil

import pytest

from emostudio.core.errors import InputError
from emostudio.core.events import (
    Cancelled,
    EpochDone,
    Failed,
    Finished,
    Note,
    StepDone,
    VariantSaved,
)
from emostudio.core.jobs import DoctorJob, JobStatus, TrainJob
from emostudio.worker import execute as execute_module
from emostudio.worker import handlers
from emostudio.worker.control import JobControl
from emostudio.worker.execute import execute
from emostudio.worker.journal import Journal
from emostudio.workspace.store import Workspace

JOB = TrainJob(architecture="cnn_s", data="synthetic")


@pytest.fixture
def workspace(tmp_path):
    with Workspace.open(tmp_path / "ws") as opened:
        yield opened


@pytest.fixture
def handle(monkeypatch):
    """Let any job kind be handled by a generator of the test's own."""

    def install(generator):
        monkeypatch.setattr(execute_module, "handler", lambda kind: generator)

    return install


def step(number):
    return StepDone(step=number, epoch=1, loss=1.0, learning_rate=0.1)


def epoch(number=1):
    return EpochDone(
        epoch=number, epochs=2, train_loss=1, train_error=0.5, learning_rate=0.1, seconds=1
    )


def test_the_answer_of_a_handler_becomes_the_last_event_and_the_run_s_result(workspace, handle):
    def generator(job, context):
        yield Note(what="hello")
        yield VariantSaved(model="net", file="f", disk_bytes=3)
        return {"model": "net"}

    handle(generator)
    events = list(execute(JOB, workspace))
    assert [event.type for event in events] == ["note", "variant", "finished"]
    run = workspace.runs()[0]
    assert (run.status, run.result, run.models) == (JobStatus.DONE, {"model": "net"}, ("net",))
    assert run.pid is None
    assert run.ended is not None


def test_every_event_is_in_the_run_s_folder(workspace, handle):
    def generator(job, context):
        yield epoch()
        yield Note(level="warning", what="careful")
        return {}

    handle(generator)
    list(execute(JOB, workspace))
    run = workspace.runs()[0]
    kept, _ = workspace.events(run.id)
    assert [event.type for event in kept] == ["epoch", "note", "finished"]
    assert "careful" in (run.folder / "log.txt").read_text()


def test_questions_leave_no_run_behind(workspace, handle):
    folders = []

    def generator(job, context):
        folders.append(context.folder)
        yield from ()
        return {"answer": 1}

    handle(generator)
    assert list(execute(DoctorJob(), workspace)) == [Finished(result={"answer": 1})]
    assert workspace.runs() == []
    assert not folders[0].exists()


def test_a_failing_handler_ends_with_one_failed_event(workspace, handle):
    def generator(job, context):
        yield Note(what="one")
        raise InputError("No", why="because", next_step="Try")

    handle(generator)
    events = list(execute(JOB, workspace))
    assert [event.type for event in events] == ["note", "failed"]
    run = workspace.runs()[0]
    assert run.status is JobStatus.FAILED
    assert run.error == "No: because. Try."


def test_running_out_of_memory_is_a_failed_run_that_can_be_resumed(workspace, handle):
    def generator(job, context):
        yield Note(what="one")
        raise MemoryError

    handle(generator)
    last = list(execute(JOB, workspace))[-1]
    assert isinstance(last, Failed)
    assert "batch" in last.next_step
    assert workspace.runs()[0].can_resume


def test_closing_the_generator_cancels_and_lets_the_handler_clean_up(workspace, handle):
    closed = []

    def generator(job, context):
        try:
            while True:
                yield Note(what="on")
        finally:
            closed.append(workspace.run(context.run.id).status)

    handle(generator)
    events = execute(JOB, workspace)
    next(events)
    events.close()
    assert closed == [JobStatus.RUNNING]
    assert workspace.runs()[0].status is JobStatus.CANCELLED


def test_a_cancel_request_ends_the_job_with_cancelled(workspace, handle):
    control = JobControl()

    def generator(job, context):
        for _ in range(1000):
            yield Note(what="on")

    handle(generator)
    events = []
    for event in execute(JOB, workspace, control=control):
        events.append(event)
        control.cancel()
    assert len(events) == 2
    assert isinstance(events[-1], Cancelled)


def test_a_cancel_inside_a_long_call_is_cancelled_too(workspace, handle):
    control = JobControl()

    def generator(job, context):
        yield Note(what="on")
        control.cancel()
        context.job_context().report(0.5, "")

    handle(generator)
    assert isinstance(list(execute(JOB, workspace, control=control))[-1], Cancelled)


def test_a_window_that_went_away_leaves_a_lost_run(workspace, handle):
    control = JobControl()

    def generator(job, context):
        while True:
            yield Note(what="on")

    handle(generator)
    for _ in execute(JOB, workspace, control=control):
        control.window_gone = True
        control.cancel()
    run = workspace.runs()[0]
    assert run.status is JobStatus.LOST
    assert run.can_resume


def test_steps_are_thinned_out_but_the_last_before_an_epoch_is_kept(workspace, handle):
    def generator(job, context):
        for number in range(1, 501):
            yield step(number)
        yield epoch()
        return {}

    handle(generator)
    events = list(execute(JOB, workspace))
    steps = [event.step for event in events if isinstance(event, StepDone)]
    assert len(steps) < 100
    assert steps[0] == 1
    assert steps[-1] == 500


def test_a_full_disk_under_the_journal_is_told_as_such(workspace, handle, monkeypatch):
    def generator(job, context):
        yield Note(what="one")
        return {}

    def full(self, event):
        raise OSError(errno.ENOSPC, "No space left on device")

    handle(generator)
    monkeypatch.setattr(Journal, "write", full)
    events = list(execute(JOB, workspace))
    assert [event.type for event in events] == ["failed"]
    assert "disk is full" in events[0].what
    assert workspace.runs()[0].status is JobStatus.FAILED


def test_an_unknown_run_is_one_failed_event(workspace):
    events = list(execute(JOB, workspace, "nonsense"))
    assert [event.type for event in events] == ["failed"]
    assert events[0].exit_code == 2


def test_a_resumed_run_goes_on_in_the_same_folder(workspace, handle):
    def failing(job, context):
        yield Note(what="first")
        raise MemoryError

    def working(job, context):
        yield Note(what="second")
        return {}

    handle(failing)
    list(execute(JOB, workspace))
    run = workspace.runs()[0]
    with (run.folder / "events.jsonl").open("ab") as stream:
        stream.write(b'{"type": "no')
    handle(working)
    list(execute(JOB, workspace, run.id))
    kept, _ = workspace.events(run.id)
    assert [e.what for e in kept if isinstance(e, Note)] == ["first", "second"]
    assert workspace.run(run.id).status is JobStatus.DONE
    assert json.loads((run.folder / "run.json").read_text())["error"] == ""


def test_a_pause_is_visible_in_the_run(workspace, handle):
    control = JobControl()
    seen = []

    def generator(job, context):
        yield Note(what="on")
        return {}

    original = Workspace.update_run

    def watching(self, run_id, **fields):
        if "status" in fields:
            seen.append(fields["status"])
        if fields.get("status") is JobStatus.PAUSED:
            control.resume()
        return original(self, run_id, **fields)

    handle(generator)
    control.pause()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Workspace, "update_run", watching)
        list(execute(JOB, workspace, control=control))
    assert seen == [JobStatus.RUNNING, JobStatus.PAUSED, JobStatus.RUNNING, JobStatus.DONE]


def test_every_job_kind_has_a_handler():
    from emostudio.core import jobs

    kinds = {
        model.model_fields["kind"].default
        for name, model in vars(jobs).items()
        if name.endswith("Job") and not name.startswith("_") and hasattr(model, "model_fields")
    }
    assert {module.name for module in pkgutil.iter_modules(handlers.__path__)} == kinds
    for kind in kinds:
        assert callable(handlers.handler(kind))
