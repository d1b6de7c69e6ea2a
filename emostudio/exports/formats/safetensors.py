"""EmoStudio's own file, to take a model to another EmoStudio: every bit and fact is kept."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emostudio.compression.packing import load_variant, save_variant
from emostudio.core.errors import EmoStudioError
from emostudio.core.exported import EXCHANGE
from emostudio.exports.base import Answering, Answers, Exporter, Made
from emostudio.exports.reference import open_reference
from emostudio.models.container import read_info
from emostudio.models.loaded import LoadedModel


def _refuse(model: LoadedModel) -> str:
    if model.onnx_bytes is not None:
        return "its layers are not known, only its ONNX graph; export it as ONNX"
    return ""


def _make(model: LoadedModel) -> Made:
    with tempfile.TemporaryDirectory(prefix="emostudio-") as folder:
        file = Path(folder) / "model.safetensors"
        save_variant(model, file)
        if read_info(file) != model.info:
            raise EmoStudioError(f"{model.info.name} was not exported: its description changed")
        return Made({file.name: file.read_bytes()})


def _open(path: Path) -> Answering:
    model = load_variant(path)
    session = open_reference(model)

    def answer(pixels: NDArray[np.uint8]) -> Answers:
        return session.answer(pixels)

    return answer


EXPORTER = Exporter(
    key="safetensors",
    title="safetensors",
    summary="EmoStudio's own file: another EmoStudio imports it with every bit and fact kept",
    suffix=".safetensors",
    refuse=_refuse,
    make=_make,
    open=_open,
    reference="https://github.com/huggingface/safetensors",
    is_exact=True,
    family=EXCHANGE,
)
