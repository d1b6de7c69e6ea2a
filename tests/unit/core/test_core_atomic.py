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


def moves(monkeypatch, verdict):
    """Let `verdict` raise, by the number of the rename, instead of it."""
    move, count = Path.replace, [0]

    def replace(path, target):
        count[0] += 1
        verdict(count[0])
        return move(path, target)

    monkeypatch.setattr(Path, "replace", replace)


def raising(error, *numbers):
    def verdict(number):
        if number in numbers:
            raise error

    return verdict


FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("number", [1, 2])
def test_a_folder_that_cannot_be_put_in_its_place_leaves_the_old_one(tmp_path, monkeypatch, number):
    atomic.write_folder(tmp_path / "out", {"a": b"1"})
    moves(monkeypatch, raising(FULL, number))
    with pytest.raises(EmoStudioError, match="No space left on device"):
        atomic.write_folder(tmp_path / "out", {"a": b"2"})
    assert (tmp_path / "out" / "a").read_bytes() == b"1"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_interrupt_between_the_renames_leaves_the_old_folder(tmp_path, monkeypatch):
    atomic.write_folder(tmp_path / "out", {"a": b"1"})
    moves(monkeypatch, raising(KeyboardInterrupt(), 2))
    with pytest.raises(KeyboardInterrupt):
        atomic.write_folder(tmp_path / "out", {"a": b"2"})
    assert (tmp_path / "out" / "a").read_bytes() == b"1"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_old_folder_that_cannot_be_put_back_is_kept_and_named(tmp_path, monkeypatch):
    atomic.write_folder(tmp_path / "out", {"a": b"1"})
    moves(monkeypatch, raising(FULL, 2, 3))
    with pytest.raises(EmoStudioError, match="could not be put back") as caught:
        atomic.write_folder(tmp_path / "out", {"a": b"2"})
    (kept,) = tmp_path.rglob("a")
    assert kept.read_bytes() == b"1"
    assert f"lies at {kept.parent}" in caught.value.next_step
    assert "nothing was changed" not in str(caught.value) + caught.value.next_step


def test_leftovers_of_a_killed_process_of_the_same_number_do_no_harm(tmp_path):
    atomic.write_folder(tmp_path / "out", {"a": b"1"})
    for ending in ("part", "old"):
        (tmp_path / f".{os.getpid()}.out.{ending}").mkdir()
    atomic.write_folder(tmp_path / "out", {"a": b"2"})
    assert (tmp_path / "out" / "a").read_bytes() == b"2"


def test_a_link_stays_one_and_the_folder_it_leads_to_is_replaced(tmp_path):
    atomic.write_folder(tmp_path / "real" / "out", {"a": b"1"})
    (tmp_path / "link").symlink_to(tmp_path / "real" / "out", target_is_directory=True)
    atomic.write_folder(tmp_path / "link", {"b": b"2"})
    assert (tmp_path / "link").is_symlink()
    assert [path.name for path in (tmp_path / "real" / "out").iterdir()] == ["b"]
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["b", "link", "out", "real"]


def test_a_failing_write_leaves_the_old_folder_and_names_its_place(tmp_path, monkeypatch):
    atomic.write_folder(tmp_path / "out", {"a": b"1"})

    def full(_descriptor):
        raise FULL

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(EmoStudioError, match=f"Could not write {tmp_path / 'out'}"):
        atomic.write_folder(tmp_path / "out", {"sub/b": b"2"})
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "a"]


def test_a_folder_is_as_open_to_others_as_any_made_here(tmp_path):
    atomic.write_folder(tmp_path / "out", {"a/b": b"1"})
    (tmp_path / "plain").mkdir()
    assert (tmp_path / "out").stat().st_mode == (tmp_path / "plain").stat().st_mode
    assert (tmp_path / "out" / "a" / "b").read_bytes() == b"1"
