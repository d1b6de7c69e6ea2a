"""The paper's job in a real worker: stopped in the middle, it goes on where it was."""

from emostudio.core.jobs import PaperJob
from emostudio.paper.catalogue import EXPERIMENTS
from emostudio.paper.study import Study, StudySettings

TINY = "synthetic:identities=6,size=24,cameras=090,gazes=frontal"


def test_a_cancelled_training_goes_on_from_its_checkpoint(start, workspace):
    job = PaperJob(experiment="figures", data=TINY)
    worker = start()
    worker.run("first", job)
    worker.until("epoch")
    worker.send({"command": "cancel", "id": "first"})
    assert worker.until_end()[-1].type == "cancelled"
    study = Study(workspace.folder, StudySettings(data=TINY))
    part = EXPERIMENTS.get("figures").parts(study.settings)[0]
    assert study.results([part]) == {}
    assert list(study.work_folder(part.key).rglob("checkpoint-*.safetensors"))

    worker.run("second", job)
    events = worker.until("note", "failed")
    while not (events[-1].type != "note" or "Resumed after step" in events[-1].what):
        events += worker.until("note", "failed")
    assert events[-1].type == "note", events[-1]
    worker.send({"command": "cancel", "id": "second"})
    assert worker.until_end()[-1].type == "cancelled"


def test_claims_are_told_at_once(start):
    worker = start()
    worker.run("claims", PaperJob(experiment="table1", data=TINY))
    (table,) = worker.until_end()[-1].result["tables"]
    assert len(table["rows"]) == 10
