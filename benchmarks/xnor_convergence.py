"""Do binary networks learn: XNOR-Net as the survey trained it, and by the recipe in stages.

Every seed draws its own faces and trains its own float32 parent; every variant goes through the
same pipeline as in the program and is measured on people nobody has trained on. Differences from
the parent are paired: both networks judge the same faces.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import Row, run
from synthetic_faces import share_row

from emostudio.core.answers import EvaluationReport
from emostudio.core.events import Finished
from emostudio.core.jobs import CompressJob, EvaluateJob, Job, TrainJob
from emostudio.core.recipe import Recipe, RecipeStep
from emostudio.worker.execute import execute
from emostudio.workspace.store import Workspace

PARENT = {"width": 0.5, "dense_width": 128, "input_size": 48, "channels": 1}
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "bwn": ("bwn", {}),
    "binary_activations": ("binary_activations", {}),
    "xnor": ("xnor", {}),
    "binary_net": ("binary_net", {}),
    "xnor-paper": ("xnor", {"mode": "paper"}),
}


@dataclass(frozen=True)
class Outcome:
    """One network of one seed on its test faces; differences from the parent are shares."""

    right: int
    samples: int
    difference: float = 0.0
    interval: tuple[float, float] = (0.0, 0.0)


def measure(arguments: argparse.Namespace) -> list[Row]:
    """Train parents and variants, or take those of the workspace, and compare them."""
    if arguments.quick:
        arguments.people, arguments.seeds = 6, 1
        arguments.epochs = arguments.parent_epochs = 2
        arguments.only = arguments.only or "bwn,xnor"
    wanted = arguments.only.split(",") if arguments.only else list(VARIANTS)
    with (
        tempfile.TemporaryDirectory() as scratch,
        Workspace.open(Path(arguments.workspace or scratch)) as workspace,
    ):
        seeds = [outcomes(workspace, seed, wanted, arguments) for seed in range(arguments.seeds)]
    rows = list(_rows("float32 parent", [seed["parent"] for seed in seeds]))
    for label in wanted:
        rows += _rows(label, [seed[label] for seed in seeds])
    return rows


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what this script takes besides the common options."""
    parser.add_argument("--workspace", help="keep models here and go on with them")
    parser.add_argument("--people", type=int, default=40, help="people drawn, 72 faces each")
    parser.add_argument("--epochs", type=int, default=15, help="epochs of every stage")
    parser.add_argument("--parent-epochs", type=int, default=15, help="epochs of the parent")
    parser.add_argument("--seeds", type=int, default=2, help="data sets, parents and variants")
    parser.add_argument("--only", help=f"of {','.join(VARIANTS)}")


def outcomes(
    workspace: Workspace, seed: int, wanted: list[str], arguments: argparse.Namespace
) -> dict[str, Outcome]:
    """Return one seed's networks by label, ``parent`` among them."""
    data = f"synthetic:identities={arguments.people},size=48,seed={seed}"
    parent = f"parent-{seed}"
    if not _has(workspace, parent):
        job = TrainJob(
            architecture="vgg_s_lite",
            architecture_settings=PARENT,
            data=data,
            training={"epochs": arguments.parent_epochs},
            name=parent,
            seed=seed,
        )
        _finished(workspace, job)
    names = {label: f"{label}-{seed}" for label in wanted}
    for label, name in names.items():
        if not _has(workspace, name):
            recipe = Recipe(name=label, steps=(_step(label, arguments.epochs),))
            job_of = CompressJob(teacher=parent, data=data, recipe=recipe, name=name, seed=seed)
            _finished(workspace, job_of)
    answer = _finished(workspace, EvaluateJob(models=(parent, *names.values()), data=data))
    return _outcomes(EvaluationReport.model_validate(answer.result), {"parent": parent, **names})


def _outcomes(report: EvaluationReport, names: dict[str, str]) -> dict[str, Outcome]:
    results = {result.model: result for result in report.results}
    paired = {pair.b: pair for pair in report.paired if pair.a == names["parent"]}
    found = {}
    for label, name in names.items():
        result = results[name]
        right = round(result.accuracy * result.samples)
        found[label] = Outcome(right, result.samples)
        if name in paired:
            pair = paired[name]
            found[label] = Outcome(right, result.samples, pair.difference, pair.interval)
    return found


def _step(label: str, epochs: int) -> RecipeStep:
    key, changes = VARIANTS[label]
    stages = {"epochs": epochs}
    if key in ("xnor", "binary_net"):
        stages["activation_epochs"] = epochs
    return RecipeStep(method=key, settings={**stages, **changes})


def _rows(label: str, seeds: list[Outcome]) -> Iterator[Row]:
    yield share_row(label, sum(o.right for o in seeds), sum(o.samples for o in seeds))
    if label == "float32 parent":
        return
    middle = sum(o.difference for o in seeds) / len(seeds)
    # the seeds share nothing, so their errors add up like those of independent figures
    half = math.hypot(*((o.interval[1] - o.interval[0]) / 2 for o in seeds)) / len(seeds)
    low, high = 100 * (middle - half), 100 * (middle + half)
    yield Row(f"{label} minus its parent", 100 * middle, "points", (low, high))


def _has(workspace: Workspace, name: str) -> bool:
    return name in {model.name for model in workspace.models()}


def _finished(workspace: Workspace, job: Job) -> Finished:
    last = None
    for event in execute(job, workspace):
        last = event
    if not isinstance(last, Finished):
        raise SystemExit(f"{getattr(last, 'what', 'cancelled')}: {getattr(last, 'why', '')}")
    return last


if __name__ == "__main__":
    run("xnor_convergence", __doc__, measure, add_options)
