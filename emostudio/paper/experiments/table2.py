"""Table 2: time of a training step, time of inference, size and accuracy of seven networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from emostudio.core.jobs import BenchJob
from emostudio.paper import caveats, measuring
from emostudio.paper.base import Experiment, Findings
from emostudio.paper.facts import dataset_name, facts
from emostudio.paper.gains import BENCH, ratio_between, verdict_of
from emostudio.paper.networks import NETWORKS, VGG, network_parts, part_key, seeds, trained
from emostudio.paper.parts import MODEL_OF, Part, PartResult
from emostudio.paper.results import (
    EXACT,
    Caveat,
    ColumnInfo,
    Measured,
    ResultCell,
    ResultRow,
    ResultTable,
)
from emostudio.paper.study import StudySettings

COLUMNS = (
    ColumnInfo(key="training_ms", title="Training", unit="ms/image", decimals=2, better="low"),
    ColumnInfo(key="inference_ms", title="Inference", unit="ms", decimals=3, better="low"),
    ColumnInfo(key="speed", title="Speed-up", unit="×", decimals=2, better="high"),
    ColumnInfo(key="size_mib", title="Size", unit="MiB", decimals=2, better="low"),
    ColumnInfo(key="accuracy", title="Accuracy", unit="%", better="high"),
)


@dataclass(frozen=True)
class Published:
    """One row as printed; `bits` per parameter is how the survey counts the row's size."""

    network: str
    training_ms: float | None
    inference_ms: float | None
    size_mib: float | None
    accuracy: float | None
    bits: int = 32
    note: str = ""


ROWS = (
    Published("vgg_s", 43.7, 33.4, 372.2, 97.13),
    Published("squeezenet", 22.94, 4.94, 2.8, 89.14),
    Published("cp", 22.94, 7.74, 2.1, 87.5,
              note="The paper's step time is that of SqueezeNet, copied"),
    Published("hashed", 294.8, 158.2, 68.3, 96.31,
              note="The paper rebuilds the matrix at every call; ours builds it once"),
    Published("bwn", 83.8, 33.5, 11.6, 98.57, bits=1,
              note="The paper's code measures accuracy with real-valued weights; ours is binary"),
    Published("xnor", 84.3, 34.2, 11.6, 58.81, bits=1,
              note="Two stages and the right gradient, step time of the second; the paper's run "
                   "did not converge"),
    Published("binary_activations", 43.4, 34.1, 11.6, 88.32, bits=1,
              note="Weights stay float32: the paper's 11.6 MiB cannot be the file"),
)  # fmt: skip
"""Survey, Table 2; a Tesla M2090, RaFD frontal and 45 degrees. Its "MB" are MiB."""

RELEASED = Published(
    "xnor_released", None, None, None, None, bits=1,
    note="Not in the paper: its code's gradient and training on our data",
)  # fmt: skip

_PAPER_VGG_MS = 33.4


def _parts(settings: StudySettings) -> tuple[Part, ...]:
    first = seeds(settings)[0]
    models = tuple(MODEL_OF + part_key(network, first) for network in NETWORKS)
    sizes = settings.sizes
    bench = Part(
        BENCH,
        "Time all networks against each other",
        BenchJob(models=models, threads=1, blocks=sizes.blocks, pairs=sizes.pairs),
        sizes.weights.get("bench", 1.0),
    )
    trainings = network_parts(settings)
    return (*trainings[: len(NETWORKS)], bench, *trainings[len(NETWORKS) :])


def _size(row: Published, result: PartResult | None) -> ResultCell:
    if result is None:
        return ResultCell(paper=row.size_mib)
    honest = accounted = None
    if result.disk_bytes:
        honest = measuring.exact(result.disk_bytes / measuring.MIB, result)
    if result.parameters:
        accounted = measuring.exact(result.parameters * row.bits / 8 / measuring.MIB, result)
    return ResultCell(paper=row.size_mib, ours=honest, as_paper=accounted)


def _speed(row: Published, results: Sequence[PartResult], findings: Findings) -> ResultCell:
    bench = findings.results.get(BENCH)
    parents = trained(VGG, findings.settings, findings.results)
    published = _PAPER_VGG_MS / row.inference_ms if row.inference_ms else None
    if bench is None or not results or not parents:
        return ResultCell(paper=published)
    timed = measuring.latency(bench, results[0].model)
    ratio = ratio_between(results[0].model, parents[0].model, bench)
    if row.network == VGG and timed is not None:
        one = {"value": 1.0, "low": 1.0, "high": 1.0, "basis": f"{EXACT}, the baseline itself"}
        return ResultCell(paper=published, ours=timed.model_copy(update=one))
    if ratio is None or timed is None:
        return ResultCell(paper=published)
    ours = {"value": ratio.ratio, "low": ratio.interval[0], "high": ratio.interval[1]}
    basis = {"basis": "95 %, Student t over interleaved blocks, batch 1"}
    return ResultCell(paper=published, ours=timed.model_copy(update={**ours, **basis}))


def _row(row: Published, place: int, findings: Findings) -> ResultRow:
    results = trained(row.network, findings.settings, findings.results)
    first = results[0] if results else None
    bench = findings.results.get(BENCH)
    verdict, words = verdict_of(row.network, findings)
    inference: Measured | None = measuring.latency(bench, first.model) if first else None
    return ResultRow(
        key=row.network,
        title=NETWORKS[row.network].title,
        reference=f"Table 2, row {place}" if place else "not in the paper",
        cells={
            "training_ms": ResultCell(paper=row.training_ms, ours=measuring.step_time(first)),
            "inference_ms": ResultCell(paper=row.inference_ms, ours=inference),
            "speed": _speed(row, results, findings),
            "size_mib": _size(row, first),
            "accuracy": ResultCell(
                paper=row.accuracy,
                ours=measuring.accuracy(results),
                as_paper=measuring.training_accuracy(results),
            ),
        },
        verdict=verdict,
        verdict_words=words,
        dataset=dataset_name(findings) if results else "",
        seeds=tuple(result.seed for result in results),
        models=tuple(result.model for result in results),
        seconds=sum(result.seconds for result in results),
        caveats=tuple(note for note in (row.note, *(first.warnings if first else ())) if note),
        is_extra=not place,
    )


def _caveats(findings: Findings) -> tuple[Caveat, ...]:
    single = (caveats.ONE_RUN,) if len(seeds(findings.settings)) == 1 else ()
    fixed = (caveats.SPLIT, caveats.SIZE, caveats.TIME, caveats.LATENT, caveats.XNOR)
    data = caveats.data_caveats(findings)
    return (*data, *caveats.preset_caveat(findings), *fixed, caveats.START, *single)


def _table(findings: Findings) -> ResultTable:
    rows = [_row(row, place, findings) for place, row in enumerate(ROWS, 1)]
    return ResultTable(
        key="table2",
        title="Table 2. Time, size and accuracy",
        subtitle="Time, size, accuracy",
        columns=COLUMNS,
        rows=(*rows, _row(RELEASED, 0, findings)),
        caveats=_caveats(findings),
        facts=facts(findings, seeds(findings.settings), findings.results.get(BENCH)),
    )


EXPERIMENT = Experiment(
    key="table2",
    order=2,
    title="Table 2",
    summary="Time, size and accuracy of seven networks",
    parts=_parts,
    table=_table,
)
