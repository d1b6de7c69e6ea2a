"""The workspace: a folder that holds runs, models and datasets, with SQLite as its catalogue."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlalchemy import delete, select, update

from emostudio.core.answers import BenchReport, EvaluationResult
from emostudio.core.atomic import write_json
from emostudio.core.errors import EmoStudioError, InputError
from emostudio.core.events import Event, parse_event
from emostudio.core.jobs import Job, JobStatus
from emostudio.core.model_info import ModelInfo
from emostudio.core.paths import safe_name
from emostudio.workspace import folders, rows
from emostudio.workspace.database import Database
from emostudio.workspace.records import (
    BenchRecord,
    DatasetRecord,
    EvaluationRecord,
    ModelRecord,
    RunRecord,
    UserSettings,
)
from emostudio.workspace.schema import DATASETS, MODELS, RUNS

DATABASE_FILE = "workspace.db"
SETTINGS_FILE = "settings.json"
_PROGRESS_FIELDS = frozenset({"fraction", "message", "seconds_left"})


class Workspace:
    """One open workspace; safe to open from several processes at once.

    Attributes
    ----------
    folder, models_folder, datasets_folder, runs_folder
        Where things lie.
    read_only
        Why nothing can be written, empty if it can.
    notices
        What the user should be told about opening it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.expanduser().absolute()
        self.models_folder = self.folder / "models"
        self.datasets_folder = self.folder / "datasets"
        self.runs_folder = self.folder / "runs"
        self.trash_folder = self.folder / "trash"
        try:
            for path in (self.models_folder, self.datasets_folder, self.runs_folder):
                path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"{self.folder} cannot be a workspace",
                why=error.strerror or str(error),
                next_step="Choose a folder you may write to",
            ) from error
        self._database = Database(self.folder / DATABASE_FILE)
        self.read_only = self._database.read_only
        self.notices: list[str] = list(self._database.notices)
        if self._database.was_lost:
            self.notices += self.rebuild()

    @classmethod
    def open(cls, folder: Path | str) -> Workspace:
        """Open the workspace in `folder`, made if new.

        Raises
        ------
        EmoStudioError
            If the folder or its catalogue cannot be used.
        """
        return cls(Path(folder))

    def close(self) -> None:
        """Release the catalogue."""
        self._database.close()

    def __enter__(self) -> Workspace:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def change_token(self) -> str:
        """Return a cheap text that changes when something in the workspace was written."""
        settings = self.folder / SETTINGS_FILE
        changed = settings.stat().st_mtime_ns if settings.exists() else 0
        return f"{self._database.change_token()}-{changed}"

    def rebuild(self) -> list[str]:
        """Make the catalogue anew from the folders.

        Returns
        -------
        One line per record that could not be read.
        """
        problems: list[str] = []
        with self._database.writing() as connection:
            for table in (MODELS, RUNS, DATASETS):
                connection.execute(delete(table))
            for run in folders.read_runs(self.runs_folder, problems):
                rows.insert_run(connection, run)
            for model in folders.read_models(self.models_folder, problems):
                rows.insert_model(connection, model)
            for dataset in folders.read_datasets(self.datasets_folder, problems):
                rows.insert_dataset(connection, dataset)
        return problems

    # Runs

    def runs(self) -> list[RunRecord]:
        """Return all runs, newest first."""
        with self._database.reading() as connection:
            query = select(RUNS.c.document).order_by(RUNS.c.created.desc())
            documents = connection.execute(query).scalars().all()
        parsed = (rows.parse_run(document, self.runs_folder) for document in documents)
        return [run for run in parsed if run is not None]

    def run(self, run_id: str) -> RunRecord:
        """Return one run.

        Raises
        ------
        InputError
            If there is none with this id.
        """
        with self._database.reading() as connection:
            query = select(RUNS.c.document).where(RUNS.c.id == run_id)
            document = connection.execute(query).scalar_one_or_none()
        run = rows.parse_run(document, self.runs_folder) if document else None
        if run is None:
            raise InputError(f"There is no run {run_id}", next_step="See emostudio jobs")
        return run

    def create_run(self, job: Job, title: str = "") -> RunRecord:
        """Make a run in state queued, with its folder."""
        now = _now()
        run_id = f"{now:%Y%m%d-%H%M%S}-{job.kind}-{secrets.token_hex(2)}".replace("_", "-")
        run = RunRecord(
            id=run_id,
            kind=job.kind,
            title=title or job.kind.replace("_", " ").capitalize(),
            status=JobStatus.QUEUED,
            job=job,
            folder=self.runs_folder / run_id,
            created=now,
        )
        with self._database.writing() as connection:
            folders.write_run(run)
            rows.insert_run(connection, run)
        return run

    def update_run(self, run_id: str, **fields: Any) -> RunRecord:
        """Change fields of a run.

        ``run.json`` is written too, unless only progress (`fraction`, `message`,
        `seconds_left`) changed, which is worth nothing after a crash.
        """
        with self._database.writing() as connection:
            query = select(RUNS.c.document).where(RUNS.c.id == run_id)
            document = connection.execute(query).scalar_one_or_none()
            if document is None:
                raise InputError(f"There is no run {run_id}", next_step="See emostudio jobs")
            run = RunRecord.model_validate(
                document | {"folder": self.runs_folder / run_id} | fields
            )
            if not _PROGRESS_FIELDS.issuperset(fields):
                folders.write_run(run)
            connection.execute(
                update(RUNS)
                .where(RUNS.c.id == run_id)
                .values(status=run.status, document=folders.run_document(run))
            )
        return run

    def delete_run(self, run_id: str) -> None:
        """Move a run's folder to the workspace's trash.

        Raises
        ------
        InputError
            If the run is unknown or still active.
        """
        run = self.run(run_id)
        if run.status in {JobStatus.RUNNING, JobStatus.PAUSED}:
            raise InputError(f"Run {run.title} is still active", next_step="Cancel it first")
        with self._database.writing() as connection:
            connection.execute(delete(RUNS).where(RUNS.c.id == run_id))
            folders.move_to_trash([run.folder], self.trash_folder / "runs")

    def restore_run(self, run_id: str) -> RunRecord:
        """Take a deleted run back from the trash."""
        source = self.trash_folder / "runs" / run_id
        folders.move_to_trash([source], self.runs_folder)
        problems: list[str] = []
        for run in folders.read_runs(self.runs_folder, problems):
            if run.id == run_id:
                with self._database.writing() as connection:
                    rows.insert_run(connection, run)
                return run
        raise InputError(f"Run {run_id} is not in the trash")

    def events(self, run_id: str, start: int = 0) -> tuple[list[Event], int]:
        """Return the events of a run from byte `start` on, and where to go on next time."""
        file = self.runs_folder / run_id / folders.EVENTS_FILE
        if not file.exists():
            return [], start
        with file.open("rb") as stream:
            stream.seek(start)
            content = stream.read()
        complete = content[: content.rfind(b"\n") + 1]
        events: list[Event] = []
        for line in complete.splitlines():
            try:
                events.append(parse_event(line))
            except ValidationError:  # half a line, left by a crash in mid-write
                continue
        return events, start + len(complete)

    # Models

    def models(self) -> list[ModelRecord]:
        """Return all models with their measurements, by series slot, teachers first."""
        with self._database.reading() as connection:
            return rows.select_models(connection, self.models_folder)

    def model(self, name: str) -> ModelRecord:
        """Return one model.

        Raises
        ------
        InputError
            If there is none with this name.
        """
        with self._database.reading() as connection:
            found = rows.select_models(connection, self.models_folder, name)
        if not found:
            known = ", ".join(model.name for model in self.models()) or "none yet"
            raise InputError(
                f"There is no model called {name}", next_step=f"Models in the workspace: {known}"
            )
        return found[0]

    def free_model_name(self, wanted: str) -> str:
        """Return a file-safe name that no model has yet, close to `wanted`."""
        taken = {path.stem for path in self.models_folder.iterdir()}
        return folders.free_name(safe_name(wanted), taken)

    def add_model(
        self,
        file: Path,
        info: ModelInfo,
        *,
        role: str,
        parameters: int | None = None,
        macs: int | None = None,
        run: str | None = None,
    ) -> ModelRecord:
        """Register the model file `file`, which already lies in the models folder.

        The model gets a series slot that it keeps: 0 for teachers, the first free one from 1 on
        for variants. Registering a name again replaces its record and keeps its slot.

        Raises
        ------
        InputError
            If the file is not a model file in the models folder.
        """
        if file.suffix not in folders.MODEL_SUFFIXES or not file.is_file():
            raise InputError(f"{file} is not a model file")
        if file.resolve().parent != self.models_folder.resolve():
            raise InputError(f"{file} is not in {self.models_folder}")
        with self._database.writing() as connection:
            known = {m.name: m for m in rows.select_models(connection, self.models_folder)}
            slots = {model.slot for model in known.values()}
            old = known.get(file.stem)
            free = next(slot for slot in range(1, len(slots) + 2) if slot not in slots)
            slot = 0 if role == "teacher" else free
            record = ModelRecord(
                name=file.stem,
                role=role,
                file=file,
                info=info,
                disk_bytes=file.stat().st_size,
                parameters=parameters,
                macs=macs,
                parent=info.lineage.parent,
                run=run or info.lineage.run,
                created=_now(),
                slot=old.slot if old else slot,
            )
            folders.write_model(record)
            rows.insert_model(connection, record)
        return record

    def delete_model(self, name: str) -> None:
        """Move a model and its record to the workspace's trash."""
        model = self.model(name)
        with self._database.writing() as connection:
            connection.execute(delete(MODELS).where(MODELS.c.name == name))
            paths = [model.file, folders.sidecar(model.file)]
            folders.move_to_trash(paths, self.trash_folder / "models")

    def restore_model(self, name: str) -> ModelRecord:
        """Take a deleted model back from the trash, with its slot if that is still free."""
        trash = self.trash_folder / "models"
        paths = [trash / f"{name}{suffix}" for suffix in (*folders.MODEL_SUFFIXES, ".json")]
        folders.move_to_trash(paths, self.models_folder)
        problems: list[str] = []
        for model in folders.read_models(self.models_folder, problems):
            if model.name == name:
                with self._database.writing() as connection:
                    rows.insert_model(connection, model)
                return model
        raise InputError(f"Model {name} is not in the trash")

    def add_evaluation(
        self, model: str, dataset: str, split: str, result: EvaluationResult
    ) -> EvaluationRecord:
        """Keep an accuracy measurement with its model."""
        record = EvaluationRecord(dataset=dataset, split=split, measured=_now(), result=result)
        self._add_measurement(model, record)
        return record

    def add_bench(self, report: BenchReport) -> str:
        """Keep the results of one bench with those of its models that are in the workspace.

        Returns
        -------
        The id shared by these results.
        """
        bench = f"{_now():%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
        known = {model.name for model in self.models()}
        for result in report.results:
            if result.model not in known:
                continue
            ratios = tuple(r for r in report.ratios if result.model in (r.a, r.b))
            record = BenchRecord(
                measured=_now(), bench=bench, machine=report.machine, result=result, ratios=ratios
            )
            self._add_measurement(result.model, record)
        return bench

    def _add_measurement(self, name: str, record: EvaluationRecord | BenchRecord) -> None:
        with self._database.writing() as connection:
            found = rows.select_models(connection, self.models_folder, name)
            if not found:
                raise InputError(f"There is no model called {name}")
            model = found[0]
            field = "evaluations" if isinstance(record, EvaluationRecord) else "benches"
            changed = model.model_copy(update={field: (record, *getattr(model, field))})
            folders.write_model(changed)
            rows.insert_measurement(connection, name, record)

    # Datasets and settings

    def datasets(self) -> list[DatasetRecord]:
        """Return all imported datasets, newest first."""
        with self._database.reading() as connection:
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

    def free_dataset_name(self, wanted: str) -> str:
        """Return a file-safe name that no dataset has yet, close to `wanted`."""
        taken = {path.name for path in self.datasets_folder.iterdir()}
        return folders.free_name(safe_name(wanted), taken)

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
            created=_now(),
            report=dict(report),
        )
        with self._database.writing() as connection:
            folders.write_dataset(record)
            rows.insert_dataset(connection, record)
        return record

    def delete_dataset(self, name: str) -> None:
        """Move a dataset's cache to the workspace's trash; its source is not touched."""
        dataset = self.dataset(name)
        with self._database.writing() as connection:
            connection.execute(delete(DATASETS).where(DATASETS.c.name == name))
            folders.move_to_trash([dataset.folder], self.trash_folder / "datasets")

    def settings(self) -> UserSettings:
        """Return the user's choices; damaged ones fall back to the defaults."""
        file = self.folder / SETTINGS_FILE
        try:
            return UserSettings.model_validate_json(file.read_bytes())
        except (OSError, ValidationError):
            return UserSettings()

    def save_settings(self, settings: UserSettings) -> None:
        """Keep the user's choices."""
        if self.read_only:
            raise EmoStudioError("The settings were not saved", why=self.read_only)
        write_json(self.folder / SETTINGS_FILE, settings.model_dump(mode="json"))


def _now() -> datetime:
    return datetime.now(UTC)
