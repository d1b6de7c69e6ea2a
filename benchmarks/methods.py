"""Every method of the catalogue on one teacher, with one small training budget for all.

Trains a teacher on the data, or takes one of the workspace, runs each method, and prints accuracy
with its 95 % interval, file size, resident memory and parameters. Runs that are done are kept in
the workspace, so the script can be stopped and started again.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness import Row, run

from emostudio.compression.catalogue import METHODS
from emostudio.core.atomic import write_text
from emostudio.core.events import Failed, Finished
from emostudio.core.jobs import CompressJob, EvaluateJob, Job, TrainJob
from emostudio.core.paths import safe_name
from emostudio.core.recipe import Recipe, RecipeStep
from emostudio.core.units import MIB
from emostudio.worker.execute import execute
from emostudio.workspace.store import Workspace

ALONE_IS_NOTHING = {"huffman": ("magnitude_pruning", "weight_sharing")}
"""Methods that need others before them."""

TEACHER = {"width": 0.5, "dense_width": 256, "input_size": 48, "channels": 1}
STUDENT = {
    "architecture": "squeezenet1_1",
    "input_size": 48,
    "architecture_settings": "stem_stride=1",
}
EXTRA: dict[str, tuple[str, dict[str, Any]]] = {
    "xnor (paper)": ("xnor", {"mode": "paper"}),
    "binary_net (paper)": ("binary_net", {"mode": "paper"}),
    "binary_activations (paper)": ("binary_activations", {"mode": "paper"}),
    "hashed (rows)": ("hashed", {"pattern": "rows"}),
}
"""The same methods once more, as the survey's released code has them, or by another setting."""


def measure(arguments: argparse.Namespace) -> list[Row]:
    """Run everything that is not done yet and return the table's rows."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(arguments.workspace or scratch)
        with Workspace.open(folder) as workspace:
            table = list(_table(workspace, arguments))
    if arguments.out:
        write_text(Path(arguments.out), json.dumps(table, indent=2))
    return [row for line in table for row in _rows(line)]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what this script takes besides the common options."""
    parser.add_argument("--workspace", help="keep models and runs here")
    parser.add_argument("--data", default="synthetic", help="as on the command line")
    parser.add_argument("--teacher", help="model of the workspace (default: one is trained)")
    parser.add_argument("--epochs", type=int, default=6, help="epochs of every training")
    parser.add_argument("--teacher-epochs", type=int, default=12, help="epochs of the teacher")
    parser.add_argument("--max-images", type=int, default=0, help="images per epoch, 0 is all")
    parser.add_argument("--only", help="keys of methods, separated by commas")
    parser.add_argument("--seeds", type=int, default=1, help="seeds of every method")
    parser.add_argument("--out", help="write the table as JSON")


def _table(workspace: Workspace, arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    if arguments.quick:
        arguments.data = "synthetic:identities=6,size=64"
        arguments.epochs = arguments.teacher_epochs = 1
    teacher = arguments.teacher or trained(
        workspace, "vgg_s_lite", TEACHER, arguments.data, arguments.teacher_epochs
    )
    yield {"method": "teacher", **figures(workspace, teacher, arguments.data)}
    wanted = arguments.only.split(",") if arguments.only else [*METHODS.members(), *EXTRA]
    for label in wanted:
        for seed in range(arguments.seeds):
            yield from _line(workspace, teacher, label, seed, arguments)


def _line(
    workspace: Workspace, teacher: str, label: str, seed: int, arguments: argparse.Namespace
) -> Iterator[dict[str, Any]]:
    name = safe_name(f"{teacher}-{label}-{seed}")
    line = {"method": label, "seed": seed}
    if name not in {model.name for model in workspace.models()}:
        job = CompressJob(
            teacher=teacher,
            data=arguments.data,
            recipe=Recipe(name=label, steps=tuple(_steps(label, arguments))),
            name=name,
            seed=seed,
        )
        answer = run_job(workspace, job)
        if isinstance(answer, Failed):
            yield {**line, "failed": f"{answer.what}: {answer.why}"}
            return
    yield {**line, **figures(workspace, name, arguments.data)}


def _steps(label: str, arguments: argparse.Namespace) -> Iterator[RecipeStep]:
    key, changes = EXTRA.get(label, (label, {}))
    for before in ALONE_IS_NOTHING.get(key, ()):
        yield RecipeStep(method=before, settings=_budget(before, arguments))
    yield RecipeStep(method=key, settings={**_budget(key, arguments), **changes})


def _budget(key: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Give a method's trainings their epochs; several in a row share them."""
    fields = METHODS.get(key).settings_type.model_fields
    trainings = [name for name in fields if name == "epochs" or name.endswith("_epochs")]
    share = max(1, round(arguments.epochs / max(len(trainings), 1)))
    wanted: dict[str, Any] = dict.fromkeys(trainings, share)
    wanted |= {"epochs_per_layer": 0, "max_images": arguments.max_images, "batch_size": 128}
    wanted |= STUDENT
    return {name: value for name, value in wanted.items() if name in fields}


def trained(
    workspace: Workspace, architecture: str, settings: dict[str, Any], data: str, epochs: int
) -> str:
    """Train a teacher unless the workspace has it, and return its name."""
    name = f"teacher-{architecture}"
    if name not in {model.name for model in workspace.models()}:
        job = TrainJob(
            architecture=architecture,
            architecture_settings=settings,
            data=data,
            training={"epochs": epochs, "batch_size": 128},
            name=name,
        )
        answer = run_job(workspace, job)
        if isinstance(answer, Failed):
            raise SystemExit(f"{answer.what}: {answer.why}")
    return name


def figures(workspace: Workspace, name: str, data: str) -> dict[str, Any]:
    """Return what a table line says of a model."""
    model = next(model for model in workspace.models() if model.name == name)
    answer = run_job(workspace, EvaluateJob(models=(name,), data=data))
    if isinstance(answer, Failed):
        raise SystemExit(f"{answer.what}: {answer.why}")
    result = answer.result["results"][0]
    stages = []
    if model.run:
        run_record = workspace.run(model.run)
        stages = run_record.result.get("stages", [])
    return {
        "model": name,
        "accuracy": result["accuracy"],
        "interval": result["accuracy_interval"],
        "macro_f1": result["macro_f1"],
        "samples": result["samples"],
        "disk_mib": model.disk_bytes / MIB,
        "parameters": model.parameters,
        "macs": model.macs,
        "resident_mib": stages[-1]["resident_bytes"] / MIB
        if stages and stages[-1]["resident_bytes"]
        else None,
        "latency_ms": stages[-1]["latency_ms"] if stages else None,
    }


def _rows(line: dict[str, Any]) -> Iterator[Row]:
    key = f"{line['method']}" + (f" #{line['seed']}" if line.get("seed") else "")
    if "failed" in line:
        print(f"{key} failed: {line['failed']}")
        return
    low, high = line["interval"]
    yield Row(f"{key} accuracy", 100 * line["accuracy"], "%", (100 * low, 100 * high))
    yield Row(f"{key} file", line["disk_mib"], "MiB")
    if line["resident_mib"]:
        yield Row(f"{key} memory", line["resident_mib"], "MiB")
    if line["parameters"]:
        yield Row(f"{key} parameters", line["parameters"] / 1e6, "million")


def run_job(workspace: Workspace, job: Job) -> Finished | Failed:
    """Run a job in this process and return how it ended."""
    last = None
    for event in execute(job, workspace):
        last = event
    if not isinstance(last, Finished | Failed):
        raise SystemExit("cancelled")
    return last


if __name__ == "__main__":
    run("methods", __doc__, measure, add_options)
