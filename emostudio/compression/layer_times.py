"""Times of layers against their factors, measured on this machine and kept for it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from emostudio.core.atomic import write_text
from emostudio.core.low_rank import RankTime
from emostudio.core.paths import state_folder
from emostudio.evaluation import machine
from emostudio.statistics.blocks import MARGIN


class LayerTimes(BaseModel):
    """One layer against its factors of several ranks, batch 1.

    Attributes
    ----------
    machine, threads
        Where, and with how many threads.
    geometry
        The layer and its input in words.
    dense_ms
        Of the layer as it is; its median over the blocks.
    times
        Of its factors, by rising rank.
    grid
        Ranks that are no multiple of it run on other, often far slower, kernels: their times say
        nothing about their neighbours.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    machine: str
    threads: int
    geometry: str
    dense_ms: float
    times: tuple[RankTime, ...]
    grid: int = 1

    @property
    def curve(self) -> tuple[RankTime, ...]:
        """The times between which a straight line makes sense."""
        return tuple(time for time in self.times if time.rank % self.grid == 0)

    def share(self, rank: int) -> float | None:
        """Return time of the factors over time of the layer, or None where nothing says it.

        A multiple of the grid is interpolated; below the lowest measured one the share of that is
        returned if it is no slower, since fewer of the same are not slower.
        """
        measured = next((time.share for time in self.times if time.rank == rank), None)
        curve = self.curve
        if measured is not None or rank % self.grid or not curve:
            return measured
        if rank < curve[0].rank and curve[0].share > 1:
            return None
        return float(np.interp(rank, [t.rank for t in curve], [t.share for t in curve]))

    def is_slower(self, rank: int) -> bool:
        """Whether the factors take longer by more than what is ever called a difference."""
        share = self.share(rank)
        return share is not None and share > 1 + MARGIN

    @property
    def break_even_rank(self) -> int | None:
        """Highest rank whose factors are no slower; 0 if none is, None if all measured are."""
        return break_even(self.curve)

    def joined(self, times: Sequence[RankTime]) -> LayerTimes:
        """Return these times and others of the same layer, whose shares are what counts."""
        found = {time.rank: time for time in self.times}
        for time in times:
            found[time.rank] = time.model_copy(update={"ms": time.share * self.dense_ms})
        rising = tuple(found[rank] for rank in sorted(found))
        return self.model_copy(update={"times": rising})


def break_even(times: Sequence[RankTime]) -> int | None:
    """Return where factors begin to be slower, by a straight line between two measured ranks.

    Parameters
    ----------
    times
        By rising rank.

    Returns
    -------
    The highest rank that is no slower; 0 if the lowest is slower, None if none is.
    """
    before: RankTime | None = None
    for here in times:
        if here.share > 1:
            if before is None:
                return 0
            part = (1 - before.share) / (here.share - before.share)
            return int(before.rank + part * (here.rank - before.rank))
        before = here
    return None


def machine_words() -> str:
    """Return what decides times besides layer and threads: processor and the engine's version."""
    version = machine.library_versions().get("onnxruntime", "")
    units = " ".join(machine.vector_units())
    return f"{machine.cpu_name()}, {units}, ONNX Runtime {version}"


def recall(geometry: str, chain: str, threads: int) -> LayerTimes | None:
    """Return what was measured on this machine, or None.

    Parameters
    ----------
    geometry
        The layer and its input in words.
    chain
        Its factors in words, apart from their rank.
    threads
        Threads within one operator.
    """
    try:
        return LayerTimes.model_validate_json(_file(geometry, chain, threads).read_bytes())
    except (OSError, ValidationError):
        return None


def keep(times: LayerTimes, chain: str) -> None:
    """Keep times for later processes.

    Raises
    ------
    EmoStudioError
        If the disk refuses.
    """
    file = _file(times.geometry, chain, times.threads)
    write_text(file, times.model_dump_json(indent=2) + "\n")


def any_kept() -> bool:
    """Whether anything was measured on this machine at all."""
    return _folder().is_dir()


def _folder() -> Path:
    return state_folder() / "layer_times"


def _file(geometry: str, chain: str, threads: int) -> Path:
    words = "\n".join((machine_words(), str(threads), geometry, chain))
    return _folder() / f"{hashlib.blake2b(words.encode(), digest_size=16).hexdigest()}.json"
