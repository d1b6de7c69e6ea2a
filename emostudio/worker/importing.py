"""Imports foreign models: what the file does not say is asked for, or found on labelled images."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from emostudio.compression.packing import load_variant
from emostudio.core.answers import ImportReport
from emostudio.core.atomic import write_bytes
from emostudio.core.emotions import Emotion
from emostudio.core.errors import InputError
from emostudio.core.events import Event, Note, Progress
from emostudio.core.jobs import ImportModelJob
from emostudio.core.model_info import BLACK_BOX, CAFFE, ModelInfo
from emostudio.data.labels import canonical_labels
from emostudio.data.transforms import normalise, to_input_pixels
from emostudio.models.container import METADATA_KEY, read_arrays, read_info
from emostudio.models.importers import caffe
from emostudio.models.importers.formats import ModelFormat, detect_format
from emostudio.models.importers.matching import match_architecture
from emostudio.models.importers.onnx_conversion import (
    ARCHITECTURE_KEY,
    ConvertedNetwork,
    check_parity,
    convert,
)
from emostudio.models.importers.onnx_model import OnnxFacts, read_onnx, with_info
from emostudio.models.loaded import CodedTensor, LoadedModel
from emostudio.models.parts import described_parts
from emostudio.worker import conventions
from emostudio.worker.context import HandlerContext
from emostudio.worker.model_report import model_report
from emostudio.worker.outcome import Saved, save_model
from emostudio.worker.resolve import open_data
from emostudio.worker.sandbox import run_limited

_CAFFE_PROBE = "emostudio.models.importers.caffe_probe"
_PARITY_PICTURES = 64
_CONVERTER = "emostudio.models.importers.state_dict"


@dataclass(frozen=True)
class Imported:
    """An imported model in the workspace and what was found on the way."""

    saved: Saved
    report: ImportReport


@dataclass(frozen=True)
class _Unnamed:
    """A network whose outputs may not have names yet.

    Attributes
    ----------
    info
        A complete description, if the file carried one.
    module, onnx_bytes, parts, coded
        The network, and how its tensors are packed.
    defaults
        Preprocessing that goes without saying among networks of its kind.
    converted
        How the layers came from an ONNX graph, if they did.
    geometry
        (C, H, W) of its input; 0 where unknown.
    class_count
        0 where unknown.
    """

    info: ModelInfo | None
    module: torch.nn.Module | None
    onnx_bytes: bytes | None
    architecture: str
    architecture_settings: dict[str, Any]
    geometry: tuple[int, int, int]
    class_count: int
    outputs: str
    notes: tuple[str, ...] = ()
    parts: Mapping[str, bytes] = field(default_factory=dict)
    coded: Mapping[str, CodedTensor] = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=dict)
    converted: ConvertedNetwork | None = None


def import_model(job: ImportModelJob, context: HandlerContext) -> Generator[Event, None, Imported]:
    """Bring a model file into the workspace.

    Raises
    ------
    InputError
        If the file is refused, or something it does not say was neither given nor found.
    """
    path = Path(job.file).expanduser()
    yield Progress(message=f"Reading {path.name}")
    found = _read(path, job, context)
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


def _read(path: Path, job: ImportModelJob, context: HandlerContext) -> _Unnamed:
    kind = detect_format(path)
    if kind is ModelFormat.ONNX:
        return _read_onnx(path, job)
    if kind is ModelFormat.CAFFE:
        return _read_caffe(path, job.architecture_settings)
    if kind is ModelFormat.SAFETENSORS and _is_ours(path):
        model = load_variant(path)
        if model.parts:
            _probe_parts(model.parts, path.name, context)
        return _Unnamed(
            info=model.info,
            module=model.module,
            onnx_bytes=None,
            architecture=model.info.architecture,
            architecture_settings=model.info.architecture_settings,
            geometry=model.input_shape,
            class_count=len(model.info.labels),
            outputs=model.info.outputs,
            parts=model.parts,
            coded=model.coded,
        )
    if kind is ModelFormat.STATE_DICT:
        context.folder.mkdir(parents=True, exist_ok=True)
        target = context.folder / "converted.safetensors"
        run_limited(_CONVERTER, [str(path.absolute()), str(target)], subject=path.name)
        path = target
    return _match(path, job)


def _read_onnx(path: Path, job: ImportModelJob) -> _Unnamed:
    facts = read_onnx(path)
    notes = facts.notes
    if job.onnx != "black_box":
        try:
            return _taken_apart(facts, _geometry(facts, job))
        except InputError as error:
            if job.onnx == "white_box":
                raise
            notes += (f"A black box, not layers: {error.what}. {error.why}".rstrip(". "),)
    return _Unnamed(
        info=facts.info,
        module=None,
        onnx_bytes=facts.content,
        architecture=BLACK_BOX,
        architecture_settings={},
        geometry=(facts.channels, facts.height, facts.width),
        class_count=facts.class_count,
        outputs="probabilities" if facts.ends_in_softmax else "logits",
        notes=notes,
    )


def _geometry(facts: OnnxFacts, job: ImportModelJob) -> tuple[int, int, int]:
    """Return (C, H, W), from the user or the file's own description where the graph is open."""
    known: dict[str, Any] = facts.info.preprocessing.model_dump() if facts.info else {}
    known.update(job.preprocessing or {})
    given = {"channels": facts.channels, "height": facts.height, "width": facts.width}
    found = [value or known.get(key) for key, value in given.items()]
    sizes = [size for size in found if isinstance(size, int) and size > 0]
    if len(sizes) != len(given):
        raise InputError(
            "The network cannot be converted",
            why="its graph leaves the size of its input open",
            next_step="Give channels, height and width in the preprocessing",
        )
    return (sizes[0], sizes[1], sizes[2])


