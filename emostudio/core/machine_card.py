"""What was measured about this machine, and which methods that speaks for."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

SCHEMA_VERSION = 1
"""Of `MachineCard` as JSON; a file of another version is measured anew."""

SIZE_ONLY = "size_only"
STUDENT = "student"
PICTURES = "pictures"
BENCHMARK = "benchmark"
NO_READING = {
    SIZE_ONLY: "makes the file smaller; none of the kernels here runs faster for it",
    STUDENT: "the student network you choose decides the speed, not this machine",
    PICTURES: "how many pictures leave early decides the speed, not this machine",
    BENCHMARK: "no reading stands for its layers; benchmark the variant itself",
}
"""What a method may be decided by besides a reading, and why it has no gain then."""

Outlook = Literal["kernel faster", "kernel slower", "not decided", "size only", "not measured"]
"""What a reading says about a method; never about a whole network."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ProbedMachine(_Model):
    """All of a machine that its readings hang on; another one makes them stale."""

    cpu: str
    architecture: str
    physical_cores: int
    logical_cores: int
    vector_units: tuple[str, ...]
    memory_bytes: int
    versions: dict[str, str]
    """Of the engines and libraries whose kernels were measured."""

    @property
    def line(self) -> str:
        """The machine in one line, as "Core i7, 4 cores, AVX2 + AVX-512 VNNI, 15.5 GiB"."""
        cores = "1 core" if self.physical_cores == 1 else f"{self.physical_cores} cores"
        units = " + ".join(self.vector_units[-2:])
        parts = (self.cpu, cores, units, f"{self.memory_bytes / 2**30:.1f} GiB")
        return ", ".join(part for part in parts if part)


class Gain(_Model):
    """A kernel against its reference, timed in the same blocks; above 1 it is faster."""

    ratio: float
    low: float
    high: float
    """95 % interval."""
    against: str
    """The reference in words, as "float"."""
    decides: bool = True
    """False where it is no gain of a method: a share of the reference's rate, for instance."""


class ProbeReading(_Model):
    """One reading of the probe; `value` lies in its 95 % interval from `low` to `high`."""

    key: str
    title: str
    what: str
    """The layers that were timed, in words."""
    layers: str
    """Their kind in one or two words."""
    engine: str
    """Catalogue key of the engine whose kernels ran."""
    unit: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    gain: Gain | None = None
    blocks: int = 0
    """Independent blocks behind the figures."""
    why_not: str = ""
    """Why it was not measured; empty if it was."""


class MachineCard(_Model):
    """The readings of one machine, as they are stored and exported."""

    schema_version: int = SCHEMA_VERSION
    machine: ProbedMachine
    threads: int
    measured: str
    """When, ISO 8601 with the time zone."""
    seconds: float
    """How long the probe took."""
    foreign_share: float | None = None
    """Share of all processors that other programs used meanwhile."""
    readings: tuple[ProbeReading, ...]
    warnings: tuple[str, ...] = ()
    """Why the figures deserve less trust; empty if the machine was quiet."""

    def reading(self, key: str) -> ProbeReading | None:
        """Return the reading of this key, None if the card has none."""
        return next((reading for reading in self.readings if reading.key == key), None)


class RankedMethod(_Model):
    """What the readings say about one method: the gain of a kernel, and no more than that."""

    method: str
    title: str
    family: str
    reading: str = ""
    """Key of the reading that decides; empty where none does."""
    layers: str = ""
    """The kind of layers it is about."""
    gain: Gain | None = None
    outlook: Outlook
    reason: str


class MachineCardReport(_Model):
    """`emostudio probe`: the card, what it says about the methods, whether it still holds."""

    card: MachineCard | None = None
    """None where nothing was measured here yet."""
    ranking: tuple[RankedMethod, ...] = ()
    """Best kernel first; methods that no reading decides come last."""
    stale: tuple[str, ...] = ()
    """What has changed since the card was measured; empty while it holds."""
    notice: str = ""
    """What is to be told about the stored card, such as that it was damaged."""
    out: str = ""
    """The file that was written, if one was asked for."""
