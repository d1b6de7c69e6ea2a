"""A folder in MLflow's documented file-store layout: one experiment, one run per model.

MLflow reads it with ``MLFLOW_ALLOW_FILE_STORE=true`` and takes it over into a database with its
own ``mlflow migrate-filestore``. Nothing of MLflow is needed to write it.

References
----------
.. [1] MLflow documentation, "Backend stores": local file store.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime
from itertools import groupby
from pathlib import Path

from emostudio.core.atomic import write_text
from emostudio.reports.base import PaperReport, Report, Writer
from emostudio.reports.folders import REPORT_RUN, report_folder
from emostudio.reports.picture import captioned, save_figure
from emostudio.reports.style import chart_style
from emostudio.reports.tracking import Scalar, TrackedRun, runs_of, runs_of_tables

_FINISHED, _LOCAL = 3, 4
"""Status and source type as the store counts them."""
_PARTS = ("artifacts", "metrics", "params", "tags")
_LONGEST_PARAMETER = 6000


def _write(report: Report, path: Path) -> None:
    with report_folder(path) as new:
        store = _Store(new, path, report.title, report.created)
        for run in runs_of(report):
            store.add(run)
        tags = {"caveats": ". ".join(report.caveats)}
        artifacts = store.add(TrackedRun(REPORT_RUN, dict(report.facts), tags, ()))
        for chart in report.charts:
            with chart_style():
                figure = captioned(report, chart)
                save_figure(figure, artifacts / "charts" / f"{chart.key}.png", "png", dpi=150)


def _write_tables(report: PaperReport, path: Path) -> None:
    with report_folder(path) as new:
        store = _Store(new, path, report.title, report.created)
        for run in runs_of_tables(report):
            store.add(run)


class _Store:
    """The experiment's folder; the same report writes the same ids.

    Parameters
    ----------
    root
        Where it is written.
    final
        Where it will lie, which its files name.
    title, created
        Of the report.
    """

    def __init__(self, root: Path, final: Path, title: str, created: datetime) -> None:
        self._count = 0
        self._ms = int(created.timestamp() * 1000)
        self._id = str(int(_digest(title)[:15], 16))
        self._folder = root / self._id
        self._final = Path(final).resolve() / self._id
        _write_meta(
            self._folder / "meta.yaml",
            {
                "artifact_location": self._final.as_uri(),
                "creation_time": self._ms,
                "experiment_id": self._id,
                "last_update_time": self._ms,
                "lifecycle_stage": "active",
                "name": title,
            },
        )

    def add(self, run: TrackedRun) -> Path:
        """Write a run and return the folder of its artifacts."""
        run_id = _digest(f"{self._id} {self._count} {run.name}")  # two runs may share a name
        self._count += 1
        folder = self._folder / run_id
        for part in _PARTS:  # a run that lacks one of them is none, even if it would be empty
            (folder / part).mkdir(parents=True, exist_ok=True)
        artifacts = folder / "artifacts"
        for name, value in run.parameters.items():
            words = " ".join(value.split())[:_LONGEST_PARAMETER]
            write_text(folder / "params" / _key(name), words)
        tags = {**run.tags, "mlflow.runName": run.name, "mlflow.source.name": "EmoStudio"}
        for name, value in tags.items():
            write_text(folder / "tags" / _key(name), value)
        for key, scalars in groupby(sorted(run.scalars, key=_by_key), key=lambda one: one.key):
            lines = (f"{self._ms} {scalar.value!r} {scalar.step}\n" for scalar in scalars)
            write_text(folder / "metrics" / key, "".join(lines))
        # last, so that a run that was cut short is no run
        _write_meta(folder / "meta.yaml", self._run_meta(run, run_id))
        return artifacts

    def _run_meta(self, run: TrackedRun, run_id: str) -> Mapping[str, object]:
        return {
            "artifact_uri": (self._final / run_id / "artifacts").as_uri(),
            "end_time": self._ms,
            "entry_point_name": "",
            "experiment_id": self._id,
            "lifecycle_stage": "active",
            "run_id": run_id,
            "run_name": run.name,
            "run_uuid": run_id,
            "source_name": "",
            "source_type": _LOCAL,
            "source_version": "",
            "start_time": self._ms,
            "status": _FINISHED,
            "tags": [],
            "user_id": "emostudio",
        }


def _by_key(scalar: Scalar) -> tuple[str, int]:
    return scalar.key, scalar.step


def _digest(words: str) -> str:
    return hashlib.blake2b(words.encode(), digest_size=16).hexdigest()


def _key(name: str) -> str:
    return re.sub(r"[^\w. -]", "_", name)


def _write_meta(file: Path, values: Mapping[str, object]) -> None:
    """Write YAML, of which JSON values are a part."""
    lines = [f"{key}: {json.dumps(value)}" for key, value in values.items()]
    write_text(file, "\n".join(lines) + "\n")


WRITER = Writer(
    "mlruns", "MLflow", "A folder that MLflow opens: parameters, numbers and charts", _write,
    _write_tables, family="tracking",
)  # fmt: skip
