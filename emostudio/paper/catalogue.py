"""The catalogue of experiments, and the table of one for a study."""

from __future__ import annotations

from emostudio.core.catalogue import Catalogue
from emostudio.paper.base import Experiment, Findings
from emostudio.paper.results import ResultTable
from emostudio.paper.study import Study

EXPERIMENTS: Catalogue[Experiment] = Catalogue(
    "emostudio.paper.experiments", "EXPERIMENT", "experiment of the paper"
)

ORDER = ("table1", "table2", "table3", "figures")
"""The order in the paper."""


def table_of(study: Study, key: str) -> ResultTable:
    """Return an experiment's table from the finished parts of a study.

    Raises
    ------
    InputError
        If there is no such experiment.
    """
    experiment = EXPERIMENTS.get(key)
    parts = [
        part for member in EXPERIMENTS.members().values() for part in member.parts(study.settings)
    ]
    results = study.results(parts)
    made = experiment.table(Findings(study.settings, study.record(), results))
    own = experiment.parts(study.settings)
    done = [results[part.key] for part in own if part.key in results]
    return made.model_copy(
        update={
            "parts_done": len(done),
            "parts_total": len(own),
            "seconds": sum(result.seconds for result in done),
        }
    )
