"""A/A test of the latency protocol: the same network twice must not be told apart.

Every trial times one small network against itself by interleaved blocks, exactly as the bench
does, and asks the statistics for a winner: on the machine as it is, and with every core kept busy
by another process. In the power trials one side answers 5 % later. The naive answer, one side
after the other with an interval over single queries, shows what the protocol is for.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from harness import Row, run
from torch import nn

from emostudio.core.emotions import EMOTIONS
from emostudio.core.model_info import ModelInfo, Preprocessing
from emostudio.evaluation import latency
from emostudio.evaluation.bench import bench_inputs
from emostudio.evaluation.latency import Contender, Protocol
from emostudio.inference.base import Session
from emostudio.inference.catalogue import open_session
from emostudio.models.loaded import LoadedModel
from emostudio.statistics.blocks import claims_difference
from emostudio.statistics.intervals import t_interval, wilson

_BLOCKS, _QUERIES = 30, 21
_SLOWDOWN = 0.05
_LONGEST_S = 60.0
_GEOMETRY = Preprocessing(height=32, width=32, channels=1)


class _Slowed:
    """A session that answers later by a fixed share of its usual time, for the power test."""

    engine, kernels = "onnxruntime", "real"

    def __init__(self, session: Session, extra_s: float) -> None:
        self._session, self._extra_s = session, extra_s

    def run(self, batch: np.ndarray) -> np.ndarray:
        outputs = self._session.run(batch)
        until = time.perf_counter() + self._extra_s
        while time.perf_counter() < until:
            pass
        return outputs

    def close(self) -> None:
        self._session.close()


def _network() -> LoadedModel:
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(32, 8),
    )  # fmt: skip
    info = ModelInfo(name="net", architecture="-", labels=EMOTIONS, preprocessing=_GEOMETRY)
    return LoadedModel(info, net.eval())


def _trial(model: LoadedModel, blocks: int, seed: int, extra_s: float = 0.0) -> latency.Timings:
    inputs = bench_inputs(_GEOMETRY)
    pair = [
        Contender("a", lambda: open_session(model), inputs),
        Contender("b", lambda: _Slowed(open_session(model), extra_s), inputs),
    ]
    steps = latency.compare(pair, Protocol(blocks, _QUERIES, block_s=0.0, seed=seed))
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return done.value


def _naive_claims(model: LoadedModel, queries: int) -> bool:
    """Time one side, then the other, and treat single queries as independent."""
    inputs, sides = bench_inputs(_GEOMETRY), []
    for _ in range(2):
        session = open_session(model)
        times = []
        for place in range(queries):
            start = time.perf_counter()
            session.run(inputs[place % len(inputs)][np.newaxis])
            times.append(time.perf_counter() - start)
        sides.append(np.log(times))
    _, low, high = t_interval(sides[1] - sides[0])
    return low > 0 or high < 0


@contextmanager
def _every_core_busy() -> Iterator[None]:
    """Let one process per core compute for ever meanwhile."""
    command = [sys.executable, "-c", "while True: pass"]
    busy = [subprocess.Popen(command) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


@dataclass
class _Counts:
    """How often a winner was claimed, the right one and the wrong one, and how long it took."""

    trials: int = 0
    claims: int = 0
    found: int = 0
    wrong: int = 0
    naive: int = 0
    slowest_s: float = 0.0

    def add(self, model: LoadedModel, seed: int, extra_s: float = 0.0) -> None:
        """Run one trial; a slow-down counts as found only if that took a minute at most."""
        started = time.monotonic()
        ratio = _trial(model, _BLOCKS, seed, extra_s).ratio("a", "b")
        spent_s = time.monotonic() - started
        claimed = claims_difference(ratio)
        self.trials += 1
        self.claims += claimed
        self.found += claimed and ratio.ratio > 1 and spent_s <= _LONGEST_S
        self.wrong += claimed and ratio.ratio < 1
        self.slowest_s = max(self.slowest_s, spent_s)


def _share(key: str, hits: int, trials: int) -> Row:
    return Row(key, hits / trials, "share", wilson(hits, trials))


def _say(done: int, trials: int, **counts: int) -> None:
    """Print every tenth trial how it stands: the whole takes about 40 minutes."""
    if done % 10 == 0:
        words = ", ".join(f"{name} {count}" for name, count in counts.items())
        print(f"{done} of {trials}: {words}", file=sys.stderr, flush=True)


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--trials", type=int, help="trials of each kind (200, quick 10)")


def measure(arguments: argparse.Namespace) -> list[Row]:
    """Run all trials."""
    latency.WARM_UP_S = 0.05
    trials = arguments.trials or (10 if arguments.quick else 200)
    model = _network()
    usual_s = float(np.median(_trial(model, 3, 0).samples_ms["a"])) / 1e3
    quiet, loaded, slowed = _Counts(), _Counts(), _Counts()
    for seed in range(trials):
        quiet.add(model, seed)
        quiet.naive += _naive_claims(model, _BLOCKS * _QUERIES)
        slowed.add(model, seed, _SLOWDOWN * usual_s)
        _say(seed + 1, trials, quiet=quiet.claims, found=slowed.found, wrong=slowed.wrong)
    with _every_core_busy():
        for seed in range(trials):
            loaded.add(model, seed)
            loaded.naive += _naive_claims(model, _BLOCKS * _QUERIES)
            _say(seed + 1, trials, loaded=loaded.claims)
    return [
        Row("median_query_ms", 1e3 * usual_s, "ms"),
        Row("trials_of_each_kind", trials, "count"),
        _share("aa_false_claims_quiet", quiet.claims, trials),
        _share("aa_false_claims_loaded", loaded.claims, trials),
        _share("power_5_percent", slowed.found, trials),
        _share("wrong_sign", slowed.wrong, trials),
        _share("naive_false_claims_quiet", quiet.naive, trials),
        _share("naive_false_claims_loaded", loaded.naive, trials),
        Row("slowest_trial_s", max(c.slowest_s for c in (quiet, loaded, slowed)), "s"),
    ]


if __name__ == "__main__":
    run("aa", __doc__, measure, _options)
