"""Architectures without weights, where only the shapes of a network matter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from emostudio.core.emotions import EMOTIONS
from emostudio.core.errors import InputError
from emostudio.core.settings import parse_settings
from emostudio.models.catalogue import ARCHITECTURES, build, new_info
from emostudio.models.loaded import LoadedModel
from emostudio.worker.resolve import find_model
from emostudio.workspace.store import Workspace


def model_or_architecture(
    argument: str, architecture_settings: Mapping[str, Any], workspace: Workspace
) -> LoadedModel:
    """Return a model with its weights, or what an architecture's settings make, without any.

    Raises
    ------
    InputError
        If neither is called so, or settings are given for a model, whose own are fixed.
    """
    try:
        found = find_model(argument, workspace)
    except InputError:
        if argument not in ARCHITECTURES.members():
            raise
        return without_weights(argument, architecture_settings)
    refuse_settings(argument, architecture_settings)
    return found.load()


def refuse_settings(model: str, architecture_settings: Mapping[str, Any]) -> None:
    """Raise `InputError` where settings of an architecture are given for a model."""
    if architecture_settings:
        raise InputError(
            f"{model} is a model; its architecture's settings are fixed",
            next_step="Give settings with the name of an architecture only",
        )


def without_weights(key: str, architecture_settings: Mapping[str, Any]) -> LoadedModel:
    """Return the network of an architecture with shapes but no values.

    Raises
    ------
    InputError
        If a setting is unknown or out of bounds.
    """
    architecture, values = ARCHITECTURES.get(key), dict(architecture_settings)
    parsed: Any = parse_settings(architecture.settings_type, values, f"architecture {key}")
    classes = parsed.class_count
    if classes > len(EMOTIONS):
        raise InputError(
            f"A model cannot have {classes} emotions",
            next_step=f"Give 2 to {len(EMOTIONS)} as class_count",
        )
    info = new_info(key, key, values, EMOTIONS[:classes])
    with torch.device("meta"):
        module = build(info)
    return LoadedModel(info, module=module.eval())
