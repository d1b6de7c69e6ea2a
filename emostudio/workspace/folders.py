"""The folders of a workspace, which are the truth: how each record is kept as a JSON file."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from emostudio.core.atomic import write_json
from emostudio.core.errors import EmoStudioError
from emostudio.workspace.records import DatasetRecord, ModelRecord, RunRecord

RUN_FILE = "run.json"
EVENTS_FILE = "events.jsonl"
LOG_FILE = "log.txt"
CANCEL_FILE = "cancel.request"
"""Appears in a run's folder when another process asks for its end."""
DATASET_FILE = "record.json"
MODEL_SUFFIXES = (".safetensors", ".onnx")

RecordT = TypeVar("RecordT", RunRecord, ModelRecord, DatasetRecord)


def run_document(run: RunRecord) -> dict[str, Any]:
    """Return `run` as JSON data without its place on this machine."""
    return run.model_dump(mode="json", exclude={"folder"})


def model_document(model: ModelRecord) -> dict[str, Any]:
    """Return `model` as JSON data with its file named relative to the models folder."""
    return model.model_dump(mode="json") | {"file": model.file.name}


def dataset_document(dataset: DatasetRecord) -> dict[str, Any]:
    """Return `dataset` as JSON data without its place on this machine."""
    return dataset.model_dump(mode="json", exclude={"folder"})


def write_run(run: RunRecord) -> None:
    """Write ``run.json``."""
    write_json(run.folder / RUN_FILE, run_document(run))


def write_model(model: ModelRecord) -> None:
    """Write the record beside the model file."""
    write_json(sidecar(model.file), model_document(model))


def write_dataset(dataset: DatasetRecord) -> None:
    """Write the record into the dataset's folder."""
    write_json(dataset.folder / DATASET_FILE, dataset_document(dataset))


def sidecar(model_file: Path) -> Path:
    """Return the path of the record that belongs to a model file."""
    return model_file.with_suffix(".json")


def read_runs(
    runs_folder: Path, problems: list[str], known: Collection[str] = ()
) -> Iterator[RunRecord]:
    """Yield the run of every folder not `known`; unreadable ones are described in `problems`."""
    for file in sorted(runs_folder.glob(f"*/{RUN_FILE}")):
        if file.parent.name in known:
            continue
        record = _read(file, RunRecord, {"folder": file.parent}, problems)
        if record is not None:
            yield record


def read_models(
    models_folder: Path, problems: list[str], known: Collection[str] = ()
) -> Iterator[ModelRecord]:
    """Yield the record of every model not `known` whose file is there."""
    for file in sorted(models_folder.glob("*.json")):
        if file.stem in known:
            continue
        model_file = next(
            (path for suffix in MODEL_SUFFIXES if (path := file.with_suffix(suffix)).exists()),
            None,
        )
        if model_file is None:
            problems.append(f"{file.name}: its model file is missing")
            continue
        record = _read(file, ModelRecord, {"file": model_file}, problems)
        if record is not None:
            yield record


def read_datasets(datasets_folder: Path, problems: list[str]) -> Iterator[DatasetRecord]:
    """Yield the record of every imported dataset."""
    for file in sorted(datasets_folder.glob(f"*/{DATASET_FILE}")):
        record = _read(file, DatasetRecord, {"folder": file.parent}, problems)
        if record is not None:
            yield record


def free_name(wanted: str, taken: set[str]) -> str:
    """Return `wanted`, or `wanted` with the smallest number that makes it new."""
    if wanted not in taken:
        return wanted
    stem = re.sub(r"-\d+$", "", wanted)
    number = 2
    while f"{stem}-{number}" in taken:
        number += 1
    return f"{stem}-{number}"


def move_to_trash(paths: list[Path], trash: Path) -> None:
    """Move files and folders into `trash`, replacing what was thrown away under the same name."""
    trash.mkdir(parents=True, exist_ok=True)
    for path in paths:
        if not path.exists():
            continue
        target = trash / path.name
        if target.is_dir():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)
        try:
            shutil.move(path, target)
        except OSError as error:
            raise EmoStudioError(f"Could not delete {path.name}", why=str(error)) from error


def _read(
    file: Path, record_type: type[RecordT], extra: dict[str, Any], problems: list[str]
) -> RecordT | None:
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        return record_type.model_validate(document | extra)
    except (OSError, ValueError, TypeError, ValidationError) as error:
        problems.append(f"{file.parent.name}/{file.name} cannot be read: {error}")
        return None
