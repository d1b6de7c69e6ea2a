"""Batch-1 latency of several models, interleaved so that the machine treats all alike.

Timing one model after the other mistakes a busy minute for a slow model: an A/A comparison then
claims a difference in most trials. Here every block rebuilds all sessions in random order, then
times single queries in random order, and only blocks count as independent.
"""

from __future__ import annotations

import gc
import math
import random
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emostudio.core.answers import Latency, Ratio
from emostudio.core.events import Progress
from emostudio.core.measured import Steadiness
from emostudio.evaluation import machine, validity
from emostudio.evaluation.foreign_load import LoadMeter, load_facts
from emostudio.inference.base import Session
from emostudio.inference.classifier import require_finite
from emostudio.statistics.blocks import block_ratio, bootstrap_interval, percentiles
from emostudio.statistics.steadiness import steadiness

WARM_UP_QUERIES = 5
"""Queries before each block: fresh sessions fault in their memory."""
WARM_UP_S = 1.0
"""Work before the first block: clocks and caches settle."""
OUTPUT_TOLERANCE = 1e-4
_LOGGED_SHARE = 0.01
_MAX_PER_TURN = 2000
"""Enough for a network of 7 microseconds to get its third of a second per block."""
_SILENCE_S = 0.4


@dataclass(frozen=True)
class Contender:
    """One model on one engine, and what it is fed.

    Attributes
    ----------
    name
        Unique among the contenders.
    open
        Builds a new session, weights included.
    inputs
        Different normalised inputs (M, C, H, W), so that no cache can answer.
    """

    name: str
    open: Callable[[], Session]
    inputs: NDArray[np.float32]


@dataclass(frozen=True)
class Protocol:
    """How long to measure.

    Attributes
    ----------
    blocks
        Blocks with rebuilt sessions; at least 30 for a claim worth publishing.
    queries
        Turns of each model per block, one query each.
    block_s
        Timed seconds each model gets at least per block: a fast one runs several queries per
        turn. A third of a second gives 10 s in 30 blocks.
    seed
        Decides every order.
    threads
        Threads of the sessions, recorded and held against the processors there are.
    warm_up_s
        Work of each model before the first block.
    """

    blocks: int = 30
    queries: int = 23
    block_s: float = 1 / 3
    seed: int = 0
    threads: int | None = None
    warm_up_s: float = WARM_UP_S


@dataclass(frozen=True)
class Timings:
    """Raw measurement of all contenders in the same blocks.

    Attributes
    ----------
    samples_ms
        By contender, float64 (blocks, queries of the block).
    outputs_match
        By contender: whether answers logged while timing equal those of the untimed pass.
    conditions
        The machine's state before the first block, what others used meanwhile
        (``foreign_share`` of all processors, and by block), ``threads``, and ``clean``.
    warnings
        Why the figures are not fit to be published; empty if they are.
    """

    samples_ms: dict[str, NDArray[np.float64]]
    outputs_match: dict[str, bool]
    conditions: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def latency(self, name: str) -> Latency:
        """Return the percentiles of one contender."""
        return percentiles(self.samples_ms[name])

    def steadiness(self, name: str) -> Steadiness:
        """Return drift and outliers of one contender."""
        return steadiness(self.samples_ms[name])

    def ratio(self, a: str, b: str) -> Ratio:
        """Return time of `b` over time of `a` with interval and words."""
        blocks_a, blocks_b = self.samples_ms[a], self.samples_ms[b]
        check = bootstrap_interval(blocks_a, blocks_b)
        ratio = block_ratio(a, b, blocks_a, blocks_b)
        return ratio.model_copy(update={"bootstrap_interval": check})


