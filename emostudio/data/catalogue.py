"""The dataset readers, found one per file in ``data/readers``."""

from __future__ import annotations

from emostudio.core.catalogue import Catalogue
from emostudio.data.base import Reader

READERS: Catalogue[Reader] = Catalogue(
    "emostudio.data.readers", "READER", "reader", "emostudio.readers"
)
