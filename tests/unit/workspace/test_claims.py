"""The claim ledger: published, in theory for this network, here, and the reason, all computed."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from emostudio.core.answers import BenchResult, CatalogueEntry, ClaimInfo, Latency, Ratio
from emostudio.core.emotions import EMOTIONS
from emostudio.core.measured import Footprint
from emostudio.core.model_info import Lineage, ModelInfo, Preprocessing
from emostudio.core.recipe import Recipe, RecipeStep
from emostudio.statistics.verdicts import Verdict
from emostudio.workspace.claim_reasons import theory
from emostudio.workspace.claims import FOOTPRINT_KEY, check_claims
from emostudio.workspace.records import BenchRecord, ModelRecord

NOW = datetime(2026, 1, 1, tzinfo=UTC)
# first and last layer stay real: 10 of 1000 bytes, and a tenth of the multiply-adds
BINARY = Footprint(
    changed=("conv2",), kept=("fc8", "conv1"), changed_bytes_before=990_000, changed_bytes=33_000,
    kept_bytes=10_000, changed_macs_before=900, changed_macs=900, kept_macs=100,
    parts={"values": 31_000, "scales": 2_000}, layers_before=3, layers=3,
)  # fmt: skip


def _entry(**claim):
    info = ClaimInfo(baseline="one convolution", source="a paper", **claim)
    return {"xnor": CatalogueEntry(key="xnor", title="XNOR-Net", claim=info)}


def _record(name, disk, *, method="", footprint=None, benches=()):
    steps = (RecipeStep(method=method),) if method else ()
    info = ModelInfo(
        name=name, architecture="cnn_s", labels=EMOTIONS, preprocessing=Preprocessing(),
        recipe=Recipe(steps=steps), lineage=Lineage(parent="t" if method else None),
        measurements={FOOTPRINT_KEY: footprint.model_dump(mode="json")} if footprint else {},
    )  # fmt: skip
    return ModelRecord(
        name=name, role="variant" if method else "teacher", file=Path(f"{name}.safetensors"),
        info=info, disk_bytes=disk, parent="t" if method else None, created=NOW, slot=1,
        benches=benches,
    )  # fmt: skip


def _bench(kernels="real", ratio=None):
    result = BenchResult(
        model="v", engine="onnxruntime", threads=1, kernels=kernels, disk_bytes=1, parameters=1,
        latency_ms=Latency(p50=1.0) if kernels == "real" else None, resident_bytes=1, macs=1,
    )  # fmt: skip
    ratios = ()
    if ratio is not None:
        bounds = (ratio * 0.99, ratio * 1.01)
        ratios = (Ratio(a="v", b="t", ratio=ratio, interval=bounds, verdict="words"),)
    return BenchRecord(measured=NOW, bench="b", machine={}, result=result, ratios=ratios)


def _ledger(disk, claim, footprint=BINARY, benches=()):
    variant = _record("v", disk, method="xnor", footprint=footprint, benches=benches)
    return check_claims([_record("t", 1_000_000), variant], "t", _entry(**claim))


def test_theory_is_the_whole_when_only_a_part_gains():
    assert theory(2.0, changed=50, kept=50) == pytest.approx(100 / 75)
    assert theory(32.0, changed=100, kept=0) == pytest.approx(32)
    assert theory(32.0, changed=0, kept=0) is None


def test_a_refuted_size_says_which_layers_kept_it_from_the_published_factor():
    (check,) = _ledger(43_500, {"smaller": 32.0})
    assert check.verdict is Verdict.REFUTED
    assert check.theory == pytest.approx(1_000_000 / (10_000 + 990_000 / 32))
    assert check.reason == (
        "1.0 % of the bytes lie in layers left as they were (fc8, conv1), so that 24.4× is the "
        "most for this network; the changed layers shrank 30.0×, not 32× "
        "(of their bytes now: scales 6 %)"
    )


def test_the_files_own_description_is_named_where_it_weighs():
    (check,) = _ledger(60_000, {"smaller": 32.0})
    assert check.reason.endswith("28 % of the file is its description, not weights")


def test_a_size_that_was_reached_is_proved_unless_it_is_known_to_be_no_faster():
    assert _ledger(30_000, {"smaller": 32.0})[0].verdict is Verdict.PROVED
    faster = _ledger(30_000, {"smaller": 32.0}, benches=(_bench(ratio=2.0),))
    assert faster[0].verdict is Verdict.PROVED
    (slower,) = _ledger(30_000, {"smaller": 32.0}, benches=(_bench(ratio=0.8),))
    assert slower.verdict is Verdict.SIZE_ONLY
    assert "but not faster" in slower.reason


def test_a_speed_without_real_kernels_is_simulated_not_undecided():
    (check,) = _ledger(30_000, {"faster": 58.0}, benches=(_bench("simulated"),))
    assert check.verdict is Verdict.SIMULATED
    assert "no real kernel" in check.reason
    assert check.theory == pytest.approx(1000 / (100 + 900 / 58))


def test_a_refuted_speed_says_what_the_layers_allow():
    split = BINARY.model_copy(update={"changed_macs": 200, "layers": 7})
    (check,) = _ledger(30_000, {"faster": 4.5}, split, (_bench(ratio=0.8),))
    assert (check.verdict, check.interval) == (Verdict.REFUTED, pytest.approx((0.792, 0.808)))
    assert check.reason == (
        "10.0 % of the multiply-adds are in layers left as they were, so that 3.3× is the most "
        "for this network; it needs 3.33 times fewer multiply-adds, yet it is no faster; "
        "3 layers became 7, each with a start of its own"
    )


def test_where_no_layer_was_replaced_the_pictures_decide():
    exits = BINARY.model_copy(update={"changed_macs_before": 0, "kept_macs": 1000})
    (check,) = _ledger(30_000, {"faster": 4.5}, exits, (_bench(ratio=1.2),))
    assert check.theory is None
    assert "the gain depends on the pictures" in check.reason


def test_variants_without_a_footprint_have_no_theory_and_say_so():
    (check,) = _ledger(43_500, {"smaller": 32.0}, None)
    assert check.theory is None
    assert "not noted" in check.reason
    assert check.verdict is Verdict.REFUTED


def test_an_unmeasured_speed_is_not_decided():
    (check,) = _ledger(43_500, {"faster": 2.0})
    assert (check.verdict, check.here) == (Verdict.NOT_DECIDED, None)
    assert "not measured" in check.reason


def test_a_speed_here_is_that_of_the_engine_that_the_comparison_shows():
    def on(engine, ratio):
        words = Ratio(
            a=f"v@{engine}", b=f"t@{engine}", ratio=ratio, interval=(ratio, ratio), verdict=""
        )
        bench = _bench()
        result = bench.result.model_copy(update={"engine": engine})
        return bench.model_copy(update={"result": result, "ratios": (words,)})

    variant = _record("v", 30_000, method="xnor", benches=(on("torch", 9.0), on("packed", 3.0)))
    records = [_record("t", 1_000_000), variant]
    here = [check_claims(records, "t", _entry(faster=58.0), engine) for engine in ("packed", "")]
    assert [checks[0].here for checks in here] == [3.0, 9.0]
