import errno
import os
from pathlib import Path

import pytest

from emostudio.core import atomic
from emostudio.core.errors import EmoStudioError


def test_written_file_has_all_its_bytes(tmp_path):
    path = tmp_path / "new" / "file.bin"
    atomic.write_bytes(path, b"x" * 100_000)
    assert path.read_bytes() == b"x" * 100_000


def test_failure_in_the_middle_keeps_the_old_file_and_leaves_nothing_behind(tmp_path):
    path = tmp_path / "file.txt"
    atomic.write_text(path, "old")

    def write_half():
        with atomic.atomic_file(path) as stream:
            stream.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.txt"]


def test_full_disk_is_said_and_changes_nothing(tmp_path, monkeypatch):
    path = tmp_path / "file.txt"
    atomic.write_text(path, "old")

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(EmoStudioError, match="No space left"):
        atomic.write_text(path, "new")
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.txt"]


def test_library_writer_failing_leaves_the_old_file(tmp_path):
    path = tmp_path / "chart.png"
    atomic.write_bytes(path, b"old")

    def write(temporary):
        temporary.write_bytes(b"half")
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        atomic.write_with(path, write)
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["chart.png"]


def test_library_writer_sees_the_suffix_of_the_final_file(tmp_path):
    seen = []

    def write(temporary):
        seen.append(temporary.suffix)
        temporary.write_bytes(b"new")

    atomic.write_with(tmp_path / "chart.png", write)
    assert seen == [".png"]
    assert (tmp_path / "chart.png").read_bytes() == b"new"


def test_a_folder_appears_with_all_its_files_and_replaces_the_old_one(tmp_path):
    atomic.write_folder(tmp_path / "out", {"a": b"1", "b": b"2"})
    atomic.write_folder(tmp_path / "out", {"a": b"3"})
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == {"a": b"3"}
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_folder_that_cannot_be_put_in_its_place_leaves_the_old_one(tmp_path, monkeypatch):
    atomic.write_folder(tmp_path / "out", {"a": b"1"})
    move = Path.replace

    def refuse(path, target):
        if path.name.endswith(".part") and path.is_dir():
            raise OSError(28, "No space left on device")
        return move(path, target)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(EmoStudioError, match="No space left on device"):
        atomic.write_folder(tmp_path / "out", {"a": b"2"})
    assert (tmp_path / "out" / "a").read_bytes() == b"1"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
