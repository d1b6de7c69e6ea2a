"""Records to and from the catalogue's tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

from emostudio.workspace import folders
from emostudio.workspace.records import (
    BenchRecord,
    DatasetRecord,
    EvaluationRecord,
    ModelRecord,
    RunRecord,
)
from emostudio.workspace.schema import DATASETS, MEASUREMENTS, MODELS, RUNS

_MEASURED = ("evaluations", "benches")


def insert_run(connection: Connection, run: RunRecord) -> None:
    """Insert or replace one run."""
    values = {
        "kind": run.kind,
        "status": run.status.value,
        "created": run.created.timestamp(),
        "document": folders.run_document(run),
    }
    statement = upsert(RUNS).values(id=run.id, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))


def parse_run(document: dict[str, Any], runs_folder: Path) -> RunRecord | None:
    """Return the run, or None where another version wrote what this one cannot read."""
    try:
        return RunRecord.model_validate(document | {"folder": runs_folder / str(document["id"])})
    except ValidationError:
        return None


def forget(connection: Connection, *, models: Sequence[str], runs: Sequence[str]) -> None:
    """Delete rows whose files are gone."""
    connection.execute(delete(MODELS).where(MODELS.c.name.in_(models)))
    connection.execute(delete(RUNS).where(RUNS.c.id.in_(runs)))


def insert_model(connection: Connection, model: ModelRecord) -> None:
    """Insert or replace one model together with its measurements."""
    document = folders.model_document(model)
    values = {
        "role": model.role,
        "slot": model.slot,
        "created": model.created.timestamp(),
        "document": {k: v for k, v in document.items() if k not in _MEASURED},
    }
    statement = upsert(MODELS).values(name=model.name, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))
    connection.execute(delete(MEASUREMENTS).where(MEASUREMENTS.c.model == model.name))
    records: tuple[EvaluationRecord | BenchRecord, ...] = (*model.evaluations, *model.benches)
    for record in reversed(records):
        insert_measurement(connection, model.name, record)


def insert_measurement(
    connection: Connection, name: str, record: EvaluationRecord | BenchRecord
) -> None:
    """Insert one measurement of the model called `name`."""
    kind = "evaluations" if isinstance(record, EvaluationRecord) else "benches"
    connection.execute(
        insert(MEASUREMENTS).values(
            model=name,
            kind=kind,
            measured=record.measured.timestamp(),
            document=record.model_dump(mode="json"),
        )
    )


def select_models(
    connection: Connection, models_folder: Path, name: str | None = None
) -> list[ModelRecord]:
    """Return all models, or the one called `name`, with their measurements, newest first."""
    wanted = select(MODELS.c.name, MODELS.c.document).order_by(MODELS.c.slot, MODELS.c.created)
    measured = select(MEASUREMENTS).order_by(
        MEASUREMENTS.c.measured.desc(), MEASUREMENTS.c.id.desc()
    )
    if name is not None:
        wanted = wanted.where(MODELS.c.name == name)
        measured = measured.where(MEASUREMENTS.c.model == name)
    documents = {row.name: dict(row.document) for row in connection.execute(wanted)}
    for row in connection.execute(measured):
        if row.model in documents:
            documents[row.model].setdefault(row.kind, []).append(row.document)
    parsed = (_parse_model(document, models_folder) for document in documents.values())
    return [model for model in parsed if model is not None]


def _parse_model(document: dict[str, Any], models_folder: Path) -> ModelRecord | None:
    try:
        file = models_folder / str(document["file"])
        return ModelRecord.model_validate(document | {"file": file})
    except ValidationError:
        return None


def insert_dataset(connection: Connection, dataset: DatasetRecord) -> None:
    """Insert or replace one dataset."""
    values = {
        "created": dataset.created.timestamp(),
        "document": folders.dataset_document(dataset),
    }
    statement = upsert(DATASETS).values(name=dataset.name, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))


def parse_dataset(document: dict[str, Any], datasets_folder: Path) -> DatasetRecord | None:
    """Return the dataset, or None where another version wrote what this one cannot read."""
    try:
        folder = datasets_folder / str(document["name"])
        return DatasetRecord.model_validate(document | {"folder": folder})
    except ValidationError:
        return None
