import sys

import pytest
import torch
from torch import nn

from emostudio.core.emotions import EMOTIONS
from emostudio.core.events import Note, Progress
from emostudio.core.model_info import Lineage, ModelInfo, Preprocessing
from emostudio.evaluation import latency
from emostudio.evaluation.bench import Entry, bench, bench_inputs
from emostudio.evaluation.latency import Protocol
from emostudio.models.loaded import LoadedModel

GEOMETRY = Preprocessing(height=8, width=8, channels=1)


@pytest.fixture(autouse=True)
def _brief_warm_up(monkeypatch):
    monkeypatch.setattr(latency, "WARM_UP_S", 0.0)


def _model(name: str, parent: str | None = None, simulated: bool = False) -> LoadedModel:
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 8)).eval()
    if simulated:
        net[1].simulated_kernels = True
    info = ModelInfo(
        name=name,
        architecture="t",
        labels=EMOTIONS,
        preprocessing=GEOMETRY,
        lineage=Lineage(parent=parent),
    )
    return LoadedModel(info, net)


def _finish(entries):
    torch.set_num_threads(1)
    run = bench(entries, 1, Protocol(blocks=3, queries=4, block_s=0))
    events = []
    while True:
        try:
            events.append(next(run))
        except StopIteration as done:
            return events, done.value


def test_report_holds_latency_sizes_and_ratios():
    entries = [
        Entry(_model("teacher"), "torch", 900, 520, 512),
        Entry(_model("child", "teacher"), "torch", 300, 130, 128),
        Entry(_model("grandchild", "child"), "torch", 100, 130, 128),
    ]
    events, report = _finish(entries)
    assert [result.model for result in report.results] == ["teacher", "child", "grandchild"]
    child = report.results[1]
    assert (child.disk_bytes, child.parameters, child.macs, child.samples) == (300, 130, 128, 12)
    assert child.latency_ms.p50 > 0
    assert child.latency_ms.p99 is None
    pairs = [(ratio.a, ratio.b) for ratio in report.ratios]
    assert pairs == [("child", "teacher"), ("grandchild", "teacher"), ("grandchild", "child")]
    assert len(report.samples_ms["child"]) == 3
    assert any(isinstance(event, Progress) for event in events)
    assert any(isinstance(event, Note) and "Only 3 blocks" in event.what for event in events)
    assert report.model_dump(mode="json")["machine"]["cpu"]
    assert len(child.steadiness.block_medians_ms) == 3
    assert report.conditions["threads"] == 1


def test_other_jobs_that_run_meanwhile_block_publication():
    torch.set_num_threads(1)
    protocol = Protocol(blocks=3, queries=4, block_s=0)
    run = bench([Entry(_model("a"), "torch")], 1, protocol, lambda: ["Train vgg"])
    while True:
        try:
            next(run)
        except StopIteration as done:
            report = done.value
            break
    assert report.blockers[0] == "Train vgg was running at the same time"
    assert any("Only 3 blocks" in blocker for blocker in report.blockers)
    assert not report.conditions["clean"]


def test_one_model_on_two_engines_gets_two_names():
    entries = [Entry(_model("net"), "onnxruntime"), Entry(_model("net"), "torch")]
    _, report = _finish(entries)
    assert [result.engine for result in report.results] == ["onnxruntime", "torch"]
    assert (report.ratios[0].a, report.ratios[0].b) == ("net@torch", "net@onnxruntime")


def test_simulated_models_have_no_latency():
    entries = [Entry(_model("teacher"), "torch"), Entry(_model("bits", simulated=True), "torch")]
    _, report = _finish(entries)
    assert report.results[1].kernels == "simulated"
    assert report.results[1].latency_ms is None
    assert report.ratios == ()


def test_memory_comes_from_the_given_program_and_failures_are_notes():
    answer = '{"base_bytes": 1, "loaded_bytes": 20, "peak_bytes": 30}'
    good = (sys.executable, "-c", f"print('{answer}')")
    bad = (sys.executable, "-c", "raise SystemExit('broken')")
    entries = [
        Entry(_model("a"), "torch", memory_argv=good),
        Entry(_model("b"), "torch", memory_argv=bad),
    ]
    events, report = _finish(entries)
    assert [result.resident_bytes for result in report.results] == [20, None]
    assert [result.peak_bytes for result in report.results] == [30, None]
    assert any(isinstance(event, Note) and event.why == "broken" for event in events)


def test_inputs_differ_from_each_other_and_are_reproducible():
    inputs = bench_inputs(GEOMETRY, 4)
    assert inputs.shape == (4, 1, 8, 8)
    assert not (inputs[0] == inputs[1]).all()
    assert (inputs == bench_inputs(GEOMETRY, 4)).all()
