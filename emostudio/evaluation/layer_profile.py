"""How long every layer takes inside its network, and which kernel computed it.

ONNX Runtime's own profiler tells the time of each kernel; the packed engine's steps are timed one
by one. Sessions are rebuilt in every block and models take turns, as in a benchmark. The sum over
layers is no latency: watching costs time, and what lies between kernels is in no layer.
"""

from __future__ import annotations

import json
import random
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emostudio.core.errors import InputError
from emostudio.core.events import Progress
from emostudio.inference.graph_layers import GraphLayers
from emostudio.inference.onnx_sessions import open_graph
from emostudio.models.loaded import LoadedModel
from emostudio.statistics.medians import median_interval

ENGINES = ("onnxruntime", "packed")
RUNS, _WARM_UP = 40, 5
_CUT = 0.25
"""Share of a block's runs left out at either end: a stall of the machine is none of a layer's.

The profiler counts whole microseconds, so that a median alone would be as coarse."""
_KERNEL = "_kernel_time"
_US_PER_MS = 1e3
_HALF_US = 0.5
"""The profiler cuts a time down to whole microseconds: it lies half of one above, give or take."""

Batch = NDArray[np.float32]


@dataclass
class Watched:
    """Times of one session by layer and kernel, a sum in milliseconds per run.

    `unsure_ms` is how far each sum may lie off at most, because of the clock it was read from.
    """

    times_ms: dict[tuple[str, str], dict[int, float]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(float))
    )
    unsure_ms: dict[tuple[str, str], dict[int, float]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(float))
    )

    def add(self, layer: str, kernel: str, run: int, ms: float, unsure_ms: float = 0.0) -> None:
        """Add what a kernel took in one run."""
        self.times_ms[layer, kernel][run] += ms
        self.unsure_ms[layer, kernel][run] += unsure_ms


@dataclass(frozen=True)
class LayerTime:
    """Median over blocks of a layer's typical time, with its 95 % interval, in milliseconds.

    The interval is as wide at least as the clock is coarse.
    """

    layer: str
    kernels: tuple[str, ...]
    ms: float
    interval: tuple[float, float]


def profile(
    models: Mapping[str, tuple[LoadedModel, str]],
    batches: Mapping[str, Batch],
    threads: int,
    blocks: int,
    layer_of: Callable[[str], str],
) -> Generator[Progress, None, dict[str, tuple[LayerTime, ...]]]:
    """Time the layers of several models in turns.

    Parameters
    ----------
    models
        By name, each with the engine it runs on.
    batches
        One input (1, C, H, W) per model.
    threads
        Within one kernel.
    blocks
        Times that every session is built anew.
    layer_of
        Returns the row under which a layer is counted.

    Returns
    -------
    By model, its layers in the order in which they run; layer ``""`` is what belongs to none.

    Raises
    ------
    InputError
        If an engine's kernels cannot be watched.
    """
    found: dict[str, list[Watched]] = {name: [] for name in models}
    order = random.Random(0)
    for block in range(blocks):
        for place, name in enumerate(order.sample(list(models), len(models))):
            done = (block * len(models) + place) / (blocks * len(models))
            yield Progress(fraction=done, message=f"Watching the layers of {name}")
            model, engine = models[name]
            found[name].append(_watch(model, engine, batches[name], threads))
    return {name: _summed_up(watched, layer_of) for name, watched in found.items()}


def _watch(model: LoadedModel, engine: str, batch: Batch, threads: int) -> Watched:
    watched = Watched()
    with tempfile.TemporaryDirectory(prefix="emostudio-profile-") as folder:
        if engine == "onnxruntime":
            from emostudio.inference.engines.onnxruntime import ENGINE

            graphs = ENGINE.graphs(model)
            if len(graphs) > 1:
                raise InputError(
                    f"The layers of {model.info.name} cannot be watched",
                    why="the picture decides which of them run",
                    next_step="Profile its teacher, or a variant without early exits",
                )
            graph = _WatchedGraph(graphs[0], threads, Path(folder))
            for _ in range(_WARM_UP + RUNS):
                graph.run({graph.source: batch})
            graph.close(watched)
        elif engine == "packed":
            _watch_packed(model, batch, threads, (Path(folder), watched))
        else:
            raise InputError(
                f"The kernels of {engine} cannot be watched",
                next_step=f"Use one of {', '.join(ENGINES)}",
            )
    return watched


