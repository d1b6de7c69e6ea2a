"""Taking networks apart: layers by path, copies, and networks without values."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TypeAlias

import numpy as np
import torch
from torch import nn

from emostudio.core.errors import InputError
from emostudio.core.model_info import StructureRecord
from emostudio.models.loaded import CodedTensor, LoadedModel


class WeightHolder(nn.Module):
    """Base of layers made by methods whose values can be packed by methods that come after.

    The layer computes with something made from `weight`: hash buckets, a core of a tensor train.

    Attributes
    ----------
    weight
        Parameter of any shape.
    """

    weight: nn.Parameter

    def mac_count(self, output_shape: tuple[int, ...]) -> int:
        """Return the multiply-adds for one input; `output_shape` is without the batch."""
        raise NotImplementedError(type(self).__name__)


WeightLayer: TypeAlias = nn.Conv2d | nn.Linear | WeightHolder


def layer_at(module: nn.Module, path: str) -> nn.Module:
    """Return the layer at a dotted path.

    Raises
    ------
    InputError
        If there is none.
    """
    try:
        return module.get_submodule(path)
    except AttributeError as error:
        raise InputError(f"The network has no layer {path}") from error


def replace_layer(module: nn.Module, path: str, new: nn.Module) -> None:
    """Put `new` at a dotted path of `module`, in place.

    Raises
    ------
    InputError
        If there is no layer at `path`.
    """
    layer_at(module, path)
    parent_path, _, child = path.rpartition(".")
    parent = module.get_submodule(parent_path)
    parent.register_module(child, new)


def put(module: nn.Module, path: str, new: nn.Module) -> nn.Module:
    """Put `new` at a dotted path and return the root; the empty path is the root itself.

    Raises
    ------
    InputError
        If there is no layer at `path`.
    """
    if not path:
        return new
    replace_layer(module, path, new)
    return module


def weight_layers(module: nn.Module) -> dict[str, WeightLayer]:
    """Return convolutions, linear layers and weight holders by path, in the network's order."""
    return {
        name: layer
        for name, layer in module.named_modules()
        if isinstance(layer, nn.Conv2d | nn.Linear | WeightHolder)
    }


def matching(names: Mapping[str, object], patterns: str) -> set[str]:
    """Return the layer names a user's patterns select.

    Parameters
    ----------
    names
        Layer paths.
    patterns
        Paths or wildcards such as ``fire*.expand3x3``, separated by blanks, ``;``, ``+`` or
        commas; the path of a block selects all inside; empty, ``all`` or ``auto`` selects
        everything.

    Raises
    ------
    InputError
        If a pattern selects nothing.
    """
    wanted = [pattern for pattern in re.split(r"[\s;,+|]+", patterns) if pattern]
    if not wanted or wanted in (["all"], ["auto"]):
        return set(names)
    chosen: set[str] = set()
    for pattern in wanted:
        found = {
            name
            for name in names
            if fnmatchcase(name, pattern) or fnmatchcase(name, f"{pattern}.*")
        }
        if not found:
            raise InputError(
                f"No layer is called {pattern}", next_step=f"Layers: {', '.join(names)}"
            )
        chosen |= found
    return chosen


def kernel_size(layer: nn.Conv2d) -> tuple[int, int]:
    """Return (kH, kW)."""
    return (layer.kernel_size[0], layer.kernel_size[1])


def skeleton(model: LoadedModel) -> LoadedModel:
    """Return a copy of `model` whose parameters have shapes but no values."""
    if model.module is None:
        return model
    memo: dict[int, object] = {}
    for parameter in model.module.parameters():
        memo[id(parameter)] = nn.Parameter(
            torch.empty_like(parameter, device="meta"), requires_grad=parameter.requires_grad
        )
    for buffer in model.module.buffers():
        memo[id(buffer)] = torch.empty_like(buffer, device="meta")
    return replace(model, module=copy.deepcopy(model.module, memo), coded=dict(model.coded))


def with_structure(model: LoadedModel, record: StructureRecord) -> LoadedModel:
    """Return `model` with one more structural change to replay at load."""
    structure = (*model.info.structure, record)
    return replace(model, info=model.info.model_copy(update={"structure": structure}))


def with_coded(model: LoadedModel, coded: Mapping[str, CodedTensor]) -> LoadedModel:
    """Return `model` with some tensors stored in packed form."""
    return replace(model, coded={**model.coded, **coded})


def without_coded(model: LoadedModel, name: str) -> LoadedModel:
    """Return `model` with one tensor no longer stored in packed form."""
    return replace(model, coded={key: one for key, one in model.coded.items() if key != name})


def tensor_values(layer: WeightLayer) -> np.ndarray:
    """Return the weights of a layer as float32 in row-major order, shape (n,)."""
    values: np.ndarray = layer.weight.detach().to("cpu", torch.float32).numpy()
    return values.reshape(-1)


def set_tensor_values(layer: WeightLayer, values: np.ndarray) -> None:
    """Overwrite the weights of a layer, in place."""
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(np.ascontiguousarray(values)).view_as(layer.weight))
