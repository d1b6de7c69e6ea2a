from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emostudio.core.answers import BenchResult, EvaluationResult, Latency, PairedResult, Ratio
from emostudio.core.emotions import EMOTIONS
from emostudio.core.model_info import ModelInfo, Preprocessing
from emostudio.core.recipe import Recipe, RecipeStep
from emostudio.reports.comparison import build, writer_of
from emostudio.workspace.records import BenchRecord, EvaluationRecord, ModelRecord

MEASURED = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MACHINE = {
    "cpu": "Test CPU",
    "physical_cores": 4,
    "vector_units": ["AVX2"],
    "os": "Linux",
    "versions": {"onnxruntime": "1.0"},
}


def _paired(name: str, loss: float) -> PairedResult:
    return PairedResult(
        a="teacher",
        b=name,
        difference=-loss,
        interval=(-loss - 0.01, -loss + 0.01),
        p_value=0.01,
        agreement=0.9,
    )


def _made(  # noqa: PLR0913 - one keyword per figure that a test may want to set
    name: str,
    slot: int,
    *,
    p50: float | None = 10.0,
    right: int = 90,
    disk_bytes: int = 1_000_000,
    speed: float | None = None,
    method: str = "",
    loss: float | None = None,
) -> ModelRecord:
    confusion = np.zeros((8, 8), dtype=int)
    confusion[0, 0], confusion[0, 1] = right, 100 - right
    result = EvaluationResult(
        model=name,
        samples=100,
        accuracy=right / 100,
        accuracy_interval=(right / 100 - 0.05, min(1.0, right / 100 + 0.04)),
        macro_f1=right / 100,
        macro_f1_interval=(right / 100 - 0.06, min(1.0, right / 100 + 0.05)),
        balanced_accuracy=right / 100,
        confusion=tuple(tuple(int(count) for count in row) for row in confusion),
        labels=EMOTIONS,
        engine="onnxruntime",
    )
    paired = () if loss is None else (_paired(name, loss),)
    bench = BenchResult(
        model=name,
        engine="onnxruntime",
        threads=1,
        kernels="real" if p50 is not None else "simulated",
        latency_ms=None if p50 is None else Latency(p50=p50, p95=p50 * 1.1, p99=p50 * 1.2),
        disk_bytes=disk_bytes,
        resident_bytes=50_000_000,
        parameters=250_000,
        macs=5_000_000,
        samples=0 if p50 is None else 690,
    )
    ratios = ()
    if speed is not None:
        interval = (speed * 0.985, speed * 1.015)
        ratios = (Ratio(a=name, b="teacher", ratio=speed, interval=interval, verdict="words"),)
    return ModelRecord(
        name=name,
        role="variant" if slot else "teacher",
        file=Path("model.safetensors"),
        info=ModelInfo(
            name=name,
            architecture="squeezenet1_1",
            labels=EMOTIONS,
            preprocessing=Preprocessing(),
            recipe=Recipe(steps=(RecipeStep(method=method),)) if method else Recipe(),
        ),
        disk_bytes=disk_bytes,
        parameters=250_000,
        macs=5_000_000,
        parent="teacher" if slot else None,
        created=MEASURED,
        slot=slot,
        evaluations=(
            EvaluationRecord(
                dataset="faces",
                split="test",
                measured=MEASURED,
                result=result,
                paired=paired,
            ),
        ),
        benches=(
            BenchRecord(
                measured=MEASURED, bench="b1", machine=MACHINE, result=bench, ratios=ratios
            ),
        ),
    )


@pytest.fixture
def make_record():
    """What makes a record, for tests that need others than `records`."""
    return _made


@pytest.fixture
def records() -> list[ModelRecord]:
    return [
        _made("teacher", 0, disk_bytes=8_000_000),
        _made("fast", 1, p50=2.5, right=88, speed=4.0, loss=0.02),
        _made(
            "packed & small",
            2,
            p50=10.0,
            right=90,
            speed=1.0,
            loss=0.0,
            disk_bytes=200_000,
            method="deep_compression",
        ),
        _made("bits", 3, p50=None, right=70, loss=0.2),
    ]


@pytest.fixture
def write():
    """Write a whole report of some records, and return where it is."""

    def written(records: list[ModelRecord], out: Path, **options: Any) -> Path:
        writer_of(out).write(build(records, **options), out)
        return out

    return written