def compare(
    contenders: Sequence[Contender], protocol: Protocol = Protocol()
) -> Generator[Progress, None, Timings]:
    """Time all contenders in interleaved blocks.

    Parameters
    ----------
    contenders
        At least one; the first is the reference only by convention.
    protocol
        How long to measure.

    Yields
    ------
    `Progress` at least every half second of timing, so that a cancelled run stops at once.

    Returns
    -------
    The raw timings.

    Raises
    ------
    EmoStudioError
        If a contender answers with anything but numbers: how fast it does that is of no use.

    References
    ----------
    Accuracy tie and varied inputs after the compliance tests 01 and 04 of MLPerf Inference.
    """
    order = random.Random(protocol.seed)
    before = machine.conditions()
    runners = []
    for one in contenders:
        yield Progress(fraction=0.0, message=f"Warming up {one.name}")
        runners.append(_prepare(one, protocol))
    rows: dict[str, list[NDArray[np.float64]]] = {one.name: [] for one in contenders}
    matches = {one.name: True for one in contenders}
    started, meter, foreign = time.monotonic(), LoadMeter(), []
    for block in range(protocol.blocks):
        progress = _progress(block, protocol.blocks, started)
        yield progress
        for name, row, same in (yield from _block(runners, protocol.queries, order, progress)):
            rows[name].append(row)
            matches[name] = matches[name] and same
        foreign.append(meter.read())
    samples = {name: np.stack(times) for name, times in rows.items()}
    load = load_facts(foreign)
    disturbances = (
        *machine.disturbances(before, machine.conditions(), protocol.threads),
        *validity.foreign_load_words(load["foreign_share"]),
        *validity.noise_words(samples, matches),
    )
    return Timings(
        samples_ms=samples,
        outputs_match=matches,
        conditions={**before, **load, "threads": protocol.threads, "clean": not disturbances},
        warnings=(*disturbances, *validity.too_short_words(samples)),
    )


@dataclass(frozen=True)
class _Runner:
    """A contender, its answers in accuracy mode, and how often it runs per turn."""

    contender: Contender
    expected: NDArray[np.float32]
    per_turn: int


def _prepare(contender: Contender, protocol: Protocol) -> _Runner:
    """Answer all inputs untimed, warm up, and find out roughly how fast the model is."""
    session = contender.open()
    try:
        expected = session.run(contender.inputs)
        require_finite(expected, contender.name)
        warming: list[float] = []
        until = time.monotonic() + protocol.warm_up_s
        while time.monotonic() < until or len(warming) < WARM_UP_QUERIES:
            warming.append(_query(session, contender.inputs[:1])[0])
    finally:
        session.close()
    turn_ms = 1e3 * protocol.block_s / protocol.queries
    per_turn = math.ceil(turn_ms / float(np.median(warming)))
    return _Runner(contender, expected, min(max(1, per_turn), _MAX_PER_TURN))


def _block(
    runners: Sequence[_Runner], queries: int, order: random.Random, progress: Progress
) -> Generator[Progress, None, list[tuple[str, NDArray[np.float64], bool]]]:
    """Rebuild all sessions and time them in turns; returns name, times in ms, answers equal."""
    sessions: dict[str, Session] = {}
    times: dict[str, list[float]] = {one.contender.name: [] for one in runners}
    same = dict.fromkeys(times, True)
    try:
        for one in order.sample(runners, len(runners)):
            session = one.contender.open()
            sessions[one.contender.name] = session
            for _ in range(WARM_UP_QUERIES):
                session.run(one.contender.inputs[:1])
        with _no_garbage_collection():
            spoke = time.monotonic()
            for _ in range(queries):
                if time.monotonic() - spoke > _SILENCE_S:
                    yield progress
                    spoke = time.monotonic()
                for one in order.sample(runners, len(runners)):
                    name = one.contender.name
                    same[name] &= _turn(one, sessions[name], times[name], order)
    finally:
        for session in sessions.values():
            session.close()
    return [(name, np.array(values), same[name]) for name, values in times.items()]


def _turn(runner: _Runner, session: Session, times: list[float], order: random.Random) -> bool:
    """Time one model's turn; returns whether the answers that were looked at are right."""
    inputs, same = runner.contender.inputs, True
    for _ in range(runner.per_turn):
        place = order.randrange(len(inputs))
        spent_ms, outputs = _query(session, inputs[place : place + 1])
        if not times or order.random() < _LOGGED_SHARE:
            same &= _same(outputs, runner.expected[place])
        times.append(spent_ms)
    return same


def _query(session: Session, batch: NDArray[np.float32]) -> tuple[float, NDArray[np.float32]]:
    start = time.perf_counter_ns()
    outputs = session.run(batch)
    return (time.perf_counter_ns() - start) / 1e6, outputs


def _same(outputs: NDArray[np.float32], expected: NDArray[np.float32]) -> bool:
    return bool(np.allclose(outputs[0], expected, rtol=1e-4, atol=OUTPUT_TOLERANCE))


def _progress(block: int, blocks: int, started: float) -> Progress:
    spent_s = time.monotonic() - started
    left_s = spent_s / block * (blocks - block) if block else None
    return Progress(
        fraction=block / blocks, message=f"Block {block + 1} of {blocks}", seconds_left=left_s
    )


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
