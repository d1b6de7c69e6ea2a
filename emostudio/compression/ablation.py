"""What each step of a recipe gave: every subset of its steps is run, stages shared among them.

A subset keeps the recipe's order. A step that cannot be done without one that is missing (Huffman
coding without anything that repeats) is left out and so is worth nothing there.

References
----------
.. [1] Rassadin and Savchenko 2017, section 2: of Deep Compression it is not told how much each of
   its stages contributes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path

from emostudio.compression import ledger
from emostudio.compression.packing import load_variant
from emostudio.compression.planning import Step, expanded, plan
from emostudio.compression.stages import StagedRun
from emostudio.core.answers import AblationReport, AblationShare, AblationSubset, StageLedger
from emostudio.core.errors import InputError
from emostudio.core.events import Event, Progress
from emostudio.core.job_context import JobContext
from emostudio.core.recipe import Recipe
from emostudio.data.dataset import Dataset
from emostudio.models.loaded import LoadedModel
from emostudio.statistics.shapley import shapley_values

MOST_STEPS = 5
_Subset = tuple[int, ...]


def ablate(
    teacher: LoadedModel,
    recipe: Recipe,
    dataset: Dataset | None,
    context: JobContext,
    *,
    memory: ledger.MemoryProbe | None = None,
) -> Generator[Event, None, AblationReport]:
    """Run all subsets of a recipe, or take that up where an earlier run in the folder ended.

    Parameters
    ----------
    teacher
        Left as it is; the subset of no steps.
    recipe
        Two to five steps, those that a method stands for counted one by one.
    dataset
        Images to train and measure on; None where no step trains.
    context
        The run's; stages go into ``subsets/`` of its folder.
    memory
        Measures the resident memory of each stage's model.

    Yields
    ------
    Event
        `Progress` for each subset, and what its last stage says.

    Raises
    ------
    InputError
        If the whole recipe cannot be done, or has too few or too many steps.
    """
    steps = expanded(recipe)
    _require_fitting(teacher, recipe, steps)
    work = _Ablation(teacher, recipe, steps, dataset, context, memory)
    yield from work.run()
    subsets = tuple(
        AblationSubset(
            steps=subset,
            left_out=tuple(step for step in subset if step not in work.done_as[subset]),
            ledger=work.ledgers[work.done_as[subset]],
        )
        for subset in _subsets(len(steps))
    )
    return AblationReport(
        run=context.folder.name,
        teacher=teacher.info.name,
        methods=tuple(step.method.key for step in steps),
        subsets=subsets,
        shares=shares_of(subsets, tuple(step.method.key for step in steps)),
    )


@dataclass
class _Ablation:
    """The subsets that are done, by the steps that could be done in them."""

    teacher: LoadedModel
    recipe: Recipe
    steps: tuple[Step, ...]
    dataset: Dataset | None
    context: JobContext
    memory: ledger.MemoryProbe | None
    files: dict[_Subset, Path] = field(default_factory=dict)
    ledgers: dict[_Subset, StageLedger] = field(default_factory=dict)
    done_as: dict[_Subset, _Subset] = field(default_factory=dict)

    def run(self) -> Iterator[Event]:
        """Run one subset after the other, each from what the subset before its last step left."""
        self.ledgers[()] = self._staged(()).teacher_ledger()
        self.done_as[()] = ()
        total = 2 ** len(self.steps) - 1
        for number, subset in enumerate(_subsets(len(self.steps))[1:]):
            before, last = self.done_as[subset[:-1]], subset[-1]
            wanted = (*before, last)
            words = " + ".join(self.steps[step].method.title for step in wanted)
            yield Progress(fraction=number / total, message=words)
            if self._is_possible(wanted):
                yield from self._run(wanted, (number, total))
                self.done_as[subset] = wanted
            else:
                self.done_as[subset] = before

    def _run(self, subset: _Subset, place: tuple[int, int]) -> Iterator[Event]:
        if subset in self.files:
            return
        # from disk: thirty-one networks need not fit into memory together
        model = load_variant(self.files[subset[:-1]]) if subset[:-1] else self.teacher
        stage = self._staged(subset, _within(self.context.report, *place))
        events = stage.stage(len(subset) - 1, model)
        while True:
            try:
                event = next(events)
            except StopIteration as stop:
                done, record = stop.value
                self.files[subset], self.ledgers[subset] = done.file, record.ledger
                return
            if not isinstance(event, Progress):
                yield event

    def _is_possible(self, subset: _Subset) -> bool:
        return not plan(self.teacher, self._recipe(subset)).refusals

    def _recipe(self, subset: _Subset) -> Recipe:
        return Recipe(steps=tuple(self.steps[step].as_recipe_step for step in subset))

    def _staged(
        self, subset: _Subset, report: Callable[[float, str], None] | None = None
    ) -> StagedRun:
        recipe = self._recipe(subset)
        folder = self.context.folder / "subsets" / ("-".join(map(str, subset)) or "none")
        context = replace(self.context, folder=folder, report=report or self.context.report)
        name = f"{self.teacher.info.name}-{'-'.join(step.method for step in recipe.steps)}"
        return StagedRun(
            self.teacher, recipe, expanded(recipe), self.dataset, context, name, self.memory
        )


def shares_of(
    subsets: tuple[AblationSubset, ...], methods: tuple[str, ...]
) -> tuple[AblationShare, ...]:
    """Return what each step gave; the shares sum to all steps' effect.

    Parameters
    ----------
    subsets
        All subsets of the steps.
    methods
        Method key of each step.
    """
    count = len(methods)
    disk = _values(subsets, count, lambda one: float(one.disk_bytes))
    factor = _values(subsets, count, lambda one: math.log(one.disk_bytes))
    accuracy = _values(subsets, count, lambda one: one.accuracy)
    latency = _values(subsets, count, lambda one: one.latency_ms)
    return tuple(
        AblationShare(
            step=step,
            method=key,
            accuracy=None if accuracy is None else accuracy[step],
            disk_bytes=disk[step] if disk else 0.0,
            size_factor=math.exp(-factor[step]) if factor else 1.0,
            latency_ms=None if latency is None else latency[step],
        )
        for step, key in enumerate(methods)
    )


def _values(
    subsets: tuple[AblationSubset, ...], count: int, figure: Callable[[StageLedger], float | None]
) -> list[float] | None:
    worth: dict[frozenset[int], float] = {}
    for subset in subsets:
        value = figure(subset.ledger)
        if value is None:
            return None
        worth[frozenset(subset.steps)] = value
    return [float(share) for share in shapley_values(worth, count)]


def _subsets(count: int) -> list[_Subset]:
    """Return all subsets, each behind the one it begins with."""
    return [subset for size in range(count + 1) for subset in combinations(range(count), size)]


def _require_fitting(teacher: LoadedModel, recipe: Recipe, steps: tuple[Step, ...]) -> None:
    if not 2 <= len(steps) <= MOST_STEPS:
        raise InputError(
            f"A recipe of {len(steps)} steps cannot be taken apart",
            why=f"every subset of the steps is run: 2 to {MOST_STEPS} steps make 3 to 31 runs",
            next_step="Choose a recipe of 2 to 5 steps",
        )
    refusals = plan(teacher, recipe).refusals
    if refusals:
        raise InputError(
            f"Step {refusals[0].step + 1} of the recipe, {refusals[0].method}, cannot be done",
            why=refusals[0].reason,
        )


def _within(
    report: Callable[[float, str], None], number: int, total: int
) -> Callable[[float, str], None]:
    """Return a report of progress within subset `number` of `total`."""
    return lambda fraction, message: report((number + min(fraction, 1.0)) / total, message)
