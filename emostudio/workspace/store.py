"""The workspace: a folder that holds runs, models and datasets, with SQLite as its catalogue."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError
from sqlalchemy import delete

from emostudio.core.atomic import write_json
from emostudio.core.errors import EmoStudioError
from emostudio.workspace import folders, rows
from emostudio.workspace.dataset_store import DatasetStore
from emostudio.workspace.model_store import ModelStore
from emostudio.workspace.records import UserSettings
from emostudio.workspace.run_store import RunStore
from emostudio.workspace.schema import DATASETS, MODELS, RUNS

SETTINGS_FILE = "settings.json"


class Workspace(RunStore, ModelStore, DatasetStore):
    """One open workspace; safe to open from several processes at once.

    Attributes
    ----------
    read_only
        Why nothing can be written, empty if it can.
    notices
        What the user should be told about opening it.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.read_only = self.database.read_only
        self.notices: list[str] = list(self.database.notices)
        if self.database.was_lost:
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
        self.database.close()

    def __enter__(self) -> Workspace:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def change_token(self) -> str:
        """Return a cheap text that changes when something in the workspace was written."""
        settings = self.folder / SETTINGS_FILE
        changed = settings.stat().st_mtime_ns if settings.exists() else 0
        return f"{self.database.change_token()}-{changed}"

    def rebuild(self) -> list[str]:
        """Make the catalogue anew from the folders.

        Returns
        -------
        One line per record that could not be read.
        """
        problems: list[str] = []
        with self.database.writing() as connection:
            for table in (MODELS, RUNS, DATASETS):
                connection.execute(delete(table))
            for run in folders.read_runs(self.runs_folder, problems):
                rows.insert_run(connection, run)
            for model in folders.read_models(self.models_folder, problems):
                rows.insert_model(connection, model)
            for dataset in folders.read_datasets(self.datasets_folder, problems):
                rows.insert_dataset(connection, dataset)
        return problems

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