class _WatchedGraph:
    """A graph in ONNX Runtime with its profiler on."""

    def __init__(self, content: bytes, threads: int, folder: Path) -> None:
        self._layers = GraphLayers(content)
        prefix = str(folder / f"graph{len(list(folder.iterdir()))}")
        self._session: Any = open_graph(content, threads, profile=prefix)
        self.source = str(self._session.get_inputs()[0].name)

    def run(self, given: dict[str, NDArray[Any]], outputs: list[str] | None = None) -> Any:
        return self._session.run(outputs, given)

    def close(self, watched: Watched) -> None:
        """Add the kernels' times; runs before the warm-up ended do not count."""
        events = json.loads(Path(self._session.end_profiling()).read_text("utf-8"))
        seen: dict[str, int] = defaultdict(int)
        for event in events:
            name = str(event.get("name", ""))
            if event.get("cat") != "Node" or not name.endswith(_KERNEL):
                continue
            node = name.removesuffix(_KERNEL)
            run, seen[node] = seen[node] - _WARM_UP, seen[node] + 1
            if run < 0:
                continue
            kind = str(event["args"].get("op_name", ""))
            place = self._layers.of(node, kind)
            blocked = " NCHWc" if node.endswith("_nchwc") else ""
            kernel = " + ".join((f"{kind}{blocked}", *place.fused))
            ms, unsure_ms = (event["dur"] + _HALF_US) / _US_PER_MS, _HALF_US / _US_PER_MS
            watched.add(place.layer, kernel, run, ms, unsure_ms)


def _watch_packed(
    model: LoadedModel, batch: Batch, threads: int, into: tuple[Path, Watched]
) -> None:
    """Run a program step by step; the stretches that ONNX Runtime computes are watched in it."""
    from emostudio.inference.packed.compiling import why_no_kernels
    from emostudio.inference.packed.lowering import programs_of
    from emostudio.inference.packed.step import Scratch
    from emostudio.inference.packed.steps import GraphStep

    folder, watched = into
    if model.module is None:
        raise InputError(f"{model.info.name} is a black box: its layers are not known")
    names = {name.replace(".", "_"): name for name, _ in model.module.named_modules() if name}
    (program,) = programs_of(model.module, model.input_shape)
    scratch = Scratch(threads, vectors=not why_no_kernels())
    graphs = {
        number: _WatchedGraph(step.graph.tobytes(), threads, folder)
        for number, step in enumerate(program.steps)
        if isinstance(step, GraphStep)
    }
    for run in range(-_WARM_UP, RUNS):
        values: dict[str, NDArray[Any]] = {program.source: batch}
        for number, step in enumerate(program.steps):
            graph = graphs.get(number)
            if graph is not None:
                given = {name: np.ascontiguousarray(values[name]) for name in step.inputs}
                outputs = list(step.outputs)
                values.update(zip(outputs, graph.run(given, outputs), strict=True))
                continue
            start = time.perf_counter_ns()
            step.run(values, scratch)
            spent_ms = (time.perf_counter_ns() - start) / 1e6
            if run >= 0:
                layer = names.get(step.outputs[0].removeprefix("body_"), "")
                watched.add(layer, type(step).__name__, run, spent_ms)
    for graph in graphs.values():
        graph.close(watched)


def _middle_mean(values: Sequence[float]) -> float:
    """Return the mean of the middle half."""
    cut = int(_CUT * len(values))
    return statistics.fmean(sorted(values)[cut : len(values) - cut])


def _summed_up(watched: Sequence[Watched], layer_of: Callable[[str], str]) -> tuple[LayerTime, ...]:
    """Return the median over blocks of each row's mean over the middle half of its runs."""
    means: dict[str, list[float]] = defaultdict(list)
    unsure: dict[str, float] = defaultdict(float)
    kernels: dict[str, dict[str, None]] = defaultdict(dict)
    for block in watched:
        sums: dict[str, float] = defaultdict(float)
        coarse: dict[str, float] = defaultdict(float)
        for (layer, kernel), runs in block.times_ms.items():
            row = layer_of(layer)
            sums[row] += _middle_mean(list(runs.values()))
            coarse[row] += max(block.unsure_ms[layer, kernel].values())
            kernels[row][kernel] = None
        for row, ms in sums.items():
            means[row].append(ms)
            unsure[row] = max(unsure[row], coarse[row])
    times = []
    for row, values in means.items():
        ms, low, high = median_interval(values)
        interval = (max(0.0, low - unsure[row]), high + unsure[row])
        times.append(LayerTime(row, tuple(kernels[row]), ms, interval))
    return tuple(times)
