"""What a quickstart has already made, so that a resumed one does not make it again."""

from __future__ import annotations

import json

from emostudio.core.atomic import write_json
from emostudio.core.errors import EmoStudioError
from emostudio.worker.context import HandlerContext
from emostudio.worker.outcome import Saved
from emostudio.worker.resolve import find_model

_FILE = "made.json"


class Memory:
    """Names of finished models by what they were wanted as, in the run's folder."""

    def __init__(self, context: HandlerContext) -> None:
        self._context = context
        self._file = context.folder / _FILE
        try:
            self._names: dict[str, str] = dict(json.loads(self._file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            self._names = {}

    def recall(self, wanted: str) -> Saved | None:
        """Return the finished model, None if it has to be made (again)."""
        if wanted not in self._names:
            return None
        try:
            found = find_model(self._names[wanted], self._context.workspace)
            return Saved(found.load(), found.record) if found.record is not None else None
        except EmoStudioError:
            return None

    def keep(self, wanted: str, saved: Saved) -> None:
        """Remember a finished model."""
        self._names[wanted] = saved.record.name
        write_json(self._file, self._names)
