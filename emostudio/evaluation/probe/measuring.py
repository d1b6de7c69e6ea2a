"""Takes all readings of the probe, one after another, each in interleaved blocks.

References
----------
The protocol is that of `evaluation.latency`: sessions are rebuilt in every block, a kernel and its
reference take turns in random order, and only blocks count as independent.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from emostudio.core.errors import EmoStudioError, JobCancelled, kind_and_line
from emostudio.core.events import Progress
from emostudio.core.machine_card import Gain, MachineCard, ProbeReading
from emostudio.evaluation import latency, machine, validity
from emostudio.evaluation.foreign_load import LoadMeter
from emostudio.evaluation.latency import Protocol, Timings
from emostudio.evaluation.probe.base import PER_SECOND, Reading, Work, Workload
from emostudio.evaluation.probe.catalogue import READINGS
from emostudio.evaluation.probe.identity import this_machine
from emostudio.statistics.medians import median_interval

MOST_S = 60.0
"""No reading begins that might go beyond it, however slow the machine."""
BLOCKS, QUERIES = 12, 6
_TIMED_SHARE, _WARM_SHARE = 0.6, 0.1
"""Of a reading's time; the rest makes layers and rebuilds sessions."""
_LEAST_S = 0.5
_TOO_LATE = "there was no time left; kernels compiled meanwhile are ready when you measure again"


def measure(seconds: float, threads: int) -> Generator[Progress, None, MachineCard]:
    """Take all readings.

    Parameters
    ----------
    seconds
        Aimed at; kernels that have to be compiled first take longer, up to `MOST_S` in all.
    threads
        Threads of every session.

    Yields
    ------
    `Progress` at least every half second of timing.

    Returns
    -------
    The card, with a reason in place of every reading that could not be taken.
    """
    started, when = time.monotonic(), datetime.now(UTC)
    before, meter = machine.conditions(), LoadMeter()
    members = _in_order()
    taken: list[_Taken] = []
    spent_s, longest_s = 0.0, 0.0
    for number, reading in enumerate(members):
        if spent_s + longest_s > MOST_S:
            taken.append(_not_taken(reading, _TOO_LATE))
            continue
        share_s = max(_LEAST_S, (seconds - spent_s) / (len(members) - number))
        run = _Run(reading, threads, share_s)
        for event in run.events():
            yield _overall(event, reading, number, len(members), share_s)
        taken.append(run.taken)
        before_s, spent_s = spent_s, time.monotonic() - started
        longest_s = max(longest_s, spent_s - before_s)
    foreign = meter.read()
    warnings = (
        *machine.disturbances(before, machine.conditions(), threads),
        *validity.foreign_load_words(foreign),
        *(word for one in taken for word in one.warnings),
    )
    return MachineCard(
        machine=this_machine(),
        threads=threads,
        measured=when.isoformat(timespec="seconds"),
        seconds=round(time.monotonic() - started, 1),
        foreign_share=None if foreign is None else round(foreign, 3),
        readings=tuple(one.reading for one in taken),
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _in_order() -> list[Reading]:
    """Return the readings: those that stand for themselves first, slow ones last."""
    members = READINGS.members().values()
    return sorted(members, key=lambda one: (one.is_slow, bool(one.against), one.key))


@dataclass(frozen=True)
class _Taken:
    reading: ProbeReading
    warnings: tuple[str, ...] = ()


class _Run:
    """One reading being taken; `taken` is there once `events` are used up."""

    def __init__(self, reading: Reading, threads: int, share_s: float) -> None:
        self._reading, self._threads, self._share_s = reading, threads, share_s
        self.taken = _not_taken(reading, "it was not finished")

    def events(self) -> Generator[Progress, None, None]:
        """Prepare and time; what goes wrong becomes the reason why there is no figure."""
        reason = self._reading.why_unavailable()
        if reason:
            self.taken = _not_taken(self._reading, reason)
            return
        yield Progress(fraction=0.0, message="making the layers")
        try:
            workload = self._reading.workload(self._threads)
            timings = yield from latency.compare(
                [work.contender for work in _works(workload)], self._protocol(workload)
            )
        except JobCancelled:
            raise
        except Exception as error:  # noqa: BLE001 - one broken library must not cost the others
            self.taken = _not_taken(self._reading, _reason(error))
            return
        warnings = validity.noise_words(timings.samples_ms, timings.outputs_match)
        self.taken = _Taken(figures(self._reading, workload, timings), warnings)

    def _protocol(self, workload: Workload) -> Protocol:
        sides = len(_works(workload))
        return Protocol(
            blocks=BLOCKS,
            queries=QUERIES,
            block_s=_TIMED_SHARE * self._share_s / (BLOCKS * sides),
            threads=self._threads,
            warm_up_s=_WARM_SHARE * self._share_s,
        )


def figures(reading: Reading, workload: Workload, timings: Timings) -> ProbeReading:
    """Return a reading's rate and gain from its raw timings.

    Parameters
    ----------
    reading
        What was measured.
    workload
        What was timed for it.
    timings
        Of the kernel, and of its reference where there is one.
    """
    kernel = workload.kernel
    medians_ms = np.median(timings.samples_ms[kernel.contender.name], axis=1)
    rates = [kernel.operations / (1e-3 * float(ms)) / PER_SECOND for ms in medians_ms]
    value, low, high = median_interval(rates)
    return ProbeReading(
        key=reading.key,
        title=reading.title,
        what=reading.what,
        layers=reading.layers,
        engine=reading.engine,
        unit=reading.unit,
        value=value,
        low=low,
        high=high,
        gain=_gain(reading, workload, timings),
        blocks=len(rates),
    )


def _gain(reading: Reading, workload: Workload, timings: Timings) -> Gain | None:
    if workload.reference is None:
        return None
    kernel, reference = workload.kernel, workload.reference
    found = timings.ratio(kernel.contender.name, reference.contender.name)
    scale = kernel.operations / reference.operations if reading.compares_rates else 1.0
    low, high = found.interval
    return Gain(
        ratio=scale * found.ratio,
        low=scale * low,
        high=scale * high,
        against=reading.against,
        decides=reading.decides,
    )


def _works(workload: Workload) -> tuple[Work, ...]:
    return tuple(work for work in (workload.kernel, workload.reference) if work is not None)


def _reason(error: Exception) -> str:
    if isinstance(error, EmoStudioError):
        return str(error)
    if isinstance(error, MemoryError):
        return str(error) or "there is too little memory"
    return kind_and_line(error)


def _not_taken(reading: Reading, reason: str) -> _Taken:
    return _Taken(
        ProbeReading(
            key=reading.key,
            title=reading.title,
            what=reading.what,
            layers=reading.layers,
            engine=reading.engine,
            unit=reading.unit,
            why_not=reason,
        )
    )


def _overall(
    event: Progress, reading: Reading, number: int, count: int, share_s: float
) -> Progress:
    """Return a reading's progress as that of the whole probe."""
    done = number + (event.fraction or 0.0)
    fraction, left_s = done / count, (count - done) * share_s
    words = f"{reading.title}: {event.message[:1].lower()}{event.message[1:]}"
    return Progress(fraction=fraction, message=words, seconds_left=left_s)
