import csv
import json

import pytest

from emostudio.core.events import Failed, Finished, Note, Progress
from emostudio.core.jobs import JobStatus, MachineCardJob, ProbeJob
from emostudio.core.machine_card import (
    Gain,
    MachineCard,
    MachineCardReport,
    ProbeReading,
)
from emostudio.evaluation.probe.identity import this_machine
from emostudio.evaluation.probe.storing import card_file, keep
from emostudio.worker.execute import execute
from emostudio.workspace.store import Workspace

INT8 = ProbeReading(
    key="int8_convolution", title="INT8 convolution", what="three layers", layers="convolutions",
    engine="onnxruntime",
    unit="GOP/s", value=200.0, low=190.0, high=210.0, blocks=12,
    gain=Gain(ratio=2.5, low=2.4, high=2.6, against="float"),
)  # fmt: skip


@pytest.fixture
def workspace(tmp_path):
    with Workspace.open(tmp_path / "ws") as opened:
        yield opened


@pytest.fixture
def card():
    return MachineCard(
        machine=this_machine(), threads=1, measured="2026-01-02T03:04:05+00:00", seconds=30.0,
        readings=(INT8,), warnings=("The machine runs on battery",),
    )  # fmt: skip


def last(job, workspace):
    return list(execute(job, workspace))[-1]


def test_nothing_measured_is_an_answer(workspace):
    found = MachineCardReport.model_validate(last(MachineCardJob(), workspace).result)
    assert found == MachineCardReport()


def test_the_stored_card_ranks_the_methods(workspace, card):
    keep(card)
    found = MachineCardReport.model_validate(last(MachineCardJob(), workspace).result)
    assert found.card == card
    assert found.stale == ()
    assert {one.method for one in found.ranking[:2]} == {"int8_ptq", "int8_qat"}
    assert found.ranking[0].outlook == "kernel faster"
    assert any(one.outlook == "size only" for one in found.ranking)


def test_a_card_of_another_machine_is_stale_here_but_not_when_asked_for(workspace, card, tmp_path):
    other = card.model_copy(update={"machine": card.machine.model_copy(update={"cpu": "Old"})})
    keep(other)
    found = MachineCardReport.model_validate(last(MachineCardJob(), workspace).result)
    assert found.stale == ("measured on another processor (Old)",)
    file = tmp_path / "other.json"
    assert last(MachineCardJob(out=str(file)), workspace).type == "finished"
    named = MachineCardReport.model_validate(last(MachineCardJob(card=str(file)), workspace).result)
    assert named.card == other
    assert named.stale == ()


def test_the_card_is_written_as_json_and_csv(workspace, card, tmp_path):
    keep(card)
    for suffix in ("json", "csv"):
        file = tmp_path / f"card.{suffix}"
        assert last(MachineCardJob(out=str(file)), workspace).result["out"] == str(file)
    document = json.loads((tmp_path / "card.json").read_text())
    assert MachineCard.model_validate(document["card"]) == card
    with (tmp_path / "card.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["kind"] for row in rows} == {"machine", "reading", "method", "warning"}
    (reading,) = (row for row in rows if row["kind"] == "reading")
    assert float(reading["gain"]) == 2.5
    assert reading["unit"] == "GOP/s"
    assert None not in rows[0]  # every line has as many fields as the head


def test_other_formats_and_nothing_to_write_are_refused(workspace, card, tmp_path):
    failed = last(MachineCardJob(out=str(tmp_path / "card.csv")), workspace)
    assert isinstance(failed, Failed)
    assert failed.exit_code == 2
    assert "emostudio probe" in failed.next_step
    keep(card)
    failed = last(MachineCardJob(out=str(tmp_path / "card.pdf")), workspace)
    assert "json, csv" in failed.next_step


def test_a_probe_replaces_a_damaged_card_and_says_so(workspace, monkeypatch, card):
    def measured(seconds, threads):
        yield from ()
        return card

    monkeypatch.setattr("emostudio.worker.handlers.probe.measure", measured)
    card_file().parent.mkdir(parents=True, exist_ok=True)
    card_file().write_text("nonsense")
    events = list(execute(ProbeJob(), workspace))
    notes = [event.text for event in events if isinstance(event, Note)]
    assert any("of no use" in note for note in notes)
    assert any("battery" in note for note in notes)
    assert isinstance(events[-1], Finished)
    again = MachineCardReport.model_validate(last(MachineCardJob(), workspace).result)
    assert again.card == card
    (run,) = workspace.runs()
    assert run.title == "Machine probe" == ProbeJob().run_title
    assert run.result["card"]["readings"][0]["key"] == "int8_convolution"


def test_a_cancelled_probe_keeps_the_card_there_was(workspace, monkeypatch, card):
    def measured(seconds, threads):
        yield Progress(fraction=0.1, message="Timing")
        return card.model_copy(update={"threads": 2})

    keep(card)
    monkeypatch.setattr("emostudio.worker.handlers.probe.measure", measured)
    events = execute(ProbeJob(), workspace)
    assert next(events).type == "progress"
    events.close()
    found = MachineCardReport.model_validate(last(MachineCardJob(), workspace).result)
    assert found.card == card
    (run,) = workspace.runs()
    assert run.status is JobStatus.CANCELLED
