"""A studio without processes, and workspaces with models, for the pages' tests."""

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QObject, Signal

from emostudio.core.answers import (
    BenchReport,
    BenchResult,
    CatalogueAnswer,
    CatalogueEntry,
    ClaimInfo,
    EvaluationResult,
    FormatEntry,
    Latency,
    PairedResult,
    Ratio,
)
from emostudio.core.emotions import EMOTIONS
from emostudio.core.model_info import Lineage, ModelInfo, Preprocessing
from emostudio.core.recipe import Recipe, RecipeStep
from emostudio.core.settings import Settings, setting
from emostudio.qt.live_feed import LiveFeed
from emostudio.workspace.store import Workspace


class PruneSettings(Settings):
    sparsity: float = setting(
        0.6, title="Zeros", help="Share of weights set to zero.", low=0.0, high=0.99
    )
    epochs: int = setting(10, title="Epochs", help="Passes over the images.", low=0, high=100)


class ShareSettings(Settings):
    bits: int = setting(8, title="Index size", help="Bits per index.", unit="bits", low=1, high=8)


class NoSettings(Settings):
    pass


class TrainSettings(Settings):
    epochs: int = setting(10, title="Epochs", help="Passes over the images.", low=0, high=100)


def entry(key, title, family, settings=NoSettings, **more):
    return CatalogueEntry(
        key=key, title=title, family=family, settings=settings.model_json_schema(), **more
    )


CATALOGUE = CatalogueAnswer(
    methods=(
        entry("magnitude_pruning", "Magnitude pruning", "Pruning", PruneSettings),
        entry(
            "weight_sharing", "Weight sharing", "Weight sharing", ShareSettings,
            claim=ClaimInfo(smaller=4.0, faster=2.0, baseline="AlexNet", source="Table 1"),
        ),
        entry("huffman", "Huffman coding", "Entropy coding"),
        entry("xnor", "XNOR", "Binary", available=False, why_not="no kernel for this processor"),
    ),
    architectures=(),
    engines=(),
    readers=(),
    detectors=(entry("haar", "Haar", ""), entry("yunet", "YuNet", "", needs_file=True)),
    formats=(
        FormatEntry(key="html", title="HTML", family="document"),
        FormatEntry(key="png", title="PNG", family="picture", writes_charts=True),
    ),
    training=TrainSettings.model_json_schema(),
)  # fmt: skip


class FakeStudio(QObject):
    """Has the signals and calls of `qt.studio.Studio`; the test answers in the engine's place."""

    catalogue_ready = Signal()
    doctor_ready = Signal()
    engine_failed = Signal(object)
    runs_changed = Signal()
    models_changed = Signal()
    datasets_changed = Signal()
    run_event = Signal(str, object)
    queue_held = Signal(str)
    live_changed = Signal(bool)
    settings_changed = Signal()

    def __init__(self, workspace):
        super().__init__()
        self.workspace = workspace
        self.catalogue = CATALOGUE
        self.doctor = None
        self.live_job = None
        self.asked = []
        self.submitted = []
        self.cancelled = []
        self.feeds = []
        self._settings = workspace.settings()

    def settings(self):
        return self._settings

    def save_settings(self, settings):
        self._settings = settings
        self.workspace.save_settings(settings)
        self.settings_changed.emit()

    def ask(self, job, on_answer, on_error=None):
        self.asked.append((job, on_answer, on_error))
        return f"q{len(self.asked)}"

    def forget(self, key):
        pass

    def ask_doctor(self):
        pass

    def titles(self):
        entries = (*self.catalogue.architectures, *self.catalogue.methods)
        return {entry.key: entry.title for entry in entries}

    def submit(self, job, title=""):
        self.submitted.append(job)
        return f"run-{len(self.submitted)}"

    def cancel(self, run_id):
        self.cancelled.append(run_id)

    def start_live(self, job):
        self.live_job = job
        self.feeds.append(LiveFeed(self))
        return self.feeds[-1]


def add_model(workspace, name, size=1_000_000, *, role="variant", steps=(), labels=EMOTIONS):
    file = workspace.models_folder / f"{name}.safetensors"
    file.write_bytes(b"0" * size)
    info = ModelInfo(
        name=name,
        architecture="squeezenet1_1",
        labels=labels,
        preprocessing=Preprocessing(),
        recipe=Recipe(steps=tuple(RecipeStep(method=key) for key in steps)),
        lineage=Lineage(parent=None if role == "teacher" else "teacher"),
    )
    return workspace.add_model(file, info, role=role, parameters=2_000_000, macs=300_000_000)


def open_workspace(folder, variants=("int8", "shared")):
    workspace = Workspace.open(folder)
    add_model(workspace, "teacher", 4_000_000, role="teacher")
    for place, name in enumerate(variants):
        add_model(workspace, name, 1_000_000 * (place + 1), steps=("weight_sharing",))
    return workspace


def evaluation(name, accuracy, labels=EMOTIONS):
    good = round(40 * accuracy)
    rows = []
    for truth in range(len(labels)):
        row = [0] * len(labels)
        row[truth] = good
        row[(truth + 1) % len(labels)] += 40 - good
        rows.append(tuple(row))
    return EvaluationResult(
        model=name, samples=320, accuracy=accuracy,
        accuracy_interval=(accuracy - 0.03, accuracy + 0.02), macro_f1=accuracy - 0.01,
        balanced_accuracy=accuracy, confusion=tuple(rows), labels=labels,
    )  # fmt: skip


def add_measurements(workspace, numbers, *, kernels=None, machine=None, blockers=()):
    """`numbers`: name to (accuracy, p50 in ms, ratio, interval), the teacher first."""
    base = next(iter(numbers))
    for name, (accuracy, *_) in numbers.items():
        change = accuracy - numbers[base][0]
        paired = () if name == base else (
            PairedResult(a=base, b=name, difference=change,
                         interval=(change - 0.01, change + 0.01),
                         p_value=0.001 if abs(change) > 0.01 else 0.2, agreement=0.95),
        )  # fmt: skip
        workspace.add_evaluation(name, "faces", "test", evaluation(name, accuracy), paired)
    results, ratios = [], []
    for name, (_, p50, ratio, interval) in numbers.items():
        kind = (kernels or {}).get(name, "real")
        latency = Latency(p50=p50, p95=p50 * 1.1, p99=p50 * 1.2) if kind == "real" else None
        results.append(
            BenchResult(model=name, engine="onnxruntime", threads=1, kernels=kind,
                        latency_ms=latency, disk_bytes=1, resident_bytes=50_000_000,
                        parameters=2_000_000, macs=300_000_000)
        )  # fmt: skip
        if ratio is not None:
            ratios.append(Ratio(a=name, b=base, ratio=ratio, interval=interval, verdict="faster"))
    workspace.add_bench(
        BenchReport(machine=machine or {}, results=tuple(results), ratios=tuple(ratios),
                    blockers=tuple(blockers))
    )  # fmt: skip


def texts(widget):
    """All visible text of a widget and its children."""
    from PySide6.QtWidgets import QLabel, QPushButton

    found = [w.text() for kind in (QLabel, QPushButton) for w in widget.findChildren(kind)
             if w.isVisibleTo(widget)]  # fmt: skip
    return "\n".join(text for text in found if text)
