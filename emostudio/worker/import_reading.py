"""Reads a foreign model file of any format: the network, and what the file says about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from emostudio.compression.packing import load_variant
from emostudio.core.atomic import write_bytes
from emostudio.core.errors import InputError
from emostudio.core.jobs import ImportModelJob
from emostudio.core.model_info import BLACK_BOX, CAFFE, ModelInfo
from emostudio.models.container import METADATA_KEY, read_arrays, read_info
from emostudio.models.importers import caffe
from emostudio.models.importers.formats import ModelFormat, detect_format
from emostudio.models.importers.matching import match_architecture
from emostudio.models.importers.onnx_conversion import ARCHITECTURE_KEY, ConvertedNetwork, convert
from emostudio.models.importers.onnx_model import OnnxFacts, read_onnx
from emostudio.models.loaded import CodedTensor
from emostudio.models.parts import described_parts
from emostudio.worker.context import HandlerContext
from emostudio.worker.sandbox import run_limited

_CAFFE_PROBE = "emostudio.models.importers.caffe_probe"
_CONVERTER = "emostudio.models.importers.state_dict"


@dataclass(frozen=True)
class Unnamed:
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


def read_model(path: Path, job: ImportModelJob, context: HandlerContext) -> Unnamed:
    """Read a model file of any format.

    Raises
    ------
    InputError
        If the file is damaged, unsafe or of no known format, or fits no architecture.
    """
    kind = detect_format(path)
    if kind is ModelFormat.ONNX:
        return _read_onnx(path, job)
    if kind is ModelFormat.CAFFE:
        return _read_caffe(path, job.architecture_settings)
    if kind is ModelFormat.SAFETENSORS and _is_ours(path):
        model = load_variant(path)
        if model.parts:
            _probe_parts(model.parts, path.name, context)
        return Unnamed(
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


def _read_onnx(path: Path, job: ImportModelJob) -> Unnamed:
    facts = read_onnx(path)
    notes = facts.notes
    if job.onnx != "black_box":
        try:
            return _taken_apart(facts, _geometry(facts, job))
        except InputError as error:
            if job.onnx == "white_box":
                raise
            notes += (f"A black box, not layers: {error.what}. {error.why}".rstrip(". "),)
    return Unnamed(
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


def _taken_apart(facts: OnnxFacts, geometry: tuple[int, int, int]) -> Unnamed:
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
    return Unnamed(
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


def _read_caffe(path: Path, settings: Mapping[str, Any]) -> Unnamed:
    files = caffe.find_files(path, settings)
    arguments = [str(files.prototxt.absolute()), str(files.weights.absolute())]
    found = run_limited(_CAFFE_PROBE, arguments, subject=path.name).document
    channels, height, width = found["shape"]
    parts = caffe.read_parts(files, (channels, height, width))
    return Unnamed(
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


def _match(path: Path, job: ImportModelJob) -> Unnamed:
    tensors = {name: torch.from_numpy(array) for name, array in read_arrays(path).items()}
    key, settings, module = match_architecture(tensors, job.architecture, job.architecture_settings)
    size = int(settings["input_size"])
    return Unnamed(
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
