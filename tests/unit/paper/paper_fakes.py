"""Finished parts as a study would leave them, without any training."""

from datetime import UTC, datetime

from emostudio.core.answers import BenchResult, EvaluationResult, Latency, Ratio
from emostudio.paper.parts import PartResult, StepTime
from emostudio.paper.study import DataFacts, StudyRecord, StudySettings

MACHINE = {
    "cpu": "Test CPU",
    "physical_cores": 2,
    "vector_units": ["AVX2"],
    "os": "Test OS 1",
    "python": "3.12.1",
    "versions": {"EmoStudio": "0.1", "torch": "2.10"},
}


def evaluation(model, accuracy, samples=400):
    return EvaluationResult(
        model=model,
        samples=samples,
        accuracy=accuracy,
        accuracy_interval=(0.0, 1.0),
        macro_f1=accuracy,
        balanced_accuracy=accuracy,
        confusion=((1,),),
        labels=("anger",),
        engine="onnxruntime",
    )


def trained(part, accuracy=0.9, **fields):
    values = {
        "key": part.key,
        "fingerprint": part.fingerprint,
        "finished": datetime(2026, 1, 1, tzinfo=UTC),
        "seconds": 10.0,
        "machine": MACHINE,
        "device": "cpu",
        "seed": getattr(part.job, "seed", 0),
        "model": f"model-{part.key}",
        "parameters": 1000,
        "disk_bytes": 4000,
        "evaluation": evaluation(f"model-{part.key}", accuracy),
        "train_error": (0.5, 0.2),
        "test_error": (0.6, 0.3),
        "train_images": 800,
        "held_out_images": 100,
        "batch_size": 20,
        "step": StepTime(median_ms=40.0, low_ms=38.0, high_ms=44.0, steps=100, blocks=10),
    }
    return PartResult(**{**values, **fields})


def benched(part, models, ratio=2.0, simulated=(), resident=None, spread=None):
    """The first model is the slowest: every other one is `ratio` times faster."""
    first = models[0]
    return PartResult(
        key=part.key,
        fingerprint=part.fingerprint,
        finished=datetime(2026, 1, 1, tzinfo=UTC),
        seconds=5.0,
        machine=MACHINE,
        device="cpu",
        bench=tuple(
            BenchResult(
                model=model,
                engine="onnxruntime",
                threads=1,
                kernels="simulated" if model in simulated else "real",
                latency_ms=None if model in simulated else Latency(p50=2.0),
                disk_bytes=4000,
                resident_bytes=(resident or {}).get(model),
                resident_spread=spread,
                parameters=1000,
                macs=1000,
                samples=240,
            )
            for model in models
        ),
        ratios=tuple(
            Ratio(a=model, b=first, ratio=ratio, interval=(ratio * 0.9, ratio * 1.1), verdict="")
            for model in models[1:]
            if model not in simulated
        ),
        block_medians_ms={model: (1.9, 2.0, 2.1) for model in models if model not in simulated},
    )


def record(settings=None, reader="synthetic", fingerprint=None):
    data = DataFacts(
        name="faces",
        reader=reader,
        train_images=800,
        held_out_images=100,
        test_images=400,
        labels=("anger", "fear"),
        subjects=50,
        split_policy="by subject",
        fingerprint=fingerprint,
    )
    return StudyRecord(
        settings=settings or StudySettings(), created=datetime(2026, 1, 1, tzinfo=UTC), data=data
    )
