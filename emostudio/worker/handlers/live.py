"""Runs several variants on the same frames."""

from __future__ import annotations

import contextlib

from emostudio.core.errors import InputError
from emostudio.core.events import Finished, Note, Progress
from emostudio.core.jobs import LiveJob
from emostudio.inference.catalogue import fastest_engine, open_classifier
from emostudio.vision.catalogue import choose_source, open_detector
from emostudio.vision.pipeline import LiveSetup, run
from emostudio.vision.shared_frames import SharedFrames
from emostudio.worker.context import HandlerContext, Handling
from emostudio.worker.resolve import find_models


def handle(job: LiveJob, context: HandlerContext) -> Handling:
    """Show frames until the time is up or the view is stopped; answers with the counters."""
    if not job.variants:
        raise InputError("Choose at least one variant to see live")
    models = find_models(job.variants, context.workspace)
    source = choose_source(job.source)
    finder = open_detector(job.detector, job.detector_file)
    with contextlib.ExitStack() as stack:
        variants = []
        for found in models:
            yield Progress(message=f"Loading {found.name}")
            model = found.load()
            engine = job.engine
            if engine is None and not model.members:
                choice = fastest_engine(model)
                engine = choice.engine
                yield Note(what=f"{found.name} runs on {engine}", why=choice.why)
            classifier = open_classifier(model, engine, threads=1)
            stack.callback(classifier.close)
            variants.append((found.name, classifier))
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
