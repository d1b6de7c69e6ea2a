"""The one way EmoStudio writes files: whole, durable, or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from emostudio.core.errors import EmoStudioError


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that appears at `path` only once everything was written.

    The bytes go to a temporary file in the same folder, are flushed to the disk, renamed over
    `path`, and the folder entry is flushed too. When the body raises, `path` is untouched.

    Parameters
    ----------
    path
        Final place; missing parent folders are made.

    Raises
    ------
    EmoStudioError
        If the disk refuses (full, read-only); the old file, if any, is intact.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        prefix = f".{path.name[:80]}."
        handle, name = tempfile.mkstemp(prefix=prefix, suffix=".part", dir=path.parent)
    except OSError as error:
        raise _refused(path, error) from error
    temporary = Path(name)
    with _put_in_place(temporary, path):
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(0o644)


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path` atomically; see `atomic_file`."""
    with atomic_file(path) as stream:
        stream.write(content)


def write_text(path: Path, content: str) -> None:
    """Write UTF-8 text to `path` atomically; see `atomic_file`."""
    write_bytes(path, content.encode("utf-8"))


def write_json(path: Path, document: Any) -> None:
    """Write `document` as indented JSON to `path` atomically; see `atomic_file`."""
    write_text(path, json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def write_with(path: Path, write: Callable[[Path], object]) -> None:
    """Let a library that insists on a path write a file, then put it at `path` atomically.

    Parameters
    ----------
    path
        Final place.
    write
        Called with a temporary path, with the suffix of `path`, in the same folder.
    """
    path = Path(path)
    temporary = path.parent / f".{os.getpid()}.{path.name}"
    with _put_in_place(temporary, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write(temporary)
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())


@contextmanager
def _put_in_place(temporary: Path, path: Path) -> Iterator[None]:
    """Rename `temporary` to `path` once the body has written it; remove it where that fails."""
    try:
        yield
        temporary.replace(path)
        _flush_folder(path.parent)
    except OSError as error:
        raise _refused(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Fill a folder that appears at `path` only once everything was written.

    Parameters
    ----------
    path
        Final place; a folder that is there already is replaced, where a link leads too.

    Yields
    ------
    An empty folder beside it, to be filled.

    Raises
    ------
    EmoStudioError
        If the disk refuses; the old folder, if any, is intact, or the message says where it lies.
    """
    target = Path(os.path.realpath(path))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        prefix = f".{target.name[:80]}."
        work = Path(tempfile.mkdtemp(prefix=prefix, suffix=".part", dir=target.parent))
    except OSError as error:
        raise _refused(path, error) from error
    new = work / "new"
    try:
        try:
            new.mkdir()
            yield new
            replace_folder(new, target)
        except OSError as error:
            raise _refused(path, error) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def write_folder(path: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder of files that appears at `path` with all of them, or not at all.

    Parameters
    ----------
    path
        Final place; a folder that is there already is replaced.
    files
        Content by name; subfolders are made where a name has slashes.

    Raises
    ------
    EmoStudioError
        If the disk refuses; the old folder, if any, is intact, or the message says where it lies.
    """
    with atomic_folder(path) as new:
        for name, content in files.items():
            file = new / name
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())


def replace_folder(new: Path, path: Path) -> None:
    """Rename a folder over another one, if there is one; that one goes.

    Parameters
    ----------
    new
        Beside `path`, so that a rename is all there is to do.
    path
        Final place; where it is a link, the folder it leads to is replaced.

    Raises
    ------
    OSError
        If the disk refuses; the old folder, if any, is intact.
    EmoStudioError
        If it could not even be put back; the message says where it lies.
    """
    target = Path(os.path.realpath(path))
    held = Path(tempfile.mkdtemp(prefix=f".{target.name[:80]}.", suffix=".old", dir=target.parent))
    old = held / target.name
    try:
        _swap(new, target, old)
    finally:
        if target.exists() or not old.exists():  # else it is the only copy
            shutil.rmtree(held, ignore_errors=True)


def _swap(new: Path, target: Path, old: Path) -> None:
    """Put `new` in the place of `target`, whose folder is left at `old`; or change nothing."""
    _flush_folder(new)
    try:
        if target.is_dir():
            target.replace(old)
        new.replace(target)
    except BaseException as error:  # an interrupt between the two renames, too
        if old.exists() and not target.exists():
            _put_back(old, target, error)
        raise
    with suppress(OSError):  # it is in place; a disk that cannot flush a folder changes nothing
        _flush_folder(target.parent)


def _put_back(old: Path, target: Path, reason: BaseException) -> None:
    try:
        old.replace(target)
    except OSError as error:
        raise EmoStudioError(
            f"Could not write {target}",
            why=f"{reason or type(reason).__name__}; what was there could not be put back: {error}",
            next_step=f"The earlier folder lies at {old}; move it back to {target}",
        ) from error


def _flush_folder(folder: Path) -> None:
    if os.name != "posix":  # Windows cannot open folders; its rename is journalled
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refused(path: Path, error: OSError) -> EmoStudioError:
    return EmoStudioError(
        f"Could not write {path}",
        why=error.strerror or str(error),
        next_step="Free some space or choose another folder; nothing was changed",
    )
