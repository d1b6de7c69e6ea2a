"""Imports foreign models: what the file does not say is asked for, or found on labelled images."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emostudio.core.answers import ImportReport
from emostudio.core.emotions import Emotion
from emostudio.core.errors import InputError
from emostudio.core.events import Event, Note, Progress
from emostudio.core.jobs import ImportModelJob
from emostudio.core.model_info import ModelInfo
from emostudio.data.labels import canonical_labels
from emostudio.data.transforms import normalise, to_input_pixels
from emostudio.models.importers.onnx_conversion import ConvertedNetwork, check_parity
from emostudio.models.importers.onnx_model import with_info
from emostudio.models.loaded import LoadedModel
from emostudio.worker import conventions
from emostudio.worker.context import HandlerContext
from emostudio.worker.import_reading import Unnamed, read_model
from emostudio.worker.model_report import model_report
from emostudio.worker.outcome import Saved, save_model
from emostudio.worker.resolve import open_data

_PARITY_PICTURES = 64


@dataclass(frozen=True)
class Imported:
    """An imported model in the workspace and what was found on the way."""

    saved: Saved
    report: ImportReport


def import_model(job: ImportModelJob, context: HandlerContext) -> Generator[Event, None, Imported]:
    """Bring a model file into the workspace.

    Raises
    ------
    InputError
        If the file is refused, or something it does not say was neither given nor found.
    """
    path = Path(job.file).expanduser()
    yield Progress(message=f"Reading {path.name}")
    found = read_model(path, job, context)
    dataset = open_data(job.data, context) if job.data else None
    wanted = job.name or path.stem
    name = context.workspace.free_model_name(wanted)
    notes = list(found.notes)
    given = _given(job, found)
    sample = conventions.labelled_sample(dataset) if dataset is not None else None
    if found.info is not None and job.labels is None and job.preprocessing is None:
        model = _with_info(found, found.info.model_copy(update={"name": name}))
    else:
        yield Progress(message="Finding out what the outputs mean")
        choice = conventions.settle(given, lambda info: _with_info(found, info), sample, name)
        notes += choice.notes
        model = _with_info(found, choice.info)
    if found.converted is not None and sample is not None:
        try:
            notes.append(_parity_on_pictures(found.converted, model.info, sample))
        except InputError as error:
            if job.onnx == "white_box":
                raise
            yield Note(what=str(error))
            return (yield from import_model(_as_black_box(job), context))
    checked = conventions.check(model, sample) if sample is not None else None
    notes += checked.notes if checked is not None else ()
    for note in notes:
        yield Note(what=note)
    is_variant = bool(model.info.recipe.steps)
    saved = yield from save_model(model, name, context, role="variant" if is_variant else "teacher")
    report = ImportReport(
        model=saved.record.name,
        file=str(saved.record.file),
        report=model_report(saved.model, saved.record.file),
        checked_images=checked.images if checked else 0,
        checked_accuracy=checked.accuracy if checked else None,
        notes=tuple(notes),
    )
    return Imported(saved, report)


def _as_black_box(job: ImportModelJob) -> ImportModelJob:
    return job.model_copy(update={"onnx": "black_box"})


def _parity_on_pictures(
    network: ConvertedNetwork, info: ModelInfo, sample: conventions.Sample
) -> str:
    preprocessing = info.preprocessing
    pixels = [to_input_pixels(one, preprocessing) for one in sample.images[:_PARITY_PICTURES]]
    parity = check_parity(network, normalise(np.stack(pixels), preprocessing))
    return f"On {parity.inputs} labelled pictures logits differ by up to {parity.logits:.1e}"


def _given(job: ImportModelJob, found: Unnamed) -> conventions.Given:
    """Put together what the user and the file say; None stands for what has to be found."""
    labels = _labels(job.labels, found.info)
    if labels is not None and found.class_count not in {0, len(labels)}:
        raise InputError(
            f"{len(labels)} labels were given",
            why=f"the network has {found.class_count} outputs",
            next_step="Name one emotion per output, in their order",
        )
    channels, height, width = found.geometry
    preprocessing = None
    if job.preprocessing is not None:
        geometry = {
            key: value
            for key, value in (("channels", channels), ("height", height), ("width", width))
            if value
        }
        preprocessing = conventions.parse_preprocessing(
            {**geometry, **found.defaults, **job.preprocessing}
        )
    elif found.info is not None:
        preprocessing = found.info.preprocessing
    return conventions.Given(
        labels=labels,
        preprocessing=preprocessing,
        geometry=found.geometry,
        class_count=found.class_count,
        template={
            "architecture": found.architecture,
            "architecture_settings": found.architecture_settings,
            "outputs": found.outputs,
        },
    )


def _labels(given: tuple[str, ...] | None, info: ModelInfo | None) -> tuple[Emotion, ...] | None:
    if given is not None:
        return canonical_labels(given)
    return info.labels if info is not None else None


def _with_info(found: Unnamed, info: ModelInfo) -> LoadedModel:
    if found.onnx_bytes is not None:
        return LoadedModel(info, onnx_bytes=with_info(found.onnx_bytes, info))
    if found.parts:
        return LoadedModel(info, parts=found.parts)
    return LoadedModel(info, module=found.module, coded=found.coded)
