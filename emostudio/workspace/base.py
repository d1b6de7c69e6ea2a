"""What the parts of a workspace share: its folders and its catalogue."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from emostudio.core.errors import InputError
from emostudio.workspace.database import Database

DATABASE_FILE = "workspace.db"


class WorkspaceFolder:
    """The folders of a workspace and its open catalogue.

    Attributes
    ----------
    folder, models_folder, datasets_folder, runs_folder, trash_folder
        Where things lie.
    database
        The catalogue.
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
        self.database = Database(self.folder / DATABASE_FILE)


def now() -> datetime:
    """Return the present moment with its time zone."""
    return datetime.now(UTC)
