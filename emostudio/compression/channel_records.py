"""What a file says of layers that lost channels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from emostudio.compression.channel_surgery import counts_after, cut_layer
from emostudio.compression.channels import ChannelGraph
from emostudio.compression.surgery import put, with_structure
from emostudio.core.model_info import StructureRecord
from emostudio.models.loaded import LoadedModel


def thinned(bare: LoadedModel, graph: ChannelGraph, alive: np.ndarray, method: str) -> LoadedModel:
    """Return a model without values, cut and recorded."""
    records = records_of(graph, alive, method)
    module = bare.network()
    with torch.device("meta"):
        for record in records:
            layer = module.get_submodule(record.layer)
            module = put(module, record.layer, cut_layer(layer, record.arguments))
    return with_records(replace(bare, module=module), records)


def records_of(graph: ChannelGraph, alive: np.ndarray, method: str) -> tuple[StructureRecord, ...]:
    """Return one record for each layer that has other channels than it had."""
    everything = np.ones(graph.count, bool)
    return tuple(
        StructureRecord(layer=name, method=method, arguments=counts_after(graph, name, alive))
        for name in graph.layers
        if counts_after(graph, name, alive) != counts_after(graph, name, everything)
    )


def with_records(model: LoadedModel, records: tuple[StructureRecord, ...]) -> LoadedModel:
    """Return the model with what its file has to say about its layers' channels."""
    for record in records:
        model = with_structure(model, record)
    return without_masks(model, tuple(record.layer for record in records))


def without_masks(model: LoadedModel, layers: tuple[str, ...]) -> LoadedModel:
    """Drop what was packed of layers whose weights change their shape."""
    gone = {f"{name}.weight" for name in layers}
    coded = {name: packed for name, packed in model.coded.items() if name not in gone}
    return replace(model, coded=coded)


def lost_masks(model: LoadedModel, planned: LoadedModel) -> tuple[str, ...]:
    """Return the note on the masks of `model` that `planned` is without, if any."""
    lost = [name.rpartition(".")[0] for name in model.coded if name not in planned.coded]
    if not lost:
        return ()
    return (f"the pruning masks of {', '.join(lost)} are dropped; prune again afterwards",)
