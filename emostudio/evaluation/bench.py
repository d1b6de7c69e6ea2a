"""One benchmark: latency, memory and sizes of several models on several engines."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from emostudio.core.answers import BenchReport, BenchResult, Ratio
from emostudio.core.errors import EmoStudioError
from emostudio.core.events import Event, Note, Progress
from emostudio.core.model_info import Preprocessing
from emostudio.data.synthetic.dataset import draw_faces
from emostudio.data.synthetic.settings import SyntheticSettings
from emostudio.data.transforms import normalise, to_input_pixels
from emostudio.evaluation import latency, machine
from emostudio.evaluation.memory import ResidentMemory, resident_bytes
from emostudio.inference.base import Kernels, Session
from emostudio.inference.catalogue import DEFAULT_ENGINE, open_session
from emostudio.models.loaded import LoadedModel
from emostudio.models.segments import leaves_early
from emostudio.statistics.contenders import contender_names

_INPUTS = 16
_SAMPLES_KEPT = 100
_LATENCY_SHARE = 0.7
"""Share of the progress bar; the rest is memory."""


@dataclass(frozen=True)
class Entry:
    """One model on one engine.

    Attributes
    ----------
    model
        The model; its weights are copied for every session.
    engine
        Catalogue key.
    disk_bytes
        Size of the model's file.
    parameters, macs
        None for a black box.
    memory_argv
        Command line of a process that loads the model on the engine and reports its memory
        (`memory.resident_bytes`); None leaves memory unmeasured.
    engine_why
        Why it is this one, if it was chosen.
    """

    model: LoadedModel
    engine: str = DEFAULT_ENGINE
    disk_bytes: int = 0
    parameters: int | None = None
    macs: int | None = None
    memory_argv: tuple[str, ...] | None = None
    engine_why: str = ""

    @property
    def name(self) -> str:
        """Return the name of the model."""
        return self.model.info.name


def bench(
    entries: Sequence[Entry],
    threads: int,
    protocol: latency.Protocol,
    other_work: Callable[[], Sequence[str]] = tuple,
) -> Generator[Event, None, BenchReport]:
    """Measure all entries against each other.

    Every pair is compared: a comparison may later take any of the models as its baseline.

    Parameters
    ----------
    entries
        The baseline first.
    threads
        CPU threads of every session.
    protocol
        How long to measure.
    other_work
        Names other jobs of ours that are running right now; asked before and after.

    Yields
    ------
    Progress, and a note for each warning.

    Returns
    -------
    The report, raw timings included.
    """
    names = _contender_names(entries)
    kernels = {name: _kernels(entry, threads) for name, entry in names.items()}
    real = {name: entry for name, entry in names.items() if kernels[name] == "real"}
    beside = list(other_work())
    timings = yield from _time(real, replace(protocol, threads=threads))
    blockers = (*_beside_words([*beside, *other_work()]), *(timings.warnings if timings else ()))
    resident = yield from _measure_memory(names)
    warnings = (*blockers, *_early_warnings(real))
    for warning in warnings:
        yield Note(level="warning", what=warning)
    conditions = timings.conditions if timings else machine.conditions()
    return BenchReport(
        machine=machine.describe(),
        results=tuple(
            _result(name, entry, kernels[name], threads, resident[name], timings)
            for name, entry in names.items()
        ),
        ratios=_ratios(real, timings) if timings else (),
        warnings=warnings,
        blockers=blockers,
        conditions={**conditions, "clean": conditions.get("clean", True) and not beside},
        samples_ms=_kept_samples(timings) if timings else {},
    )


def _result(
    name: str,
    entry: Entry,
    kernels: Kernels,
    threads: int,
    memory: ResidentMemory | None,
    timings: latency.Timings | None,
) -> BenchResult:
    timed = timings if timings is not None and name in timings.samples_ms else None
    return BenchResult(
        model=entry.name,
        engine=entry.engine,
        engine_why=entry.engine_why,
        threads=threads,
        kernels=kernels,
        latency_ms=timed.latency(name) if timed else None,
        steadiness=timed.steadiness(name) if timed else None,
        disk_bytes=entry.disk_bytes,
        resident_bytes=memory.loaded_bytes if memory else None,
        peak_bytes=memory.peak_bytes if memory else None,
        resident_spread=round(memory.spread, 6) if memory else None,
        parameters=entry.parameters,
        macs=entry.macs,
        samples=timed.samples_ms[name].size if timed else 0,
    )


def _beside_words(work: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{title} was running at the same time" for title in dict.fromkeys(work))


def bench_inputs(
    preprocessing: Preprocessing, count: int = _INPUTS, seed: int = 0
) -> NDArray[np.float32]:
    """Return different normalised inputs (N, C, H, W) of random grey levels."""
    channels, height, width = preprocessing.input_shape
    generator = np.random.default_rng(seed)
    pixels = generator.integers(0, 256, size=(count, height, width, channels), dtype=np.uint8)
    return normalise(pixels, preprocessing)


def _inputs_for(entry: Entry) -> NDArray[np.float32]:
    """Return random inputs, or drawn faces where the time depends on the picture."""
    preprocessing = entry.model.info.preprocessing
    if not leaves_early(entry.model.module):
        return bench_inputs(preprocessing)
    shown = SyntheticSettings(identities=3, cameras=("090",), gazes=("frontal",))
    faces = islice(draw_faces(shown), _INPUTS)
    pixels = [to_input_pixels(face.image, preprocessing) for face in faces]
    return normalise(np.stack(pixels), preprocessing)


def _early_warnings(entries: dict[str, Entry]) -> tuple[str, ...]:
    return tuple(
        f"{name} answers as early as the picture lets it: timed on drawn faces, where the median "
        "is the time of the exit in the middle"
        for name, entry in entries.items()
        if leaves_early(entry.model.module)
    )


def _contender_names(entries: Sequence[Entry]) -> dict[str, Entry]:
    return dict(zip(contender_names([(e.name, e.engine) for e in entries]), entries, strict=True))


def _opener(entry: Entry, threads: int) -> Callable[[], Session]:
    return lambda: open_session(entry.model, entry.engine, threads)


def _kernels(entry: Entry, threads: int) -> Kernels:
    session = open_session(entry.model, entry.engine, threads)
    try:
        return session.kernels
    finally:
        session.close()


def _time(
    real: dict[str, Entry], protocol: latency.Protocol
) -> Generator[Event, None, latency.Timings | None]:
    if not real:
        return None
    run = latency.compare(
        [
            latency.Contender(name, _opener(entry, protocol.threads or 1), _inputs_for(entry))
            for name, entry in real.items()
        ],
        protocol,
    )
    while True:
        try:
            step = next(run)
        except StopIteration as done:
            timings: latency.Timings = done.value
            return timings
        yield step.model_copy(update={"fraction": _LATENCY_SHARE * (step.fraction or 0.0)})


def _measure_memory(
    names: dict[str, Entry],
) -> Generator[Event, None, dict[str, ResidentMemory | None]]:
    found: dict[str, ResidentMemory | None] = {}
    for place, (name, entry) in enumerate(names.items()):
        found[name] = None
        if entry.memory_argv is None:
            continue
        share = _LATENCY_SHARE + (1 - _LATENCY_SHARE) * place / len(names)
        yield Progress(fraction=share, message=f"Memory of {name} in fresh processes")
        try:
            found[name] = resident_bytes(entry.memory_argv)
        except EmoStudioError as error:
            yield Note(level="warning", what=f"{error.what} ({name})", why=error.why)
    return found


def _ratios(real: dict[str, Entry], timings: latency.Timings) -> tuple[Ratio, ...]:
    """Compare every pair: against the first entry first, so that any model can be the baseline."""
    names = list(real)
    pairs = [(a, b) for place, b in enumerate(names) for a in names[place + 1 :]]
    return tuple(timings.ratio(a, b) for a, b in pairs)


def _kept_samples(timings: latency.Timings) -> dict[str, tuple[tuple[float, ...], ...]]:
    """At most `_SAMPLES_KEPT` timings per block, evenly spaced over it."""
    kept = {}
    for name, times in timings.samples_ms.items():
        count = min(times.shape[1], _SAMPLES_KEPT)
        columns = np.linspace(0, times.shape[1] - 1, count).round().astype(int)
        kept[name] = tuple(
            tuple(round(float(value), 5) for value in row) for row in times[:, columns]
        )
    return kept
