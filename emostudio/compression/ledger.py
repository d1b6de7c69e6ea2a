"""What every stage of a recipe left behind: measured, and kept so that a run can be taken up."""

from __future__ import annotations

import hashlib
import shutil
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from emostudio.compression.packing import load_variant, predict_bytes, save_variant
from emostudio.core.answers import StageLedger
from emostudio.core.atomic import write_text
from emostudio.core.errors import EmoStudioError, InputError
from emostudio.core.job_context import JobContext
from emostudio.data.base import Split
from emostudio.data.dataset import Dataset
from emostudio.evaluation import accuracy, complexity
from emostudio.inference.catalogue import fastest_engine, open_classifier
from emostudio.inference.classifier import Classifier
from emostudio.models.loaded import LoadedModel
from emostudio.models.segments import leaves_early

MemoryProbe = Callable[[LoadedModel, str], int | None]
"""``probe(model, engine)`` returns resident bytes of a fresh process, None if it cannot tell."""

_WARM_UP_QUERIES = 5
_QUERIES = 30


class StageRecord(BaseModel):
    """A finished stage on disk: what was asked, what file it gave, and what was measured."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fingerprint: str
    file_sha256: str
    planned_disk_bytes: int
    ledger: StageLedger


@dataclass(frozen=True)
class StageStore:
    """The files of one stage in a run's folder.

    Attributes
    ----------
    folder
        Checkpoints while the stage runs; removed when it is done.
    fingerprint
        Stands for all that decides the stage's outcome.
    """

    folder: Path
    fingerprint: str

    @property
    def _model_file(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}.safetensors")

    @property
    def _record_file(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}.json")

    def load(self) -> tuple[LoadedModel, StageRecord] | None:
        """Return the finished stage; None if it is not there, damaged, or of another job."""
        try:
            record = StageRecord.model_validate_json(self._record_file.read_text("utf-8"))
            if record.fingerprint != self.fingerprint:
                return None
            if record.file_sha256 != sha256(self._model_file):
                return None
            return load_variant(self._model_file), record
        except (OSError, ValidationError, InputError):
            return None

    def save(self, model: LoadedModel) -> LoadedModel:
        """Write the stage's model and return it as it reads back."""
        save_variant(model, self._model_file)
        return load_variant(self._model_file)

    def finish(self, planned_disk_bytes: int, ledger: StageLedger) -> StageRecord:
        """Note that the stage is done, and drop its checkpoints."""
        record = StageRecord(
            fingerprint=self.fingerprint,
            file_sha256=sha256(self._model_file),
            planned_disk_bytes=planned_disk_bytes,
            ledger=ledger,
        )
        write_text(self._record_file, record.model_dump_json(indent=2))
        shutil.rmtree(self.folder, ignore_errors=True)
        return record


class _Measured(BaseModel):
    fingerprint: str
    ledger: StageLedger


def write_ledger(file: Path, fingerprint: str, measured: StageLedger) -> None:
    """Keep a measurement for a resumed run."""
    document = _Measured(fingerprint=fingerprint, ledger=measured)
    write_text(file, document.model_dump_json(indent=2))


def read_ledger(file: Path, fingerprint: str) -> StageLedger | None:
    """Return a measurement kept by the same job, or None."""
    try:
        kept = _Measured.model_validate_json(file.read_text("utf-8"))
    except (OSError, ValidationError):
        return None
    return kept.ledger if kept.fingerprint == fingerprint else None


def sha256(path: Path) -> str:
    """Return the hash of a file in hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def measure(
    model: LoadedModel,
    step: str,
    dataset: Dataset | None,
    context: JobContext,
    *,
    memory: MemoryProbe | None = None,
) -> StageLedger:
    """Measure a stage's model: accuracy on the test split, sizes, cost, and a glance at latency.

    The latency is the median of a few queries, for the ledger only: claims need `latency.compare`.
    Simulated kernels have neither latency nor memory.

    Parameters
    ----------
    model
        The model.
    step
        Name in the ledger.
    dataset
        Images to be right about; the validation split stands in where no test image has a label.
    context
        Threads, progress and cancel.
    memory
        Measures resident memory in a fresh process; None leaves it open.
    """
    parameters, macs = costs(model)
    # Remembered: what is opened next runs on it.
    why = "" if model.members else fastest_engine(model, context.threads).why
    classifier = open_classifier(model, threads=context.threads)
    try:
        scored = _accuracy(classifier, dataset, model, context)
        is_real = classifier.session.kernels == "real"
        latency_ms = _latency_ms(classifier, model, dataset) if is_real else None
        engine = classifier.session.engine
    finally:
        classifier.close()
    return StageLedger(
        step=step,
        accuracy=scored,
        disk_bytes=file_bytes(model),
        latency_ms=latency_ms,
        resident_bytes=memory(model, engine) if memory is not None and is_real else None,
        parameters=parameters,
        macs=macs,
        engine=engine,
        engine_why=why,
    )


def costs(model: LoadedModel) -> tuple[int | None, int | None]:
    """Return parameters and multiply-adds, or None for a black box; values are not needed."""
    if model.module is None:
        return None, None
    layers = complexity.count(model.module, model.input_shape)
    return complexity.total_parameters(layers), complexity.total_macs(layers)


def file_bytes(model: LoadedModel) -> int:
    """Return the bytes of a model's file, or of the file it would have."""
    if model.file is not None and model.file.is_file():
        return model.file.stat().st_size
    return predict_bytes(model)


def _accuracy(
    classifier: Classifier, dataset: Dataset | None, model: LoadedModel, context: JobContext
) -> float | None:
    if dataset is None:
        return None
    for split in (Split.TEST, Split.VALIDATION):
        try:
            result = accuracy.evaluate(
                classifier, dataset, split, model.info.name, report=context.report
            )
        except InputError:  # no labelled image of a class the model knows
            continue
        return result.accuracy
    return None


def _latency_ms(classifier: Classifier, model: LoadedModel, dataset: Dataset | None) -> float:
    """Return the median of a few queries; the mean where the time depends on the picture."""
    images = _pictures(model, dataset)
    times_ms: list[float] = []
    for query in range(_WARM_UP_QUERIES + _QUERIES):
        place = query % len(images)
        started = time.perf_counter()
        classifier.outputs(images[place : place + 1])
        times_ms.append(1e3 * (time.perf_counter() - started))
    if not np.isfinite(times_ms).all():
        raise EmoStudioError("The clock of this machine cannot be used")
    middle = statistics.fmean if leaves_early(model.module) else statistics.median
    return middle(times_ms[_WARM_UP_QUERIES:])


def _pictures(model: LoadedModel, dataset: Dataset | None) -> np.ndarray:
    """Return input pixels (N, H, W, C): of the dataset where the network may leave early."""
    if dataset is not None and leaves_early(model.module):
        for split in (Split.TEST, Split.VALIDATION):
            places = dataset.indices(split)
            if len(places):
                chosen = places[np.linspace(0, len(places) - 1, _QUERIES).round().astype(int)]
                return np.asarray(dataset.pixels(model.info.preprocessing)[chosen])
    channels, height, width = model.input_shape
    generator = np.random.default_rng(0)
    return generator.integers(0, 256, (4, height, width, channels), dtype=np.uint8)
