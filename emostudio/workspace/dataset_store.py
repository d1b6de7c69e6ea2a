"""Imported datasets in a workspace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from emostudio.core.errors import InputError
from emostudio.workspace import folders, rows
from emostudio.workspace.base import WorkspaceFolder, now
from emostudio.workspace.records import (
    DatasetRecord,
)
from emostudio.workspace.schema import DATASETS


class DatasetStore(WorkspaceFolder):
    """The datasets of a workspace: one folder each, with decoded pixels and a record."""

    def datasets(self) -> list[DatasetRecord]:
        """Return all imported datasets, newest first."""
        with self.database.reading() as connection:
            query = select(DATASETS.c.document).order_by(DATASETS.c.created.desc())
            documents = connection.execute(query).scalars().all()
        parsed = (rows.parse_dataset(document, self.datasets_folder) for document in documents)
        return [dataset for dataset in parsed if dataset is not None]

    def dataset(self, name: str) -> DatasetRecord:
        """Return one dataset.

        Raises
        ------
        InputError
            If there is none with this name.
        """
        for dataset in self.datasets():
            if dataset.name == name:
                return dataset
        known = ", ".join(dataset.name for dataset in self.datasets()) or "none yet"
        raise InputError(
            f"There is no dataset called {name}", next_step=f"Datasets in the workspace: {known}"
        )

    def add_dataset(self, name: str, *, source: str, report: Mapping[str, Any]) -> DatasetRecord:
        """Register the dataset whose pixels were cached under ``datasets/<name>``.

        Parameters
        ----------
        report
            The `answers.DataReport` of the import as JSON data.
        """
        record = DatasetRecord(
            name=name,
            folder=self.datasets_folder / name,
            source=source,
            reader=str(report["reader"]),
            samples=int(report["samples"]),
            labels=tuple(report["labels"]),
            counts=dict(report["counts"]),
            created=now(),
            report=dict(report),
        )
        with self.database.writing() as connection:
            folders.write_dataset(record)
            rows.insert_dataset(connection, record)
        return record
