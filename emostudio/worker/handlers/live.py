"""Runs several variants on the same frames."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence

from emostudio.core.errors import InputError
from emostudio.core.events import Finished, Note, Progress
from emostudio.core.jobs import LiveJob
from emostudio.inference.catalogue import fastest_engine, open_classifier
from emostudio.inference.choosing import EngineChoice
from emostudio.vision.catalogue import choose_source, open_detector
from emostudio.vision.pipeline import LiveSetup, run
from emostudio.vision.shared_frames import SharedFrames
from emostudio.worker.context import HandlerContext, Handling
from emostudio.worker.resolve import find_models

_MEASURED = "chosen by measurement: "
"""How `EngineChoice.why` begins where engines were timed; said once for all variants."""


def handle(job: LiveJob, context: HandlerContext) -> Handling:
    """Show frames until the time is up or the view is stopped; answers with the counters."""
    if not job.variants:
        raise InputError("Choose at least one variant to see live")
    models = find_models(job.variants, context.workspace)
    source = choose_source(job.source)
    finder = open_detector(job.detector, job.detector_file)
    with contextlib.ExitStack() as stack:
        variants, choices = [], {}
        for found in models:
            yield Progress(message=f"Loading {found.name}")
            model = found.load()
            engine = job.engine
            if engine is None and not model.members:
                choice = fastest_engine(model)
                engine = choice.engine
                choices[found.name] = choice
            classifier = open_classifier(model, engine, threads=1)
            stack.callback(classifier.close)
            variants.append((found.name, classifier))
        if choices:
            yield engines_note(choices)
        sink = stack.enter_context(SharedFrames()) if job.send_frames else None
        setup = LiveSetup(
            source=source,
            finder=finder,
            variants=variants,
            detector=job.detector,
            seconds=job.seconds,
            sink=sink,
        )
        events = stack.enter_context(contextlib.closing(run(setup, context.job_context())))
        for event in events:
            if isinstance(event, Finished):
                return event.result
            yield event
    return {}


def engines_note(choices: Mapping[str, EngineChoice]) -> Note:
    """Return which engine runs each variant and why, in one note: a later one would hide it."""
    by_engine: dict[str, list[str]] = {}
    for name, choice in choices.items():
        by_engine.setdefault(choice.engine, []).append(name)
    ran = [
        f"{_listed(names)} {'runs' if len(names) == 1 else 'run'} on {engine}"
        for engine, names in by_engine.items()
    ]
    reasons = {name: choice.why for name, choice in choices.items()}
    are_measured = all(why.startswith(_MEASURED) for why in reasons.values())
    if are_measured:
        reasons = {name: why.removeprefix(_MEASURED) for name, why in reasons.items()}
    told = "; ".join(f"{name}: {why}" for name, why in reasons.items())
    return Note(what="; ".join(ran), why=f"Chosen by measurement. {told}" if are_measured else told)


def _listed(names: Sequence[str]) -> str:
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)
