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

ORDER = ("table1", "table2", "table3", "figures")
"""The order in the paper."""


def tables_of(study: Study, keys: Sequence[str] = ORDER) -> dict[str, ResultTable]:
    """Return the tables of several experiments by key; the study is read once.

    Raises
    ------
    InputError
        If there is no such experiment.
    """
    chosen = {key: EXPERIMENTS.get(key) for key in keys}
    known = (part for key in ORDER for part in EXPERIMENTS.get(key).parts(study.settings))
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
