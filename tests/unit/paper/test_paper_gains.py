"""What a network gained in time: against its parent on the same engine."""

from paper_fakes import benched

from emostudio.core.answers import Ratio
from emostudio.core.jobs import BenchJob
from emostudio.paper.gains import BENCH, ratio_between
from emostudio.paper.measuring import latency
from emostudio.paper.parts import Part

PART = Part(BENCH, "Bench", BenchJob(models=("t", "v")))


def _on_two_engines():
    """The newest timing is of another engine than the network's own."""
    bench = benched(PART, ["t", "v"])
    results = tuple(
        result.model_copy(update={"engine": engine})
        for engine in ("torch", "onnxruntime")
        for result in bench.bench
    )
    sides = {
        ("v@torch", "t@onnxruntime"): 0.1,
        ("v@onnxruntime", "t@torch"): 15.0,
        ("t@torch", "v@torch"): 0.5,
    }
    ratios = tuple(
        Ratio(a=a, b=b, ratio=value, interval=(value, value), verdict="")
        for (a, b), value in sides.items()
    )
    medians = {"v@torch": (4.0, 4.0), "v@onnxruntime": (1.0, 1.0)}
    update = {"bench": results, "ratios": ratios, "block_medians_ms": medians}
    return bench.model_copy(update=update)


def test_a_ratio_is_between_networks_on_one_engine():
    assert ratio_between("v", "t", _on_two_engines()).ratio == 2.0
    assert ratio_between("v", "t", benched(PART, ["t", "v"], ratio=3.0)).ratio == 3.0
    assert ratio_between("v", "other", _on_two_engines()) is None


def test_a_time_is_that_of_the_engine_it_names():
    timed = latency(_on_two_engines(), "v")
    assert (round(timed.value, 6), timed.engine) == (4.0, "torch, 1 thread")