def _taken_apart(facts: OnnxFacts, geometry: tuple[int, int, int]) -> _Unnamed:
    network = convert(facts.content, geometry)
    parity = network.parity
    note = (
        f"Converted into layers: on {parity.inputs} random inputs logits differ from ONNX Runtime "
        f"by up to {parity.logits:.1e}, outputs by {parity.outputs:.1e}"
    )
    info = facts.info
    if info is not None:
        changes = {
            "architecture": ARCHITECTURE_KEY,
            "architecture_settings": network.settings,
            "outputs": "logits",
            "structure": (),
        }
        info = info.model_copy(update=changes)
    return _Unnamed(
        info=info,
        module=network.module,
        onnx_bytes=None,
        architecture=ARCHITECTURE_KEY,
        architecture_settings=network.settings,
        geometry=geometry,
        class_count=network.class_count,
        outputs="logits",
        notes=(*facts.notes, note),
        converted=network,
    )


def _as_black_box(job: ImportModelJob) -> ImportModelJob:
    return job.model_copy(update={"onnx": "black_box"})


def _parity_on_pictures(
    network: ConvertedNetwork, info: ModelInfo, sample: conventions.Sample
) -> str:
    preprocessing = info.preprocessing
    pixels = [to_input_pixels(one, preprocessing) for one in sample.images[:_PARITY_PICTURES]]
    parity = check_parity(network, normalise(np.stack(pixels), preprocessing))
    return f"On {parity.inputs} labelled pictures logits differ by up to {parity.logits:.1e}"


def _read_caffe(path: Path, settings: Mapping[str, Any]) -> _Unnamed:
    files = caffe.find_files(path, settings)
    arguments = [str(files.prototxt.absolute()), str(files.weights.absolute())]
    found = run_limited(_CAFFE_PROBE, arguments, subject=path.name).document
    channels, height, width = found["shape"]
    parts = caffe.read_parts(files, (channels, height, width))
    return _Unnamed(
        info=None,
        module=None,
        onnx_bytes=None,
        architecture=CAFFE,
        architecture_settings=described_parts(parts),
        geometry=(channels, height, width),
        class_count=found["class_count"],
        outputs="probabilities" if found["ends_in_softmax"] else "logits",
        notes=(f"{files.prototxt.name} describes its layers",),
        parts=parts,
        defaults=caffe.DEFAULTS if channels == 3 else {"scale": 1.0},
    )


def _probe_parts(parts: Mapping[str, bytes], subject: str, context: HandlerContext) -> None:
    """Open the parts of a file of unknown origin in a sandbox before this process does."""
    arguments = []
    for name in (caffe.PROTOTXT, caffe.WEIGHTS):
        target = context.folder / f"part.{name}"
        write_bytes(target, parts.get(name, b""))
        arguments.append(str(target.absolute()))
    run_limited(_CAFFE_PROBE, arguments, subject=subject)


def _match(path: Path, job: ImportModelJob) -> _Unnamed:
    tensors = {name: torch.from_numpy(array) for name, array in read_arrays(path).items()}
    key, settings, module = match_architecture(tensors, job.architecture, job.architecture_settings)
    size = int(settings["input_size"])
    return _Unnamed(
        info=None,
        module=module,
        onnx_bytes=None,
        architecture=key,
        architecture_settings=settings,
        geometry=(int(settings["channels"]), size, size),
        class_count=int(settings["class_count"]),
        outputs="logits",
        notes=(f"The weights fit {key} at {size} x {size} pixels",),
    )


def _is_ours(path: Path) -> bool:
    try:
        read_info(path)
    except InputError:
        return METADATA_KEY.encode() in path.open("rb").read(65_536)
    return True


def _given(job: ImportModelJob, found: _Unnamed) -> conventions.Given:
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


def _with_info(found: _Unnamed, info: ModelInfo) -> LoadedModel:
    if found.onnx_bytes is not None:
        return LoadedModel(info, onnx_bytes=with_info(found.onnx_bytes, info))
    if found.parts:
        return LoadedModel(info, parts=found.parts)
    return LoadedModel(info, module=found.module, coded=found.coded)
