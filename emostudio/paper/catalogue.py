"""The catalogue of experiments, and the table of one for a study."""

from __future__ import annotations

from collections.abc import Sequence

from emostudio.core.catalogue import Catalogue
from emostudio.paper.base import Experiment, Findings
from emostudio.paper.results import ResultTable
from emostudio.paper.study import Study

EXPERIMENTS: Catalogue[Experiment] = Catalogue(
    "emostudio.paper.experiments", "EXPERIMENT", "experiment of the paper"
)

EVERYTHING = "all"
"""Stands for all experiments where one is asked for."""


def in_order() -> tuple[Experiment, ...]:
    """Return all experiments in the order of the paper."""
    found = EXPERIMENTS.members().values()
    return tuple(sorted(found, key=lambda experiment: experiment.order))


def chosen_keys(experiment: str) -> tuple[str, ...]:
    """Return the key of an experiment, or those of all.

    Raises
    ------
    InputError
        If there is no such experiment.
    """
    if experiment == EVERYTHING:
        return tuple(each.key for each in in_order())
    return (EXPERIMENTS.get(experiment).key,)


def tables_of(study: Study, keys: Sequence[str] = ()) -> dict[str, ResultTable]:
    """Return the tables of some experiments by key, of all without `keys`; reads the study once.

    Raises
    ------
    InputError
        If there is no such experiment.
    """
    chosen = {key: EXPERIMENTS.get(key) for key in keys or chosen_keys(EVERYTHING)}
    known = (part for each in in_order() for part in each.parts(study.settings))
    results = study.results({part.key: part for part in known}.values())
    findings = Findings(study.settings, study.record(), results)
    return {key: _table(experiment, findings) for key, experiment in chosen.items()}


def _table(experiment: Experiment, findings: Findings) -> ResultTable:
    own = experiment.parts(findings.settings)
    done = [findings.results[part.key] for part in own if part.key in findings.results]
    return experiment.table(findings).model_copy(
        update={
            "parts_done": len(done),
            "parts_total": len(own),
            "seconds": sum(result.seconds for result in done),
        }
    )
