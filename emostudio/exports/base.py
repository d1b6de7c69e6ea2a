"""What an export format is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from emostudio.core.exported import DEPLOYMENT
from emostudio.core.settings import Settings
from emostudio.models.loaded import LoadedModel

PARITY_FILE = "parity.json"
"""Name, or end of the name, of the report that an export leaves."""

Answering = Callable[[NDArray[np.uint8]], "Answers"]
"""Maps pixels (N, H, W, C), RGB or grey, of the model's size to what the exported model says."""


@dataclass(frozen=True)
class Answers:
    """What a model says to a batch of pictures.

    Attributes
    ----------
    outputs
        Logits or probabilities (N, K).
    exits
        Number of the segment that answered, int (N,); zeros where there is only one.
    """

    outputs: NDArray[np.float32]
    exits: NDArray[np.int64]


@dataclass(frozen=True)
class Made:
    """What a format makes of a model.

    Attributes
    ----------
    files
        Content by name within a folder; one entry where the format is one file.
    opset
        ONNX operator set of the graphs, None where there is none.
    """

    files: Mapping[str, bytes]
    opset: int | None = None


class NoSettings(Settings):
    """Export formats take no settings."""


@dataclass
class Exporter:
    """A format. One file in ``exports/formats`` holds one, as ``EXPORTER``.

    Attributes
    ----------
    suffix
        End of its file names, with the dot; empty where it is a folder.
    refuse
        Returns why a model cannot be exported, or nothing; cheap.
    make
        Returns the contents; raises `EmoStudioError` where the model cannot be expressed.
    open
        Opens what was written at a path and returns what answers there.
    is_exact
        Whether not a single bit may differ from the model.
    family
        ``DEPLOYMENT`` where the Python runner can run it, else ``EXCHANGE``.
    """

    key: str
    title: str
    summary: str
    suffix: str
    refuse: Callable[[LoadedModel], str]
    make: Callable[[LoadedModel], Made]
    open: Callable[[Path], Answering]
    reference: str = ""
    is_exact: bool = False
    family: str = DEPLOYMENT
    settings_type: type[BaseModel] = field(default=NoSettings)

    @property
    def takes_runner(self) -> bool:
        """Whether the Python runner can be written beside it; folders hold it anyway."""
        return self.family == DEPLOYMENT and bool(self.suffix)

    def refuses(self, model: LoadedModel) -> str:
        """Return why `model` cannot be exported so, or nothing."""
        if model.members:
            return "an ensemble is several models; export each of them, or distil it into one"
        return self.refuse(model)
