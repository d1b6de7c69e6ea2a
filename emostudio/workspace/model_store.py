"""Models and their measurements in a workspace."""

from __future__ import annotations

import secrets
from pathlib import Path

from sqlalchemy import delete

from emostudio.core.answers import BenchReport, EvaluationResult, PairedResult
from emostudio.core.errors import InputError
from emostudio.core.model_info import ModelInfo
from emostudio.core.paths import safe_name
from emostudio.statistics.contenders import contender_names
from emostudio.workspace import folders, rows
from emostudio.workspace.base import WorkspaceFolder, now
from emostudio.workspace.records import (
    BenchRecord,
    EvaluationRecord,
    ModelRecord,
)
from emostudio.workspace.schema import MODELS


class ModelStore(WorkspaceFolder):
    """The models of a workspace: one file each, with its record as JSON beside it."""

    def models(self) -> list[ModelRecord]:
        """Return all models with their measurements, by series slot, teachers first."""
        with self.database.reading() as connection:
            return rows.select_models(connection, self.models_folder)

    def model(self, name: str) -> ModelRecord:
        """Return one model.

        Raises
        ------
        InputError
            If there is none with this name.
        """
        with self.database.reading() as connection:
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
        with self.database.writing() as connection:
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
                created=now(),
                slot=old.slot if old else slot,
            )
            folders.write_model(record)
            rows.insert_model(connection, record)
        return record

    def delete_model(self, name: str) -> None:
        """Move a model and its record to the workspace's trash."""
        model = self.model(name)
        with self.database.writing() as connection:
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
                with self.database.writing() as connection:
                    rows.insert_model(connection, model)
                return model
        raise InputError(f"Model {name} is not in the trash")

    def add_evaluation(
        self,
        model: str,
        dataset: str,
        split: str,
        result: EvaluationResult,
        paired: tuple[PairedResult, ...] = (),
        fingerprint: str = "",
    ) -> EvaluationRecord:
        """Keep an accuracy measurement with its model.

        Parameters
        ----------
        paired
            Comparisons on the same images in which the model is `b`.
        fingerprint
            That of the dataset: another one may go by the same name later.
        """
        record = EvaluationRecord(
            dataset=dataset,
            split=split,
            measured=now(),
            result=result,
            paired=paired,
            fingerprint=fingerprint,
        )
        self._add_measurement(model, record)
        return record

    def add_bench(self, report: BenchReport) -> str:
        """Keep the results of one bench with those of its models that are in the workspace.

        Returns
        -------
        The id shared by these results.
        """
        bench = f"{now():%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
        known = {model.name for model in self.models()}
        names = contender_names([(result.model, result.engine) for result in report.results])
        for name, result in zip(names, report.results, strict=True):
            if result.model not in known:
                continue
            ratios = tuple(ratio for ratio in report.ratios if name in {ratio.a, ratio.b})
            record = BenchRecord(
                measured=now(),
                bench=bench,
                machine=report.machine,
                result=result,
                ratios=ratios,
                blockers=report.blockers,
                conditions=report.conditions,
            )
            self._add_measurement(result.model, record)
        return bench

    def _add_measurement(self, name: str, record: EvaluationRecord | BenchRecord) -> None:
        with self.database.writing() as connection:
            found = rows.select_models(connection, self.models_folder, name)
            if not found:
                raise InputError(f"There is no model called {name}")
            model = found[0]
            field = "evaluations" if isinstance(record, EvaluationRecord) else "benches"
            changed = model.model_copy(update={field: (record, *getattr(model, field))})
            folders.write_model(changed)
            rows.insert_measurement(connection, name, record)
