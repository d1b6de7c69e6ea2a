"""A model in memory."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from emostudio.core.model_info import ModelInfo


@dataclass(frozen=True)
class CodedTensor:
    """How one tensor is stored in packed form.

    Attributes
    ----------
    codec
        Name of the codec that reads it back.
    arrays
        Packed parts by name.
    header
        JSON-compatible facts the codec needs, such as the shape and bit widths.
    """

    codec: str
    arrays: Mapping[str, np.ndarray]
    header: Mapping[str, Any]


@dataclass(frozen=True)
class LoadedModel:
    """A teacher or variant in memory: a network, a black box's ONNX bytes, or an ensemble.

    Attributes
    ----------
    info
        What is known besides the weights.
    module
        The network, raw logits out; None for a black box.
    onnx_bytes
        The ONNX file of a black box.
    coded
        Tensors stored in packed form, by their name in the module's state; the module holds
        the decoded values.
    file
        Where the model was read from.
    members
        The models of an ensemble, which has nothing else.
    parts
        The files of a black box that is no ONNX graph, by name.
    """

    info: ModelInfo
    module: nn.Module | None = None
    onnx_bytes: bytes | None = None
    coded: Mapping[str, CodedTensor] = field(default_factory=dict)
    file: Path | None = None
    members: tuple[LoadedModel, ...] = ()
    parts: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Shape (C, H, W) of one input."""
        return self.info.preprocessing.input_shape

    @property
    def parameter_count(self) -> int | None:
        """Number of trainable scalars, or None for a black box."""
        if self.module is None:
            return None
        return sum(parameter.numel() for parameter in self.module.parameters())

    def network(self) -> nn.Module:
        """Return the network of a white-box model.

        Raises
        ------
        ValueError
            If the model is a black box; callers check `info.is_black_box` first.
        """
        if self.module is None:
            raise ValueError(f"{self.info.name} is a black box")
        return self.module

    def copy(self) -> LoadedModel:
        """Return a model whose network and packed arrays can be changed freely."""
        return replace(
            self, module=copy.deepcopy(self.module), coded=copy.deepcopy(dict(self.coded))
        )
