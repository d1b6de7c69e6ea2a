"""The readings of the probe."""

from __future__ import annotations

from emostudio.core.catalogue import Catalogue
from emostudio.evaluation.probe.base import Reading

READINGS: Catalogue[Reading] = Catalogue(
    "emostudio.evaluation.probe.readings", "READING", "reading"
)
