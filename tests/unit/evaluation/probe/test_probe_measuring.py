import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from emostudio.core.errors import EmoStudioError, JobCancelled
from emostudio.evaluation.latency import Contender, Timings
from emostudio.evaluation.probe import measuring
from emostudio.evaluation.probe.base import Reading, Work, Workload
from emostudio.evaluation.probe.binary_layers import SignConvolution
from emostudio.evaluation.probe.int8_graph import int8_chain
from emostudio.evaluation.probe.workloads import linear_of, operations_of, packed_work
from emostudio.inference.engines.onnxruntime import open_graphs
from emostudio.inference.packed.compiling import why_no_kernels


class Adding:
    """A session that does something short."""

    engine, kernels = "test", "real"

    def run(self, batch):
        return batch + 1

    def close(self):
        pass


def work(name, operations=1e6):
    return Work(Contender(name, Adding, np.zeros((2, 1, 4, 4), np.float32)), operations)


class Given(Reading):
    family = summary = reference = what = layers = engine = "test"
    unit, against = "GOP/s", "float"

    def __init__(self, key, fault=None, why=""):
        self.key = self.title = key
        self._fault, self._why = fault, why

    def why_unavailable(self):
        return self._why

    def workload(self, threads):
        if self._fault is not None:
            raise self._fault
        return Workload(work("kernel"), work("reference"))


class Shares(Given):
    compares_rates = True


def timings(kernel_ms, reference_ms):
    samples = {
        "kernel": np.array([[kernel_ms * step] for step in (0.9, 1.0, 1.1)]),
        "reference": np.array([[reference_ms * step] for step in (0.9, 1.0, 1.1)]),
    }
    return Timings(samples, dict.fromkeys(samples, True))


def finished(generator):
    events = []
    while True:
        try:
            events.append(next(generator))
        except StopIteration as stop:
            return events, stop.value


def test_rate_and_gain_follow_from_the_times():
    found = measuring.figures(
        Given("g"), Workload(work("kernel", 2e9), work("reference", 2e9)), timings(2.0, 6.0)
    )
    assert found.value == pytest.approx(1000.0)  # 2e9 operations in 2 ms
    assert found.low == pytest.approx(1000 / 1.1)
    assert found.gain.ratio == pytest.approx(3.0)
    assert (found.gain.low, found.gain.high) == pytest.approx((3.0, 3.0))
    assert found.gain.decides
    assert found.blocks == 3


def test_fewer_operations_count_in_rates_but_not_in_times():
    workload = Workload(work("kernel", 1e9), work("reference", 10e9))
    by_time = measuring.figures(Given("g"), workload, timings(1.0, 5.0))
    by_rate = measuring.figures(Shares("s"), workload, timings(1.0, 5.0))
    assert by_time.gain.ratio == pytest.approx(5.0)
    assert by_rate.gain.ratio == pytest.approx(0.5)
    assert not by_rate.gain.decides


@pytest.fixture
def readings(monkeypatch):
    def use(*members):
        monkeypatch.setattr(
            measuring.READINGS, "members", lambda: {one.key: one for one in members}
        )

    return use


def test_a_card_holds_every_reading_or_why_it_was_not_taken(readings):
    broken = Given("broken", EmoStudioError("The engine refuses"))
    readings(Given("good"), broken, Given("absent", why="no kernels"), Given("big", MemoryError()))
    events, card = finished(measuring.measure(1.0, 1))
    found = {one.key: one for one in card.readings}
    assert found["good"].value > 0
    assert found["good"].gain.low <= found["good"].gain.ratio <= found["good"].gain.high
    assert found["broken"].why_not == "The engine refuses."
    assert found["absent"].why_not == "no kernels"
    assert "memory" in found["big"].why_not
    assert card.threads == 1
    fractions = [event.fraction for event in events]
    assert fractions == sorted(fractions)
    assert all(0 <= fraction <= 1 for fraction in fractions)


class Failing(Given):
    """Its library gives up while it is timed."""

    def workload(self, threads):
        class Broken(Adding):
            def run(self, batch):
                raise RuntimeError("kernel launch failed")

        contender = Contender("kernel", Broken, np.zeros((2, 1, 4, 4), np.float32))
        return Workload(Work(contender, 1e6), work("reference"))


