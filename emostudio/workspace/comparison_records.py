"""Which of the measurements kept a comparison shows: baseline, pictures, engine, benchmark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from emostudio.workspace.records import BenchRecord, EvaluationRecord, ModelRecord

Pictures = tuple[str, str, str]
"""As `EvaluationRecord.pictures`."""


def baseline_of(models: Sequence[ModelRecord], name: str | None) -> ModelRecord:
    """Return the model of this name, else the first teacher, else the first model."""
    for model in models:
        if model.name == name:
            return model
    return next((model for model in models if model.role == "teacher"), models[0])


def shared_pictures(
    models: Sequence[ModelRecord], dataset: str | None, split: str | None
) -> Pictures:
    """Return the pictures most models were judged on; at a tie a test split, then the newest."""
    found: Counter[Pictures] = Counter()
    newest: dict[Pictures, float] = {}
    for model in models:
        found.update({e.pictures for e in model.evaluations if _fits(e, dataset, split)})
        for e in model.evaluations:
            newest[e.pictures] = max(newest.get(e.pictures, 0.0), e.measured.timestamp())
    if not found:
        return dataset or "", split or "", ""
    return max(found, key=lambda key: (found[key], key[1] == "test", newest[key], key))


def _fits(record: EvaluationRecord, dataset: str | None, split: str | None) -> bool:
    return dataset in {None, record.dataset} and split in {None, record.split}


def shared_engine(models: Sequence[ModelRecord]) -> str:
    """Return the engine most models were timed on.

    At a tie onnxruntime, which every float network runs on, else that of the newest measurement.
    """
    found: Counter[str] = Counter()
    newest: dict[str, datetime] = {}
    for model in models:
        found.update({b.result.engine for b in model.benches})
        for b in model.benches:
            newest[b.result.engine] = max(newest.get(b.result.engine, b.measured), b.measured)
    order = sorted(found)  # the name decides at last, not the order of a set
    return max(order, key=lambda k: (found[k], k == "onnxruntime", newest[k]), default="")


def evaluation_on(model: ModelRecord, pictures: Pictures) -> EvaluationRecord | None:
    """Return a model's evaluation on these pictures, None where there is none.

    Where there is none, one that does not say on which pictures of that name it is has to do.
    """
    exact = (e for e in model.evaluations if e.pictures == pictures)
    unnoted = (e for e in model.evaluations if e.may_be_on(pictures))
    return next(exact, None) or next(unnoted, None)


def on_other_pictures(
    models: Sequence[ModelRecord],
    evaluations: dict[str, EvaluationRecord | None],
    pictures: Pictures,
) -> tuple[str, ...]:
    """Name the models judged on other pictures of the same name, or on who knows which."""
    others = [
        model.name
        for model in models
        if evaluations[model.name] is None
        and any(e.pictures[:2] == pictures[:2] for e in model.evaluations)
    ]
    found = {name: evaluation for name, evaluation in evaluations.items() if evaluation is not None}
    unnoted = [name for name, evaluation in found.items() if evaluation.pictures != pictures]
    name = ", ".join(pictures[:2])
    notes = (
        (f"Other pictures were called {name}, when these were evaluated", others),
        (f"On which pictures called {name} these were evaluated was not noted", unnoted),
    )
    then = "evaluate all of them together"
    return tuple(f"{words}: {', '.join(names)}; {then}" for words, names in notes if names)


def benches_on(
    models: Sequence[ModelRecord], engine: str, *, is_asked: bool
) -> dict[str, BenchRecord | None]:
    """Take each model's record of the bench that covers most models, else its newest one.

    A model that was only measured elsewhere shows that, unless one engine is asked for: binary
    networks have no real kernels where the others run best.
    """
    shared: Counter[str] = Counter()
    newest: dict[str, float] = {}
    for model in models:
        for record in model.benches:
            if record.result.engine == engine:
                shared[record.bench] += 1
                newest[record.bench] = record.measured.timestamp()
    order = sorted(shared, key=lambda bench: (shared[bench], newest[bench]), reverse=True)
    best = order[0] if order else ""
    chosen: dict[str, BenchRecord | None] = {}
    for model in models:
        own = [b for b in model.benches if b.result.engine == engine]
        own = own or ([] if is_asked else list(model.benches))
        in_best = [b for b in own if b.bench == best]
        chosen[model.name] = next(iter(in_best or own), None)
    return chosen
