import contextlib
import sqlite3

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

import emostudio.workspace.migrations
from emostudio.core.jobs import TrainJob
from emostudio.workspace import database
from emostudio.workspace.schema import HEAD_REVISION, METADATA
from emostudio.workspace.store import Workspace


def at_no_revision(folder):
    """A workspace whose database Alembic has to bring up from nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(folder / "workspace.db")
    connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
    connection.commit()
    connection.close()


def test_the_migrations_lead_to_the_declared_tables(tmp_path):
    at_no_revision(tmp_path)
    Workspace.open(tmp_path).close()
    engine = create_engine(f"sqlite:///{tmp_path / 'workspace.db'}")
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), METADATA)
    engine.dispose()
    assert differences == []


def test_the_declared_head_is_the_newest_migration():
    folder = emostudio.workspace.migrations.__path__[0]
    scripts = ScriptDirectory(folder)
    assert scripts.get_current_head() == HEAD_REVISION
    assert {script.revision for script in scripts.walk_revisions()} == set(database.KNOWN_REVISIONS)


def test_a_migrated_workspace_works_and_has_a_backup(tmp_path):
    at_no_revision(tmp_path)
    with Workspace.open(tmp_path) as workspace:
        assert "backup" in workspace.notices[0]
        workspace.create_run(TrainJob(architecture="a", data="d"))
        assert len(workspace.runs()) == 1
    assert (tmp_path / "workspace.db.backup-empty").exists()


def test_a_new_workspace_is_at_the_head_and_uses_the_write_ahead_log(tmp_path):
    Workspace.open(tmp_path).close()
    connection = sqlite3.connect(tmp_path / "workspace.db")
    assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [
        (HEAD_REVISION,)
    ]
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_a_network_folder_gets_no_write_ahead_log_and_a_notice(tmp_path, monkeypatch):
    monkeypatch.setattr(database, "is_on_network", lambda folder: True)
    with Workspace.open(tmp_path) as workspace:
        assert "network" in workspace.notices[0]
    connection = sqlite3.connect(tmp_path / "workspace.db")
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    connection.close()


def test_network_drives_are_told_by_their_mount(tmp_path, monkeypatch):
    class Mount:
        def __init__(self, mountpoint, fstype):
            self.mountpoint, self.fstype = mountpoint, fstype

    mounts = [Mount("/", "ext4"), Mount(str(tmp_path.resolve()), "nfs4")]
    monkeypatch.setattr(database.psutil, "disk_partitions", lambda **_: mounts)
    assert database.is_on_network(tmp_path)
    assert not database.is_on_network(tmp_path.parent)


def test_every_transaction_is_begun_for_writing_at_once(tmp_path):
    with Workspace.open(tmp_path) as workspace, workspace.database.writing() as connection:
        raw = connection.connection.dbapi_connection
        assert raw.in_transaction
        other = sqlite3.connect(tmp_path / "workspace.db", timeout=0)
        with contextlib.closing(other), pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