def test_a_library_that_gives_up_costs_one_reading_and_not_the_card(readings):
    readings(Failing("a"), Given("silent", KeyError()), Given("good"))
    _, card = finished(measuring.measure(1.0, 1))
    found = {one.key: one for one in card.readings}
    assert found["a"].why_not == "RuntimeError: kernel launch failed"
    assert found["silent"].why_not == "KeyError"
    assert found["good"].value > 0


def test_a_cancelled_reading_ends_the_probe(readings):
    readings(Given("good", JobCancelled("Cancelled")), Given("other"))
    with pytest.raises(JobCancelled):
        finished(measuring.measure(1.0, 1))


def test_no_reading_begins_that_might_go_beyond_the_limit(readings, monkeypatch):
    monkeypatch.setattr(measuring, "MOST_S", 0.0)
    readings(Given("first"), Given("late"))
    _, card = finished(measuring.measure(1.0, 1))
    assert card.readings[0].value > 0
    assert card.readings[1].why_not.startswith("there was no time left")
    assert card.readings[1].value is None


def test_other_load_is_told(readings, monkeypatch):
    class Busy:
        def read(self):
            return 0.7

    monkeypatch.setattr(measuring, "LoadMeter", Busy)
    readings(Given("good"))
    _, card = finished(measuring.measure(1.0, 1))
    assert card.foreign_share == 0.7
    assert any("used 70 % of the processors" in word for word in card.warnings)


def test_closing_the_probe_ends_it(readings):
    readings(Given("good"))
    probe = measuring.measure(1.0, 1)
    next(probe)
    probe.close()
    with pytest.raises(StopIteration):
        next(probe)


def test_the_integer_graph_runs_on_integer_kernels_and_answers_in_codes():
    content = int8_chain(2, (8, 6, 6))
    session = open_graphs([content], 1)
    answer = session.run(np.random.default_rng(0).standard_normal((1, 8, 6, 6), np.float32))
    assert answer.shape == (1, 8, 6, 6)
    assert np.allclose(answer / 0.03, np.rint(answer / 0.03), atol=1e-3)
    assert len(np.unique(answer)) > 10


def test_the_integer_graph_is_fused(tmp_path):
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "fused.onnx")
    options.log_severity_level = 4
    onnxruntime.InferenceSession(int8_chain(2, (8, 6, 6)), options)
    import onnx

    kinds = [node.op_type for node in onnx.load(tmp_path / "fused.onnx").graph.node]
    assert kinds.count("QLinearConv") == 2
    assert "Conv" not in kinds


@pytest.mark.skipif(bool(why_no_kernels()), reason="no kernels for this processor")
def test_the_binary_layers_run_on_their_kernels_and_answer_as_torch_does():
    network = nn.Sequential(SignConvolution(64), SignConvolution(64)).eval()
    made = packed_work("w", network, (64, 5, 5), 1)
    session = made.contender.open()
    assert session.kernels == "real"
    found = session.run(made.contender.inputs[:1])
    expected = network(torch.from_numpy(made.contender.inputs[:1])).detach().numpy()
    assert np.allclose(found, expected, atol=1e-3)
    assert made.operations == 2 * (64 * 64 * 9 * 25) * 2


def test_operations_are_two_per_multiply_add():
    layers = [nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, stride=2, padding=1, groups=8)]
    assert operations_of(layers, (3, 10, 10)) == 2 * (27 * 8 * 100 + 9 * 8 * 25)
    assert operations_of([nn.Linear(5, 7)], (5,)) == 70


def test_slow_readings_come_last(readings):
    slow, quick = Given("a"), Given("b")
    slow.is_slow = True
    readings(slow, quick)
    _, card = finished(measuring.measure(1.0, 1))
    assert [one.key for one in card.readings] == ["b", "a"]


def test_a_linear_layer_of_given_weights_computes_with_them():
    weight = torch.arange(6.0).reshape(2, 3)
    assert torch.equal(linear_of(weight)(torch.ones(1, 3)), torch.tensor([[3.0, 12.0]]))
