import gc

import numpy as np
import pytest

from emostudio.core.errors import EmoStudioError
from emostudio.evaluation import latency
from emostudio.evaluation.latency import Contender, Protocol


class _Clock:
    """Time that passes only where a session says so."""

    def __init__(self, monkeypatch):
        self.now_ns = 0
        monkeypatch.setattr(latency.time, "perf_counter_ns", lambda: self.now_ns)
        monkeypatch.setattr(latency.time, "monotonic", lambda: self.now_ns / 1e9)


class _Session:
    engine, kernels = "fake", "real"
    log: list[str] = []  # noqa: RUF012 - reset by the fixture

    def __init__(self, clock, name, cost_ms, wrong_after=None):
        self.clock, self.name, self.cost_ms = clock, name, cost_ms
        self.wrong_after, self.runs = wrong_after, 0
        _Session.log.append(f"open {name}")

    def run(self, batch):
        self.clock.now_ns += int(self.cost_ms * 1e6 * len(batch))
        self.runs += 1
        _Session.log.append(f"run {self.name} {'gc' if gc.isenabled() else 'quiet'}")
        outputs = batch.reshape(len(batch), -1)[:, :2].copy()
        if self.wrong_after is not None and self.runs > self.wrong_after:
            outputs += 1
        return outputs

    def close(self):
        _Session.log.append(f"close {self.name}")


@pytest.fixture
def clock(monkeypatch):
    monkeypatch.setattr(latency, "WARM_UP_S", 0.01)
    _Session.log = []
    return _Clock(monkeypatch)


INPUTS = np.random.default_rng(0).normal(size=(4, 1, 8, 8)).astype(np.float32)


def _contender(clock, name, cost_ms, **kwargs):
    return Contender(name, lambda: _Session(clock, name, cost_ms, **kwargs), INPUTS)


def test_a_model_that_answers_with_no_number_is_not_timed(clock):
    broken = Contender("broken", lambda: _Session(clock, "broken", 1.0), INPUTS * np.nan)
    run = latency.compare([_contender(clock, "good", 1.0), broken], Protocol(blocks=2, queries=2))
    with pytest.raises(EmoStudioError, match="broken answered with numbers that are not finite"):
        _finish(run)
    assert _Session.log[-1] == "close broken"


def _finish(run):
    events = []
    while True:
        try:
            events.append(next(run))
        except StopIteration as done:
            return events, done.value


def test_every_model_is_timed_in_every_block(clock):
    pair = [_contender(clock, "slow", 6.0), _contender(clock, "fast", 2.0)]
    events, timings = _finish(latency.compare(pair, Protocol(blocks=5, queries=7, block_s=0)))
    assert timings.samples_ms["slow"].shape == timings.samples_ms["fast"].shape == (5, 7)
    assert timings.latency("slow").p50 == pytest.approx(6.0)
    ratio = timings.ratio("fast", "slow")
    assert ratio.ratio == pytest.approx(3.0)
    assert "fast is 3.00× faster than slow" in ratio.verdict
    assert [event.fraction for event in events[2:]] == [0, 0.2, 0.4, 0.6, 0.8]


def test_sessions_are_rebuilt_in_every_block_in_changing_order(clock):
    pair = [_contender(clock, "a", 1.0), _contender(clock, "b", 1.0)]
    _finish(latency.compare(pair, Protocol(blocks=12, queries=2, block_s=0)))
    opened = [entry for entry in _Session.log if entry.startswith("open")][2:]
    assert len(opened) == 24
    firsts = opened[::2]
    assert set(firsts) == {"open a", "open b"}
    assert sum(entry.startswith("close") for entry in _Session.log) == 26


def test_turns_are_interleaved_in_random_order(clock):
    pair = [_contender(clock, "a", 1.0), _contender(clock, "b", 1.0)]
    _finish(latency.compare(pair, Protocol(blocks=1, queries=40, block_s=0)))
    timed = [entry.split()[1] for entry in _Session.log if entry.endswith("quiet")]
    assert len(timed) == 80
    rounds = [tuple(timed[i : i + 2]) for i in range(0, 80, 2)]
    assert set(rounds) == {("a", "b"), ("b", "a")}


def test_garbage_collection_waits_while_the_clock_runs(clock):
    _finish(
        latency.compare([_contender(clock, "a", 1.0)], Protocol(blocks=2, queries=3, block_s=0))
    )
    assert sum(entry == "run a quiet" for entry in _Session.log) == 6
    assert gc.isenabled()


def test_fast_models_run_several_queries_per_turn(clock):
    pair = [_contender(clock, "slow", 50.0), _contender(clock, "fast", 1.0)]
    protocol = Protocol(blocks=4, queries=5, block_s=0.05)
    _, timings = _finish(latency.compare(pair, protocol))
    assert timings.samples_ms["slow"].shape == (4, 5)
    assert timings.samples_ms["fast"].shape == (4, 50)


def test_answers_given_while_timed_are_checked(clock):
    good, bad = _contender(clock, "good", 1.0), _contender(clock, "bad", 1.0, wrong_after=2)
    monkeyed = latency._LOGGED_SHARE
    latency._LOGGED_SHARE = 1.0
    try:
        _, timings = _finish(latency.compare([good, bad], Protocol(blocks=2, queries=4, block_s=0)))
    finally:
        latency._LOGGED_SHARE = monkeyed
    assert timings.outputs_match == {"good": True, "bad": False}
    assert any("bad answered differently" in warning for warning in timings.warnings)
    assert not timings.conditions["clean"]


def test_short_measurements_say_so(clock):
    _, timings = _finish(latency.compare([_contender(clock, "a", 1.0)], Protocol(3, 4, 0)))
    assert any("Only 3 blocks" in warning for warning in timings.warnings)
    assert any("a was timed for 0.0 s only" in warning for warning in timings.warnings)


def test_sessions_are_closed_when_the_measurement_is_cancelled(clock):
    run = latency.compare([_contender(clock, "a", 1.0)], Protocol(blocks=5, queries=2, block_s=0))
    for _ in range(3):
        next(run)
    run.close()
    opened = sum(entry.startswith("open") for entry in _Session.log)
    assert sum(entry.startswith("close") for entry in _Session.log) == opened


def test_a_cancelled_measurement_stops_in_the_middle_of_a_block(clock):
    run = latency.compare([_contender(clock, "a", 100.0)], Protocol(1, 1000, 0))
    for _ in range(3):
        next(run)
    timed = sum(entry == "run a quiet" for entry in _Session.log)
    assert 0 < timed <= 6
    run.close()
    assert _Session.log[-1] == "close a"
    assert gc.isenabled()


def test_work_of_others_while_timing_is_recorded_and_blocks_publication(clock, monkeypatch):
    class Busy:
        def read(self):
            return 0.5

    monkeypatch.setattr(latency, "LoadMeter", Busy)
    protocol = Protocol(blocks=3, queries=4, block_s=0, threads=1)
    _, timings = _finish(latency.compare([_contender(clock, "a", 1.0)], protocol))
    assert timings.conditions["foreign_share_by_block"] == [0.5, 0.5, 0.5]
    assert timings.conditions["threads"] == 1
    assert not timings.conditions["clean"]
    assert "Other programs used 50 % of the processors meanwhile" in timings.warnings
