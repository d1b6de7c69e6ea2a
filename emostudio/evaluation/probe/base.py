"""What a reading of the probe is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from pydantic import BaseModel

from emostudio.core.settings import Settings
from emostudio.evaluation.latency import Contender

PER_SECOND = 1e9
"""Rates are told in thousand millions: GFLOP/s, GOP/s, GB/s."""


class ReadingSettings(Settings):
    """Readings take no settings: cards of two machines must hold the same measurements."""


@dataclass(frozen=True)
class Work:
    """One thing to time.

    Attributes
    ----------
    contender
        How it is opened and fed; its name stands in messages.
    operations
        Of one query, in the reading's unit: floating-point or integer operations, or bytes. A
        multiply-add counts as two.
    """

    contender: Contender
    operations: float


@dataclass(frozen=True)
class Workload:
    """What a reading times, and against what.

    Attributes
    ----------
    kernel
        What the reading is about.
    reference
        Timed in turns with it; None where the rate stands for itself.
    """

    kernel: Work
    reference: Work | None = None


class Reading(ABC):
    """One measurement of the probe; a file in ``readings/`` holds one instance named ``READING``.

    Attributes
    ----------
    key, title, family, summary, reference, settings_type
        What a catalogue shows.
    what, layers
        The timed layers in words, geometry included, and their kind in one or two words.
    engine
        Whose kernels they are.
    unit
        Of the rate, such as ``GFLOP/s``.
    against
        The reference in words, empty where there is none.
    is_slow
        Whether it takes seconds to prepare: it comes late, so that a slow machine gets the others.
    compares_rates
        Whether the ratio is that of operations per second instead of that of times: then it is a
        share of the reference's rate, and no gain of any method.
    """

    key: str
    title: str
    family: str
    summary: str
    reference: str
    settings_type: type[BaseModel] = ReadingSettings
    what: str
    layers: str
    engine: str
    unit: str
    against: str = ""
    is_slow: bool = False
    compares_rates: bool = False

    @property
    def decides(self) -> bool:
        """Whether a method may be decided by this reading: it needs a gain."""
        return bool(self.against) and not self.compares_rates

    def why_unavailable(self) -> str:
        """Return why the reading cannot be taken on this machine, or nothing."""
        return ""

    @abstractmethod
    def workload(self, threads: int) -> Workload:
        """Return what is to be timed.

        Parameters
        ----------
        threads
            Threads of every session.

        Raises
        ------
        EmoStudioError
            If an engine refuses the layers.
        """
