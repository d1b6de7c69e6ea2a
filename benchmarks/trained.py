"""Accuracy of a small trained network of every kind that ``kernels`` times.

A speed says nothing about what such a network recognises. The networks timed hold random values,
as the kernels ask; the ones here are trained on drawn faces, once, and kept in out/trained.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness import Row, run
from methods import TEACHER, figures, run_job, trained

from emostudio.core.events import Failed
from emostudio.core.jobs import CompressJob
from emostudio.core.recipe import Recipe, RecipeStep
from emostudio.workspace.store import Workspace

_KEPT = Path(__file__).resolve().parent.parent / "out" / "trained"
_TEACHERS: dict[str, dict[str, Any]] = {
    "vgg_s_lite": TEACHER,
    "squeezenet1_1": {"input_size": 48, "channels": 1, "stem_stride": 1, "bn": True},
}
_FACES, _EPOCHS = "synthetic:identities=24", 12
_QUICK_FACES, _QUICK_EPOCHS = "synthetic:identities=6", 1
_TEACHER_SHARE = 3  # of epochs: a teacher that could still learn would be surpassed by training on


@dataclass(frozen=True)
class Kind:
    """How a network of one kind is made: a teacher's architecture, and steps of a recipe."""

    teacher: str
    steps: tuple[tuple[str, dict[str, Any]], ...]


def _vgg(*steps: tuple[str, dict[str, Any]]) -> Kind:
    return Kind("vgg_s_lite", steps)


def _squeezenet(*steps: tuple[str, dict[str, Any]]) -> Kind:
    return Kind("squeezenet1_1", steps)


_FIRES = ",".join(f"fire{number}.expand3x3" for number in range(2, 10))
KINDS = {
    "xnor": _vgg(("xnor", {"activation_epochs": _EPOCHS})),
    "bwn": _vgg(("bwn", {})),
    "codebook4": _vgg(("weight_sharing", {"bits_linear": 4})),
    "codebook5": _vgg(("weight_sharing", {"bits_linear": 5})),
    "codebook8": _vgg(("weight_sharing", {"bits_linear": 8})),
    "hashed_general": _vgg(("hashed", {"pattern": "general"})),
    "hashed_local": _vgg(("hashed", {"pattern": "local"})),
    "hashed": _vgg(("hashed", {"pattern": "rows"})),
    "cp_paper": _squeezenet(
        ("cp", {"layers": "fire8.expand3x3,fire9.expand3x3", "rank": 192, "scheme": "four"})
    ),
    "cp3_all": _squeezenet(("cp", {"layers": _FIRES, "scheme": "three", "budget": 1.0})),
    "tucker_svd": _vgg(("tucker2", {"budget": 0.4}), ("svd", {"budget": 0.4})),
}
"""By words of a row's key; the kind of most words counts."""


def kind_of(key: str) -> str | None:
    """Return the kind of network that a row of ``kernels`` is about."""
    fitting = [kind for kind in KINDS if set(kind.split("_")) <= set(key.split("_"))]
    return max(fitting, key=len, default=None)


def beside(rows: list[Row], *, quick: bool) -> list[Row]:
    """Return the rows with the accuracy of a trained network of their kind in words."""
    kinds = {row.key: kind for row in rows if (kind := kind_of(row.key))}
    known = accuracies(kinds.values(), quick=quick)
    found = []
    for row in rows:
        kind = kinds.get(row.key)
        note = ""
        if kind is not None:
            teacher = _words(known[f"teacher {KINDS[kind].teacher}"])
            note = f"trained: {_words(known[kind])}, its teacher {teacher}"
        found.append(replace(row, note=note))
    return found


def _words(row: Row) -> str:
    low, high = row.interval or (row.value, row.value)
    return f"{row.value:.1f} % [{low:.1f}, {high:.1f}]"


def accuracies(kinds: Iterable[str], *, quick: bool = False) -> dict[str, Row]:
    """Return the accuracy of each kind and of the teachers, trained first unless kept."""
    data, epochs = (_QUICK_FACES, _QUICK_EPOCHS) if quick else (_FACES, _EPOCHS)
    found: dict[str, Row] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) if quick else _KEPT
        folder.mkdir(parents=True, exist_ok=True)
        with Workspace.open(folder) as workspace:
            for kind in dict.fromkeys(kinds):
                teacher = KINDS[kind].teacher
                settings, most = _TEACHERS[teacher], _TEACHER_SHARE * epochs
                name = trained(workspace, teacher, settings, data, most)
                found[f"teacher {teacher}"] = _row(workspace, f"teacher {teacher}", name, data)
                child = _compressed(workspace, kind, name, data, epochs)
                found[kind] = _row(workspace, kind, child, data)
    return found


def _compressed(workspace: Workspace, kind: str, teacher: str, data: str, epochs: int) -> str:
    steps = []
    for method, settings in KINDS[kind].steps:
        more = {"activation_epochs": epochs} if "activation_epochs" in settings else {}
        steps.append(
            RecipeStep(
                method=method, settings={"epochs": epochs, "batch_size": 64, **settings, **more}
            )
        )
    if kind not in {model.name for model in workspace.models()}:
        recipe = Recipe(name=kind, steps=tuple(steps))
        job = CompressJob(teacher=teacher, data=data, recipe=recipe, name=kind)
        answer = run_job(workspace, job)
        if isinstance(answer, Failed):
            raise SystemExit(f"{kind}: {answer.what}: {answer.why}")
    return kind


def _row(workspace: Workspace, key: str, name: str, data: str) -> Row:
    line = figures(workspace, name, data)
    low, high = line["interval"]
    return Row(key, 100 * line["accuracy"], "%", (100 * low, 100 * high))


def measure(arguments: argparse.Namespace) -> list[Row]:
    """Train every kind that is not kept yet."""
    return list(
        accuracies(
            arguments.only.split(",") if arguments.only else KINDS, quick=arguments.quick
        ).values()
    )


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", default="", help="kinds, separated by commas")


if __name__ == "__main__":
    run("trained", __doc__, measure, _options)
