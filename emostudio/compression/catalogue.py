"""The catalogue of compression methods; other packages add theirs by entry point."""

from __future__ import annotations

from typing import Any

import numpy as np

from emostudio.compression.base import Method
from emostudio.core.catalogue import Catalogue
from emostudio.core.errors import InputError
from emostudio.models.loaded import CodedTensor

METHODS: Catalogue[Method[Any]] = Catalogue(
    "emostudio.compression.methods", "METHOD", "method", entry_points="emostudio.methods"
)


def unpack(coded: CodedTensor) -> np.ndarray:
    """Return the values of a packed tensor, whichever method packed it.

    Raises
    ------
    InputError
        If no method knows the codec, or the packed data are damaged.
    """
    for method in METHODS.members().values():
        if coded.codec in method.codecs:
            return method.unpack(coded)
    raise InputError(
        f"A tensor is stored with the unknown codec {coded.codec}",
        next_step="Install the package that wrote the file, or update EmoStudio",
    )
