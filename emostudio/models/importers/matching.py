"""Find the architecture a bag of tensors belongs to, and load it completely or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from emostudio.core.errors import InputError
from emostudio.core.settings import parse_settings
from emostudio.models.catalogue import ARCHITECTURES

_SHOWN = 6


def match_architecture(
    tensors: Mapping[str, Tensor], architecture: str | None, settings: Mapping[str, Any]
) -> tuple[str, dict[str, Any], nn.Module]:
    """Build the architecture that `tensors` fit and load them.

    Parameters
    ----------
    tensors
        Parameter and buffer names to values.
    architecture
        Catalogue key, or None to try all.
    settings
        Settings the user named; class count and channels are read off the tensors otherwise.

    Returns
    -------
    Architecture key, its settings as JSON values, and the loaded module.

    Raises
    ------
    InputError
        If no architecture fits (naming the differences), or a tensor holds NaN or infinity.
    """
    _check_finite(tensors)
    keys = [architecture] if architecture else list(ARCHITECTURES.members())
    reasons: dict[str, str] = {}
    for key in keys:
        for candidate in _candidates(key, tensors, settings):
            member = ARCHITECTURES.get(key)
            parsed = parse_settings(member.settings_type, candidate, f"architecture {key}")
            with torch.device("meta"):
                differences = _differences(member.build(parsed), tensors)
            if not differences:
                module = member.build(parsed)
                module.load_state_dict(dict(tensors), strict=True)
                return key, parsed.model_dump(mode="json"), module.eval()
            reasons.setdefault(key, "; ".join(differences[:_SHOWN]))
    raise InputError(
        "The weights fit no known architecture"
        if architecture is None
        else f"The weights do not fit {architecture}",
        why="; ".join(f"{key}: {why}" for key, why in list(reasons.items())[:3]),
        next_step="Name the architecture, or import the network as ONNX",
    )


def _candidates(
    key: str, tensors: Mapping[str, Tensor], settings: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Guess settings that are visible in the tensors: class count, channels, batch norm."""
    fields = ARCHITECTURES.get(key).settings_type.model_fields
    guess: dict[str, Any] = dict(settings)
    weights = _weights_in_order(key, tensors)
    if weights:
        if "class_count" in fields:
            guess.setdefault("class_count", int(weights[-1].shape[0]))
        first = next((value for value in weights if value.dim() == 4), None)
        if "channels" in fields and first is not None and int(first.shape[1]) in {1, 3}:
            guess.setdefault("channels", int(first.shape[1]))
    candidates = [guess]
    if "bn" in fields and "bn" not in guess:
        candidates.append({**guess, "bn": not fields["bn"].default})
    sizes = (48, 64, 96, 112, 128, 160, 192, 224)
    if "input_size" in fields and "input_size" not in guess:
        candidates = [
            {**one, "input_size": size}
            for one in candidates
            for size in (fields["input_size"].default, *sizes)
        ]
    return [one for one in candidates if _is_valid(key, one)]


def _weights_in_order(key: str, tensors: Mapping[str, Tensor]) -> list[Tensor]:
    """Return the weights from the first layer to the last; files often sort them by name."""
    member = ARCHITECTURES.get(key)
    with torch.device("meta"):
        names = member.build(member.settings_type()).state_dict()
    known = [tensors[name] for name in names if name in tensors]
    return [value for value in known or list(tensors.values()) if value.dim() in {2, 4}]


def _is_valid(key: str, candidate: Mapping[str, Any]) -> bool:
    try:
        member = ARCHITECTURES.get(key)
        with torch.device("meta"):
            member.build(parse_settings(member.settings_type, candidate, key))
    except InputError:
        return False
    return True


def _differences(module: nn.Module, tensors: Mapping[str, Tensor]) -> list[str]:
    expected = module.state_dict()
    missing = [f"{name} is missing" for name in expected if name not in tensors]
    extra = [f"{name[:80]} is not expected" for name in tensors if name not in expected]
    shapes = [
        f"{name} has shape {tuple(tensors[name].shape)}, expected {tuple(value.shape)}"
        for name, value in expected.items()
        if name in tensors and tensors[name].shape != value.shape
    ]
    return shapes + missing + extra


def _check_finite(tensors: Mapping[str, Tensor]) -> None:
    for name, value in tensors.items():
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise InputError(
                f"Tensor {name[:80]} holds NaN or infinite values",
                next_step="Export the model again from a checkpoint that did not diverge",
            )
