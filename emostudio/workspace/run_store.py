"""Runs in a workspace."""

from __future__ import annotations

import os
import secrets
from collections.abc import Collection
from typing import Any

from pydantic import ValidationError
from sqlalchemy import select, update

from emostudio.core.atomic import write_text
from emostudio.core.errors import InputError
from emostudio.core.events import Event, parse_event
from emostudio.core.jobs import Job, JobStatus
from emostudio.workspace import folders, rows
from emostudio.workspace.base import WorkspaceFolder, now
from emostudio.workspace.processes import is_worked_on
from emostudio.workspace.records import (
    RunRecord,
)
from emostudio.workspace.schema import RUNS

_PROGRESS_FIELDS = frozenset({"fraction", "message", "seconds_left"})


class RunStore(WorkspaceFolder):
    """The runs of a workspace: one folder each, with ``run.json`` and ``events.jsonl``."""

    def runs(self) -> list[RunRecord]:
        """Return all runs, newest first."""
        with self.database.reading() as connection:
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
        with self.database.reading() as connection:
            query = select(RUNS.c.document).where(RUNS.c.id == run_id)
            document = connection.execute(query).scalar_one_or_none()
        run = rows.parse_run(document, self.runs_folder) if document else None
        if run is None:
            raise InputError(f"There is no run {run_id}", next_step="See emostudio jobs")
        return run

    def create_run(self, job: Job, title: str = "") -> RunRecord:
        """Make a run in state queued, with its folder."""
        created = now()
        run_id = f"{created:%Y%m%d-%H%M%S}-{job.kind}-{secrets.token_hex(2)}".replace("_", "-")
        run = RunRecord(
            id=run_id,
            kind=job.kind,
            title=title or job.run_title,
            status=JobStatus.QUEUED,
            job=job,
            folder=self.runs_folder / run_id,
            created=created,
        )
        with self.database.writing() as connection:
            folders.write_run(run)
            rows.insert_run(connection, run)
        return run

    def update_run(self, run_id: str, **fields: Any) -> RunRecord:
        """Change fields of a run.

        ``run.json`` is written too, unless only progress (`fraction`, `message`,
        `seconds_left`) changed, which is worth nothing after a crash.
        """
        with self.database.writing() as connection:
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

    def claim_run(self, run_id: str) -> RunRecord:
        """Take a run over for this process and mark it running.

        Raises
        ------
        InputError
            If another living process works on it.
        """
        run = self.run(run_id)
        if is_worked_on(run) and run.pid != os.getpid():
            raise InputError(
                f"{run.title} is already running",
                why=f"process {run.pid} works on it",
                next_step="Wait for it, or cancel it first",
            )
        (run.folder / folders.CANCEL_FILE).unlink(missing_ok=True)
        return self.update_run(
            run_id,
            status=JobStatus.RUNNING,
            pid=os.getpid(),
            started=now(),
            ended=None,
            error="",
        )

    def request_cancel(self, run_id: str) -> RunRecord:
        """Ask for the end of a run, whichever process works on it.

        A run nobody works on is cancelled at once; otherwise its process obeys within a second.
        """
        run = self.run(run_id)
        if not run.is_active:
            return run
        if not is_worked_on(run):
            return self.update_run(run_id, status=JobStatus.CANCELLED, ended=now(), pid=None)
        write_text(run.folder / folders.CANCEL_FILE, "")
        return run

    def log(self, run_id: str, most_bytes: int = 200_000) -> str:
        """Return the end of a run's log."""
        file = self.runs_folder / run_id / folders.LOG_FILE
        if not file.exists():
            return ""
        with file.open("rb") as stream:
            size = stream.seek(0, 2)
            stream.seek(max(0, size - most_bytes))
            return stream.read().decode(errors="replace")

    def events(
        self, run_id: str, start: int = 0, most_bytes: int = -1, types: Collection[str] = ()
    ) -> tuple[list[Event], int]:
        """Return the events of a run from byte `start` on, and where to go on next time.

        `most_bytes` bounds how much is read at once, for readers that must not take long; it has
        to be longer than any line. `types` leaves out all others unread: of a hundred thousand
        lines few are no training steps.
        """
        file = self.runs_folder / run_id / folders.EVENTS_FILE
        if not file.exists():
            return [], start
        with file.open("rb") as stream:
            stream.seek(start)
            content = stream.read(most_bytes)
        complete = content[: content.rfind(b"\n") + 1]
        events: list[Event] = []
        wanted = [f'"type":"{name}"'.encode() for name in types]
        for line in complete.splitlines():
            if wanted and not any(words in line for words in wanted):
                continue
            try:
                events.append(parse_event(line))
            except ValidationError:  # half a line, left by a crash in mid-write
                continue
        return events, start + len(complete)
