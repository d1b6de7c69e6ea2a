"""An export never writes over what it does not own, and leaves nothing half written."""

import errno
import os
from pathlib import Path

import pytest

from emostudio.core.errors import EmoStudioError, InputError
from emostudio.exports.catalogue import EXPORTERS
from emostudio.exports.exporting import export_model
from emostudio.exports.running import RUNNER_FILE

ONNX, SEGMENTS = EXPORTERS.get("onnx"), EXPORTERS.get("segments")


def never_made(monkeypatch, exporter):
    def make(_model):
        raise AssertionError("work was done before the place was looked at")

    monkeypatch.setattr(exporter, "make", make)


def test_a_folder_that_may_not_be_written_to_is_refused_before_any_work(
    model, tmp_path, monkeypatch
):
    never_made(monkeypatch, ONNX)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(InputError, match=r"may not be written to.*Choose another folder"):
        export_model(model, ONNX, tmp_path / "net.onnx")


def test_a_file_is_no_folder(model, tmp_path, monkeypatch):
    never_made(monkeypatch, ONNX)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file, not a folder"):
        export_model(model, ONNX, tmp_path / "file" / "net.onnx")


def test_a_folder_of_the_files_name_is_left_alone(model, tmp_path, monkeypatch):
    never_made(monkeypatch, ONNX)
    (tmp_path / "net.onnx").mkdir()
    with pytest.raises(InputError, match="there is a folder of this name"):
        export_model(model, ONNX, tmp_path / "net.onnx", replace=True)


def test_a_folder_with_other_files_is_never_replaced(early, tmp_path, monkeypatch):
    export_model(early, SEGMENTS, tmp_path / "out")
    (tmp_path / "out" / "notes.txt").write_text("mine")
    never_made(monkeypatch, SEGMENTS)
    with pytest.raises(InputError, match="holds files that no export wrote"):
        export_model(early, SEGMENTS, tmp_path / "out", replace=True)
    assert (tmp_path / "out" / "notes.txt").read_text() == "mine"


def test_an_empty_folder_can_be_filled(early, tmp_path):
    (tmp_path / "out").mkdir()
    export_model(early, SEGMENTS, tmp_path / "out")
    assert (tmp_path / "out" / "manifest.json").exists()


def test_a_file_of_the_folders_name_is_left_alone(early, tmp_path, monkeypatch):
    never_made(monkeypatch, SEGMENTS)
    (tmp_path / "out").write_text("mine")
    with pytest.raises(InputError, match="there is a file of this name"):
        export_model(early, SEGMENTS, tmp_path / "out", replace=True)


def test_a_runner_that_the_user_changed_is_not_replaced_unasked(model, tmp_path, monkeypatch):
    (tmp_path / RUNNER_FILE).write_text("mine")
    export_model(model, ONNX, tmp_path / "plain.onnx")
    with pytest.raises(InputError, match=f"another {RUNNER_FILE}"):
        export_model(model, ONNX, tmp_path / "net.onnx", runner=True)
    assert (tmp_path / RUNNER_FILE).read_text() == "mine"
    assert not (tmp_path / "net.onnx").exists()


def test_a_full_disk_leaves_the_old_folder(early, tmp_path, monkeypatch):
    export_model(early, SEGMENTS, tmp_path / "out")
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    opened = Path.open

    def full(path, *words, **options):
        if path.parent.parent.name.endswith(".part"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return opened(path, *words, **options)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(EmoStudioError, match="No space left"):
        export_model(early, SEGMENTS, tmp_path / "out", replace=True)
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
