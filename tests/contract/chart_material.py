"""Measurements from which every chart has something to draw, and the bare minimum."""

import base64

import cv2
import numpy as np

from emostudio.core.answers import (
    AblationReport,
    AblationShare,
    BenchResult,
    EvaluationResult,
    Latency,
    Ratio,
)
from emostudio.core.comparing import (
    ChangedPicture,
    LayerProfile,
    ModelChanges,
    ModelProfile,
    ProfileReport,
)
from emostudio.core.emotions import EMOTIONS
from emostudio.core.measured import Calibration, CalibrationBin, Limits
from emostudio.workspace.charts.material import Material, TrainingCurve
from emostudio.workspace.comparison import Comparison, ComparisonRow

NAMES = ("VGG-S & co", "int8_50%", "XNOR #2", "CP")


def evaluation(name, right):
    confusion = [[0] * 8 for _ in range(8)]
    for place in range(8):
        confusion[place][place] = right
        confusion[place][(place + 1) % 8] = 40 - right
    bins = tuple(
        CalibrationBin(images=64, confidence=c, accuracy=c - 0.05) for c in (0.4, 0.7, 0.9)
    )
    return EvaluationResult(
        model=name, samples=320, accuracy=right / 40,
        accuracy_interval=(right / 40 - 0.04, right / 40 + 0.03), macro_f1=right / 41,
        balanced_accuracy=right / 40, confusion=tuple(map(tuple, confusion)), labels=EMOTIONS,
        calibration=Calibration(error=0.05, floor=0.02, floor_high=0.04, confidence=0.8, bins=bins),
    )  # fmt: skip


def row(place, standing):
    name, found = NAMES[place], evaluation(NAMES[place], 38 - 4 * place)
    p50 = 20.0 / (place + 1)
    interval = (p50 * 0.98, p50 * 1.03)
    speed = None
    if place:
        bounds = (place + 0.9, place + 1.1)
        speed = Ratio(a=name, b=NAMES[0], ratio=place + 1.0, interval=bounds, verdict="faster")
    bench = BenchResult(
        model=name, engine="onnxruntime", threads=1, kernels="real", latency_ms=Latency(p50=p50),
        disk_bytes=8_000_000, resident_bytes=90_000_000, parameters=1_000_000, macs=5_000_000,
        samples=690,
    )  # fmt: skip
    return ComparisonRow(
        model=name, role="variant" if place else "teacher", slot=place, recipe="", verdict="",
        architecture="squeezenet1_1", is_baseline=not place, accuracy=found.accuracy,
        accuracy_interval=found.accuracy_interval, macro_f1=found.macro_f1, samples=320,
        disk_bytes=8_000_000 // (place + 1), parameters=1_000_000, macs=5_000_000,
        resident_bytes=90_000_000, peak_bytes=120_000_000, training_peak_bytes=400_000_000,
        latency_ms=bench.latency_ms, latency_interval=interval, speed=speed, kernels="real",
        engine="onnxruntime", threads=1, standing=standing, evaluation=found, bench=bench,
    )  # fmt: skip


def ablation():
    share = AblationShare(
        step=0, method="magnitude_pruning", accuracy=-0.043, disk_bytes=-1e6, size_factor=2.0,
        latency_ms=-0.01,
    )  # fmt: skip
    other = share.model_copy(update={"step": 1, "method": "huffman", "accuracy": 0.0})
    return AblationReport(
        teacher=NAMES[0], methods=("magnitude_pruning", "huffman"), subsets=(),
        shares=(share, other),
    )  # fmt: skip


def changes():
    png = cv2.imencode(".png", np.full((24, 20, 3), 128, dtype=np.uint8))[1].tobytes()
    picture = ChangedPicture(
        item="one_face.png", truth="anger", before="anger", now="fear", confidence_before=0.8,
        confidence_now=0.6, png_base64=base64.b64encode(png).decode(),
    )  # fmt: skip
    others = picture.model_copy(update={"before": "fear", "now": "anger", "item": "other 50%.png"})
    return ModelChanges(
        model=NAMES[1], against=NAMES[0], pictures=320, changed=9, lost=5, gained=4,
        shown=(picture, others) * 4,
    )  # fmt: skip


def profile():
    def layers(factor, error):
        return tuple(
            LayerProfile(layer=name, kind="conv", kernels=("Conv",), ms=ms / factor,
                         interval=(0.9 * ms / factor, 1.2 * ms / factor), macs=1_000_000,
                         parameters=10, disk_bytes=4_000, weight_error=error)
            for name, ms in (("conv1", 0.4), ("fire.expand_3x3", 1.5))
        )  # fmt: skip

    one = ModelProfile(
        model=NAMES[0], engine="onnxruntime", threads=1, kernels="real", layers=layers(1, None),
        other_ms=0.0, total_ms=1.9,
    )  # fmt: skip
    other = one.model_copy(update={"model": NAMES[3], "layers": layers(2, 0.3)})
    return ProfileReport(
        machine={}, blocks=9, profiles=(one, other), warnings=("The machine runs on battery",)
    )


def full():
    states = ("frontier", "undecided", "dominated", "frontier")
    comparison = Comparison(
        rows=tuple(row(place, state) for place, state in enumerate(states)),
        baseline=NAMES[0], dataset="faces", split="test", engine="onnxruntime",
        machine={"cpu": "Test CPU"}, limits=Limits(most_ms=15.0, least_accuracy=0.8),
    )  # fmt: skip
    curves = tuple(
        TrainingCurve(name, slot, (1, 2, 3), (0.6, 0.3, 0.2), (0.7, 0.4, last))
        for slot, (name, last) in enumerate(zip(NAMES, (0.3, None, 0.2, 0.1), strict=True))
    )
    return Material(comparison, curves, (ablation(),), (changes(),), (profile(),))


def bare():
    only = ComparisonRow(
        model="bare", role="teacher", slot=0, recipe="", architecture="nin", is_baseline=True,
        disk_bytes=1,
    )  # fmt: skip
    return Material(Comparison(rows=(only,), baseline="bare"))
