from emostudio.core.answers import AblationReport, AblationShare
from emostudio.core.events import EpochDone, VariantSaved
from emostudio.core.jobs import AblateJob, JobStatus
from emostudio.core.recipe import Recipe, RecipeStep
from emostudio.workspace.charts.material import _own_epochs, ablations
from emostudio.workspace.store import Workspace

JOB = AblateJob(
    teacher="big", data="faces", recipe=Recipe(steps=(RecipeStep(method="huffman"),) * 2)
)


def epoch(error):
    return EpochDone(
        epoch=1, epochs=1, train_loss=1.0, train_error=error, learning_rate=0.1, seconds=1.0
    )


def saved(model):
    return VariantSaved(model=model, file=f"{model}.safetensors", disk_bytes=1)


def test_a_run_that_trains_several_models_gives_each_its_own_epochs():
    events = [epoch(0.9), saved("teacher"), epoch(0.5), epoch(0.4), saved("student"), epoch(0.1)]
    assert [event.train_error for event in _own_epochs(events, "teacher")] == [0.9]
    assert [event.train_error for event in _own_epochs(events, "student")] == [0.5, 0.4]


def report(teacher, factor):
    share = AblationShare(
        step=0,
        method="huffman",
        accuracy=None,
        disk_bytes=-1.0,
        size_factor=factor,
        latency_ms=None,
    )
    return AblationReport(teacher=teacher, methods=("huffman",), subsets=(), shares=(share,))


def test_only_finished_ablations_of_the_compared_models_count_the_newest_of_each(tmp_path):
    with Workspace.open(tmp_path) as workspace:
        for teacher, factor, status in (
            ("big", 2.0, JobStatus.DONE),
            ("big", 3.0, JobStatus.DONE),
            ("other", 4.0, JobStatus.DONE),
            ("big", 5.0, JobStatus.FAILED),
        ):
            run = workspace.create_run(JOB)
            result = report(teacher, factor).model_dump(mode="json")
            workspace.update_run(run.id, status=status, result=result)
        odd = workspace.create_run(JOB)
        workspace.update_run(odd.id, status=JobStatus.DONE, result={"of": "another version"})
        (found,) = ablations(workspace, ("big", "small"))
    assert found.shares[0].size_factor == 3.0
