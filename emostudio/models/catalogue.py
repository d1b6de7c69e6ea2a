"""The catalogue of architectures, and building a network from what is known about a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from emostudio.core.catalogue import Catalogue
from emostudio.core.emotions import Emotion
from emostudio.core.errors import InputError
from emostudio.core.model_info import ModelInfo, Preprocessing
from emostudio.core.settings import parse_settings
from emostudio.models.base import Architecture

ARCHITECTURES: Catalogue[Architecture] = Catalogue(
    "emostudio.models.architectures", "ARCHITECTURE", "architecture"
)


def build(info: ModelInfo) -> nn.Module:
    """Return the network `info` describes, with fresh weights and without structural changes.

    Raises
    ------
    InputError
        If the architecture is unknown, its settings are out of bounds, or they contradict the
        labels or the preprocessing of `info`.
    """
    architecture = ARCHITECTURES.get(info.architecture)
    settings: Any = parse_settings(
        architecture.settings_type,
        info.architecture_settings,
        f"architecture {info.architecture}",
    )
    expected = (settings.class_count, (settings.channels, settings.input_size, settings.input_size))
    found = (len(info.labels), info.preprocessing.input_shape)
    if expected != found:
        raise InputError(
            f"The description of {info.name} contradicts itself",
            why=f"the architecture has {expected[0]} classes and input {expected[1]}, labels and "
            f"preprocessing say {found[0]} and {found[1]}",
            next_step="Give class_count, input_size and channels that fit",
        )
    return architecture.build(settings)


def new_info(
    name: str,
    architecture: str,
    settings: Mapping[str, Any],
    labels: Sequence[Emotion],
    preprocessing: Preprocessing | None = None,
) -> ModelInfo:
    """Describe a model that is about to be built.

    Parameters
    ----------
    name
        Name of the model.
    architecture
        Catalogue key.
    settings
        The user's settings; the number of classes always follows `labels`.
    labels
        Emotions in the order of the outputs.
    preprocessing
        Pixel scaling to use; its size and channels are replaced by the architecture's. None
        scales to [0, 1], then to mean 0.5 and standard deviation 0.25.

    Raises
    ------
    InputError
        If the architecture is unknown or its settings are out of bounds.
    """
    settings_type = ARCHITECTURES.get(architecture).settings_type
    parsed: Any = parse_settings(
        settings_type,
        {**settings, "class_count": len(labels)},
        f"architecture {architecture}",
    )
    side, channels = parsed.input_size, parsed.channels
    if preprocessing is None or preprocessing.channels != channels:
        preprocessing = Preprocessing(
            channels=channels, mean=(0.5,) * channels, std=(0.25,) * channels
        )
    return ModelInfo(
        name=name,
        architecture=architecture,
        architecture_settings=parsed.model_dump(mode="json"),
        labels=tuple(labels),
        preprocessing=preprocessing.model_copy(update={"height": side, "width": side}),
    )
