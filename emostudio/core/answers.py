"""What the engine answers. The command line prints these as JSON, the window shows them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from emostudio.core.low_rank import LowRankOutlook
from emostudio.core.measured import Calibration, Resampling, Steadiness
from emostudio.core.model_info import ModelInfo


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ClaimInfo(_Answer):
    """What the literature says a method gives (the paper's Table 1); never ours."""

    smaller: float | None = None
    faster: float | None = None
    baseline: str = ""
    source: str = ""


class CatalogueEntry(_Answer):
    """One pickable thing: method, architecture, engine, reader, detector, source, format."""

    key: str
    title: str
    family: str = ""
    summary: str = ""
    reference: str = ""
    settings: dict[str, Any] = Field(default_factory=dict)
    """JSON schema of its settings model."""
    available: bool = True
    why_not: str = ""
    claim: ClaimInfo | None = None
    suffix: str = ""
    """End of the file names of a format, with the dot; empty for a folder."""
    needs_file: bool = False
    """Whether a detector does nothing without a model file of the user's."""


class FormatEntry(CatalogueEntry):
    """A file format of reports; its key is the suffix."""

    writes_charts: bool = False
    """Whether a single chart can be written, drawn or as its numbers."""


class CatalogueAnswer(_Answer):
    """Everything the user can pick, by catalogue."""

    methods: tuple[CatalogueEntry, ...]
    architectures: tuple[CatalogueEntry, ...]
    engines: tuple[CatalogueEntry, ...]
    readers: tuple[CatalogueEntry, ...]
    detectors: tuple[CatalogueEntry, ...] = ()
    sources: tuple[CatalogueEntry, ...] = ()
    exporters: tuple[CatalogueEntry, ...] = ()
    formats: tuple[FormatEntry, ...] = ()
    """File formats of reports, documents first."""
    training: dict[str, Any] = Field(default_factory=dict)
    """JSON schema of the training settings."""


class DoctorReport(_Answer):
    """The machine and what works on it."""

    machine: dict[str, Any]
    versions: dict[str, str]
    checks: tuple[DoctorCheck, ...]


class DoctorCheck(_Answer):
    """One thing that works or does not, with the remedy."""

    name: str
    works: bool
    details: str = ""
    next_step: str = ""


class LayerReport(_Answer):
    """Cost of one layer; `disk_bytes` is its share of the file as it is stored."""

    name: str
    kind: str
    parameters: int
    macs: int
    disk_bytes: int
    output_shape: tuple[int, ...] = ()
    methods: tuple[str, ...] = ()
    """Keys of the methods that can be applied to the layer."""
    stored: dict[str, int] = Field(default_factory=dict)
    """What `disk_bytes` are spent on, in bytes: values, indices, codebook, tables, float32."""


class SizeFigure(_Answer):
    """One way to count a model's size; none of them may be taken for another."""

    what: str
    size_bytes: int
    is_claim: bool = False
    """True where the paper counts so and the file does not."""


class ModelReport(_Answer):
    """`emostudio models inspect`."""

    model: str
    architecture: str
    parameters: int | None
    macs: int | None
    disk_bytes: int
    input_shape: tuple[int, int, int]
    labels: tuple[str, ...]
    layers: tuple[LayerReport, ...] = ()
    sizes: tuple[SizeFigure, ...] = ()
    recipe: dict[str, Any] = Field(default_factory=dict)
    file: str = ""
    """Empty for a model that was only described."""
    info: ModelInfo
    export_refusals: dict[str, str] = Field(default_factory=dict)
    """Why the model cannot be exported, by format; the others can be tried."""


class Problem(_Answer):
    """A file or row that was skipped or deserves a look."""

    item: str
    what: str
    severity: Literal["skipped", "warning"] = "skipped"


class Leak(_Answer):
    """The same picture or person in two splits."""

    kind: Literal["duplicate", "subject"]
    first: str
    second: str
    splits: tuple[str, str]


class Thumbnail(_Answer):
    """A small picture as base64 PNG."""

    png_base64: str
    emotion: str | None = None
    item: str = ""


class DataReport(_Answer):
    """What is in a data source; `counts[split][emotion]`, unlabelled under ``unlabelled``."""

    name: str
    path: str
    reader: str
    samples: int
    counts: dict[str, dict[str, int]]
    labels: tuple[str, ...]
    label_map: dict[str, str | None]
    """Label as found in the source to canonical emotion; None where it is dropped."""
    subjects: int | None = None
    image_shapes: dict[str, int] = Field(default_factory=dict)
    split_policy: str = ""
    problems: tuple[Problem, ...] = ()
    problem_count: int = 0
    leaks: tuple[Leak, ...] = ()
    leak_counts: dict[str, int] = Field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    thumbnails: tuple[Thumbnail, ...] = ()
    folder: str | None = None


class PlanStage(_Answer):
    """Prediction after one recipe step (the first stage is the teacher, method empty)."""

    method: str
    title: str
    parameters: int | None
    """None for a black box, as `macs`."""
    macs: int | None
    disk_bytes: int
    disk_bytes_exact: bool = True
    """False where entropy coding makes the size depend on the trained weights."""
    training_epochs: int = 0
    notes: tuple[str, ...] = ()


class Refusal(_Answer):
    """Why a step cannot be done on a layer (or at all, `layer` empty)."""

    step: int
    method: str
    layer: str = ""
    reason: str


class PlanReport(_Answer):
    """Prediction for a whole recipe, before any work."""

    stages: tuple[PlanStage, ...]
    refusals: tuple[Refusal, ...] = ()
    """Refusals that stop the recipe; an empty tuple means it can start."""
    skipped_layers: tuple[Refusal, ...] = ()
    speedup_ceiling: float | None = None
    """Teacher MACs over predicted MACs: no more than that can be gained from arithmetic."""
    training_seconds: float | None = None
    """Time of all trainings by steps measured on this machine; None where the data are unknown."""
    low_rank: tuple[LowRankOutlook, ...] = ()
    """What each step that decomposes layers can give at best, as far as that was measured here."""


class ImportReport(_Answer):
    """What an import found and checked."""

    model: str
    file: str
    report: ModelReport
    checked_images: int = 0
    checked_accuracy: float | None = None
    notes: tuple[str, ...] = ()


class EvaluationResult(_Answer):
    """One model on one split; `confusion[truth][predicted]` counts over `labels`."""

    model: str
    samples: int
    accuracy: float
    accuracy_interval: tuple[float, float]
    macro_f1: float
    macro_f1_interval: tuple[float, float] | None = None
    """95 % interval; None in records made before it was computed."""
    balanced_accuracy: float
    confusion: tuple[tuple[int, ...], ...]
    labels: tuple[str, ...]
    engine: str = ""
    dropped: int = 0
    """Images of the split that do not count: no label, or a class the model does not know."""
    calibration: Calibration | None = None


class PairedResult(_Answer):
    """Two models on the same images: `b` against `a`."""

    a: str
    b: str
    difference: float
    interval: tuple[float, float]
    """95 % interval after Bonett and Price, widened to the bootstrap by subject where known."""
    p_value: float
    """McNemar's exact test."""
    agreement: float
    p_holm: float | None = None
    """`p_value` corrected for the comparisons shown beside this one; None where it stands alone."""
    only_a: int | None = None
    only_b: int | None = None
    """Images that only one of the two gets right."""
    bootstrap: Resampling | None = None
    """None where the models never disagree."""


class EvaluationReport(_Answer):
    """`emostudio evaluate`."""

    data: str
    split: str
    results: tuple[EvaluationResult, ...]
    paired: tuple[PairedResult, ...] = ()


class Latency(_Answer):
    """Batch-1 latency in milliseconds; a percentile without enough queries is None."""

    p50: float
    p95: float | None = None
    p99: float | None = None


class BenchResult(_Answer):
    """One model on one engine; `engine_why` says why that one, where it was chosen."""

    model: str
    engine: str
    engine_why: str = ""
    threads: int
    kernels: Literal["real", "simulated"]
    latency_ms: Latency | None
    disk_bytes: int
    resident_bytes: int | None
    peak_bytes: int | None = None
    """Highest memory of the fresh process whose `resident_bytes` are given, loading included."""
    resident_spread: float | None = None
    """(Highest - lowest) / median of `resident_bytes` over the fresh processes."""
    parameters: int | None
    macs: int | None
    samples: int = 0
    steadiness: Steadiness | None = None


class Ratio(_Answer):
    """`b` over `a` in time: above 1 means `a` is faster; 95 % interval."""

    a: str
    b: str
    ratio: float
    interval: tuple[float, float]
    verdict: str
    bootstrap_interval: tuple[float, float] | None = None
    """The same interval by drawing whole blocks: a cross-check that does not decide."""


class BenchReport(_Answer):
    """`emostudio bench`."""

    machine: dict[str, Any]
    results: tuple[BenchResult, ...]
    ratios: tuple[Ratio, ...] = ()
    warnings: tuple[str, ...] = ()
    blockers: tuple[str, ...] = ()
    """Those of the warnings for which the figures must not be published; empty if they may."""
    conditions: dict[str, Any] = Field(default_factory=dict)
    """Load, governor and power while measuring; ``clean`` says whether the machine was quiet."""
    samples_ms: dict[str, tuple[tuple[float, ...], ...]] = Field(default_factory=dict)
    """Raw timings, one row per block, by the names that the sides of the ratios have."""


class LiveVariant(_Answer):
    """Running figures of one variant on the live view."""

    model: str
    engine: str
    labels: tuple[str, ...]
    inferences: int
    fps: float
    """Frames per second this variant would reach alone with grab, detect and crop shared."""
    latency_ms: Latency | None
    accuracy: float | None = None
    agreement: float | None = None


class LiveReport(_Answer):
    """`emostudio live`; `stages_ms` are medians per frame."""

    source: str
    detector: str = ""
    frames: int
    dropped: int
    faces: int = 0
    fps: float = 0.0
    stages_ms: dict[str, float]
    variants: tuple[LiveVariant, ...]
    message: str = ""


class QuickstartVariant(_Answer):
    """One row of the quickstart's table."""

    model: str
    file: str
    recipe: str
    accuracy: float | None
    accuracy_interval: tuple[float, float] | None = None
    disk_bytes: int
    parameters: int | None = None
    latency_ms: float | None
    verdict: str = ""


class QuickstartReport(_Answer):
    """`emostudio quickstart`."""

    report: str
    teacher: str
    variants: tuple[QuickstartVariant, ...]
    workspace: str = ""


class StageLedger(_Answer):
    """What a recipe's step left behind, measured on `engine`."""

    step: str
    accuracy: float | None
    disk_bytes: int
    latency_ms: float | None
    resident_bytes: int | None = None
    parameters: int | None = None
    macs: int | None = None
    engine: str = ""
    engine_why: str = ""


class CompressReport(_Answer):
    """`emostudio compress`."""

    run: str
    model: str
    file: str
    plan: PlanReport
    stages: tuple[StageLedger, ...]


class AblationSubset(_Answer):
    """What some of a recipe's steps gave without the others; steps count from 0."""

    steps: tuple[int, ...]
    left_out: tuple[int, ...] = ()
    """Steps of the subset that need one that is missing, and therefore did nothing."""
    ledger: StageLedger


class AblationShare(_Answer):
    """What one step gave, as its Shapley value over all subsets; None where it is unknown."""

    step: int
    method: str
    accuracy: float | None
    disk_bytes: float
    size_factor: float
    """By how much the step divided the file's size; the factors multiply to the whole's."""
    latency_ms: float | None


class AblationReport(_Answer):
    """`emostudio ablate`: shares of every step, summing to the whole recipe's effect."""

    run: str = ""
    teacher: str
    methods: tuple[str, ...]
    subsets: tuple[AblationSubset, ...]
    shares: tuple[AblationShare, ...]
