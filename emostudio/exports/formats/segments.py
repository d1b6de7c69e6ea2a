"""A folder of graphs for networks with early exits: each picture runs as many as it needs."""

from __future__ import annotations

import json
from typing import Any

from emostudio.exports.base import Exporter, Made
from emostudio.exports.onnx_file import (
    metadata_of,
    opset_of,
    refuse_pixels,
    with_metadata,
    with_preprocessing,
)
from emostudio.exports.runner import MANIFEST
from emostudio.exports.running import RUNNER_FILE, open_with_runner, runner_source
from emostudio.inference.graph import segment_graphs
from emostudio.models.loaded import LoadedModel
from emostudio.models.segments import Segment, leaves_early, segments_of


def _refuse(model: LoadedModel) -> str:
    if not leaves_early(model.module):
        return "it has no early exit that a picture could take; export it as one ONNX file"
    return refuse_pixels(model)


def _make(model: LoadedModel) -> Made:
    # Straight from the layers: the engine may keep weights in operators of its own.
    graphs = list(segment_graphs(model.network(), model.input_shape))
    graphs[0] = with_preprocessing(graphs[0], model.info.preprocessing)
    metadata = metadata_of(model.info, opset_of(graphs[0]))
    names = [f"segment_{number}.onnx" for number in range(1, len(graphs) + 1)]
    parts = zip(names, segments_of(model.network()), strict=True)
    manifest = {
        "metadata": metadata,
        "segments": [_description(name, segment) for name, segment in parts],
        "info": model.info.model_dump(mode="json"),
    }
    files = {
        name: with_metadata(graph, metadata | {"segment": f"{number} of {len(graphs)}"})
        for number, (name, graph) in enumerate(zip(names, graphs, strict=True), 1)
    }
    files[MANIFEST] = (json.dumps(manifest, indent=2, ensure_ascii=False) + "\n").encode()
    files[RUNNER_FILE] = runner_source()
    return Made(files, int(metadata["opset"]))


def _description(name: str, segment: Segment) -> dict[str, Any]:
    if segment.accepts is None:
        return {"file": name, "outputs": ["logits"]}
    limit = getattr(segment.accepts, "limit", None)
    return {
        "file": name,
        "outputs": ["features", "logits", "accepted"],
        "accepts": "entropy of softmax(logits), divided by ln K, below the limit",
        "limit": limit,
    }


EXPORTER = Exporter(
    key="segments",
    title="ONNX segments",
    summary="A folder for networks with early exits: one graph per exit, a manifest and the runner",
    suffix="",
    refuse=_refuse,
    make=_make,
    open=open_with_runner,
    reference="https://onnx.ai",
)
