"""``workspace.db``: how SQLite is opened, checked, migrated and written."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from emostudio.core.errors import EmoStudioError
from emostudio.workspace.schema import HEAD_REVISION, METADATA

KNOWN_REVISIONS = ("0001",)
BUSY_TIMEOUT_MS = 5000
_DAMAGED = "damaged"
_NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "afs", "9p", "ncpfs", "afpfs",
     "webdav", "davfs", "fuse.sshfs", "fuse.rclone", "fuse.davfs2", "fuse.gvfsd-fuse"}
)  # fmt: skip


class Database:
    """One open ``workspace.db``.

    Writing transactions are ``BEGIN IMMEDIATE`` with a busy timeout, so that several processes
    wait for each other instead of failing; commits are durable (``synchronous=FULL``).

    Attributes
    ----------
    file
        The database file.
    read_only
        Why nothing can be written, empty if it can.
    notices
        What the user should be told about opening it.
    was_lost
        Whether the catalogue was missing or damaged and has to be rebuilt from the folders.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.read_only = ""
        self.notices: list[str] = []
        revision = _revision(file) if file.exists() else None
        if revision == _DAMAGED:
            kept = _set_aside(file)
            self.notices.append(
                f"The catalogue was damaged. It was rebuilt from the folders; the original is "
                f"kept as {kept.name}."
            )
            revision = None
        self.was_lost = revision is None
        if revision not in (None, "", *KNOWN_REVISIONS):
            self.read_only = (
                "This workspace was written by a newer EmoStudio; it is open for reading only. "
                "Update EmoStudio to work in it."
            )
            self.notices.append(self.read_only)
        self._uses_wal = not is_on_network(file.parent)
        if not self._uses_wal:
            self.notices.append(
                "The workspace is on a network drive. Work in it from one machine at a time."
            )
        self._engine = self._make_engine()
        self._token_connection: sqlite3.Connection | None = None
        if not self.read_only:
            self._bring_up_to_date(revision)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection for SELECTs; never waits for a writer.

        Raises
        ------
        EmoStudioError
            If SQLite refuses.
        """
        try:
            with self._engine.connect().execution_options(reading=True) as connection:
                yield connection
        except DBAPIError as error:
            raise _explain(error, self.file) from error

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection inside one write transaction, committed at the end.

        Raises
        ------
        EmoStudioError
            If the workspace is read-only, the disk is full or another process holds the lock.
        """
        if self.read_only:
            raise EmoStudioError("Nothing was changed", why=self.read_only)
        try:
            with self._engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            raise _explain(error, self.file) from error

    def change_token(self) -> int:
        """Return a number that changes whenever any process commits."""
        if self._token_connection is None:
            self._token_connection = self._connect()
        return int(self._token_connection.execute("PRAGMA data_version").fetchone()[0])

    def close(self) -> None:
        """Release the file."""
        if self._token_connection is not None:
            self._token_connection.close()
            self._token_connection = None
        self._engine.dispose()

    def _connect(self) -> sqlite3.Connection:
        mode = "ro" if self.read_only else "rwc"
        connection = sqlite3.connect(
            f"{self.file.resolve().as_uri()}?mode={mode}",
            uri=True,
            timeout=BUSY_TIMEOUT_MS / 1000,
            isolation_level=None,  # transactions are begun by hand, see `_begin`
            check_same_thread=False,
        )
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA synchronous=FULL")
        return connection

    def _make_engine(self) -> Engine:
        engine = create_engine("sqlite://", creator=self._connect, poolclass=QueuePool)
        event.listen(engine, "begin", _begin)
        return engine

    def _bring_up_to_date(self, revision: str | None) -> None:
        if self._uses_wal:
            with contextlib.closing(self._connect()) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
        if revision is None:
            with self.writing() as transaction:
                self._make_schema(transaction)
        elif revision != HEAD_REVISION:
            self._migrate(revision or "empty")

    @staticmethod
    def _make_schema(connection: Connection) -> None:
        METADATA.create_all(connection)
        connection.execute(
            text("CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL)")
        )
        connection.execute(
            text(
                "INSERT INTO alembic_version SELECT :revision "
                "WHERE NOT EXISTS (SELECT 1 FROM alembic_version)"
            ),
            {"revision": HEAD_REVISION},
        )

    def _migrate(self, revision: str) -> None:
        from alembic import command  # costs 0.3 s, so only when needed
        from alembic.config import Config

        backup = self.file.with_name(f"{self.file.name}.backup-{revision}")
        _back_up(self.file, backup)
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        with self.writing() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        self.notices.append(f"The workspace was updated; a backup is in {backup.name}.")


def is_on_network(folder: Path) -> bool:
    """Return whether `folder` lies on a network file system, where WAL is unsafe."""
    best, kind = "", ""
    target = str(folder.resolve())
    for mount in psutil.disk_partitions(all=True):
        point = mount.mountpoint.rstrip("/\\")
        inside = target == point or target.startswith((point + "/", point + "\\"))
        if inside and len(point) >= len(best):
            best, kind = point, mount.fstype.lower()
    return kind in _NETWORK_FILE_SYSTEMS


def _begin(connection: Connection) -> None:
    if not connection.get_execution_options().get("reading"):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _revision(file: Path) -> str | None:
    """Return the schema's revision, `_DAMAGED`, or None where no table was made yet."""
    try:
        with contextlib.closing(sqlite3.connect(file, timeout=BUSY_TIMEOUT_MS / 1000)) as database:
            tables = {row[0] for row in database.execute("SELECT name FROM sqlite_master")}
            if database.execute("PRAGMA quick_check(1)").fetchall() != [("ok",)]:
                return _DAMAGED
            if "alembic_version" not in tables:
                return _DAMAGED if tables else None
            row = database.execute("SELECT version_num FROM alembic_version").fetchone()
            return str(row[0]) if row else ""
    except sqlite3.DatabaseError as error:
        if "locked" in str(error) or "unable to open" in str(error):
            raise EmoStudioError(
                f"Could not open {file}", why=str(error), next_step="Close other programs using it"
            ) from error
        return _DAMAGED


def _set_aside(file: Path) -> Path:
    kept = file.with_name(file.name + ".corrupt")
    number = 2
    while kept.exists():
        kept = file.with_name(f"{file.name}.corrupt-{number}")
        number += 1
    file.rename(kept)
    for suffix in ("-wal", "-shm"):
        companion = file.with_name(file.name + suffix)
        if companion.exists():
            companion.rename(kept.with_name(kept.name + suffix))
    return kept


def _back_up(file: Path, backup: Path) -> None:
    with (
        contextlib.closing(sqlite3.connect(file, timeout=5)) as source,
        contextlib.closing(sqlite3.connect(backup)) as target,
    ):
        source.backup(target)
        sound = target.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    if not sound:
        raise EmoStudioError(
            "The workspace was not updated", why=f"The backup {backup} could not be verified"
        )


def _explain(error: DBAPIError, file: Path) -> EmoStudioError:
    reason = str(error.orig)
    advice = "Try again"
    if "full" in reason:
        advice = "Free some space; nothing already saved was lost"
    elif "locked" in reason:
        advice = "Another process keeps the workspace busy; try again"
    elif "readonly" in reason or "unable to open" in reason:
        advice = "Check that you may write to the workspace folder"
    return EmoStudioError(f"Could not use {file}", why=reason, next_step=advice)
