"""The machine probe in a real worker process: measured, kept, recalled, cancelled."""

import json
import subprocess
import sys

from emostudio.core.events import Cancelled, Finished
from emostudio.core.jobs import MachineCardJob, ProbeJob
from emostudio.core.machine_card import MachineCardReport
from emostudio.evaluation.probe.catalogue import READINGS

SHORT = ProbeJob(seconds=1)


def probe(worker, workspace):
    run = workspace.create_run(SHORT)
    worker.run("probe", SHORT, run.id)
    return run


def test_a_probe_is_measured_once_and_known_to_every_later_process(start, workspace, tmp_path):
    worker = start()
    run = probe(worker, workspace)
    events = worker.until_end()
    assert isinstance(events[-1], Finished), events[-1]
    report = MachineCardReport.model_validate(events[-1].result)
    found = {one.key: one for one in report.card.readings}
    assert set(found) == set(READINGS.members())
    for one in found.values():
        assert one.why_not or one.low <= one.value <= one.high
        assert one.why_not or one.blocks >= 3
    assert found["float_convolution"].value > 0
    assert found["int8_convolution"].gain.low <= found["int8_convolution"].gain.high
    assert {one.reading for one in report.ranking if one.gain} <= set(found)
    fractions = [event.fraction for event in events if event.type == "progress"]
    assert len(fractions) > len(found)
    assert workspace.run(run.id).title == "Machine probe"

    later = start()
    later.run("known", MachineCardJob())
    known = MachineCardReport.model_validate(later.until_end()[-1].result)
    assert known.card == report.card
    assert known.stale == ()

    out = tmp_path / "card.csv"
    words = [
        "probe",
        "--known",
        "--json",
        "--out",
        str(out),
        "--workspace",
        str(later.folder / "ws"),
    ]
    done = subprocess.run(
        [sys.executable, "-m", "emostudio.cli", *words], capture_output=True, text=True, check=True
    )
    answered = MachineCardReport.model_validate(json.loads(done.stdout))
    assert answered.card == report.card
    assert out.read_text().startswith("kind,key,title")


def test_a_cancelled_probe_leaves_no_card(start, workspace):
    worker = start()
    run = probe(worker, workspace)
    worker.until("progress")
    worker.send({"command": "cancel", "id": "probe"})
    assert isinstance(worker.until_end()[-1], Cancelled)
    assert workspace.run(run.id).status == "cancelled"
    worker.run("known", MachineCardJob())
    assert MachineCardReport.model_validate(worker.until_end()[-1].result).card is None
