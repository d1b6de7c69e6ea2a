"""A/A test of the latency protocol: the same network twice must not be told apart.

Every trial times one small network against itself by interleaved blocks, exactly as the bench
does, and asks the statistics for a winner. It also asks for the naive answer, one side after the
other with an interval over single queries, to show what the protocol is for.
"""

from __future__ import annotations

import argparse
import time

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
from emostudio.statistics.blocks import block_ratio, claims_difference
from emostudio.statistics.intervals import t_interval, wilson

_QUERIES = 21
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


def _share(key: str, hits: int, trials: int) -> Row:
    low, high = wilson(hits, trials)
    return Row(key, hits / trials, "share", (low, high))


def measure(arguments: argparse.Namespace) -> list[Row]:
    """Run all trials."""
    latency.WARM_UP_S = 0.05
    trials, blocks = (20, 30) if arguments.quick else (200, 30)
    model = _network()
    usual_s = float(np.median(_trial(model, 3, 0).samples_ms["a"])) / 1e3
    false = found_5 = found_10 = wrong = naive = 0
    for seed in range(trials):
        false += claims_difference(_trial(model, blocks, seed).ratio("a", "b"))
        naive += _naive_claims(model, blocks * _QUERIES)
        for share in (0.05, 0.10):
            times = _trial(model, blocks, seed, share * usual_s).samples_ms
            ratio = block_ratio("a", "b", times["a"], times["b"])
            claimed = claims_difference(ratio)
            found_5 += claimed and share == 0.05 and ratio.ratio > 1
            found_10 += claimed and share == 0.10 and ratio.ratio > 1
            wrong += claimed and ratio.ratio < 1
    return [
        Row("median query", 1e3 * usual_s, "ms"),
        Row("trials", trials, "count"),
        _share("false claims, interleaved blocks", false, trials),
        _share("false claims, one after the other", naive, trials),
        _share("true slowdown of 5 % found", found_5, trials),
        _share("true slowdown of 10 % found", found_10, trials),
        _share("wrong sign", wrong, 2 * trials),
    ]


if __name__ == "__main__":
    run("aa", __doc__, measure)
