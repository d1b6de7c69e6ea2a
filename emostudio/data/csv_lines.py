"""Lines of a CSV file, plain, gzipped or zipped, with limits on everything."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, cast

from emostudio.core.errors import InputError
from emostudio.data.decode import printable

MAX_LINE_BYTES = 2**20
"""Longest line; longer ones are skipped without being held."""

MAX_BYTES = 2**32
"""Most bytes unpacked from one file."""


class TooMuchError(InputError):
    """A file unpacks to more than `MAX_BYTES`."""


@contextmanager
def open_table(path: Path) -> Iterator[BinaryIO]:
    """Open the CSV at `path`, inside gzip or zip if it is; magic bytes decide.

    Raises
    ------
    InputError
        If the file cannot be read, or a zip file holds no CSV.
    """
    try:
        with path.open("rb") as raw:
            magic = raw.read(4)
            raw.seek(0)
            if magic[:2] == b"\x1f\x8b":
                with gzip.GzipFile(fileobj=raw) as packed:
                    yield cast("BinaryIO", packed)
            elif magic == b"PK\x03\x04":
                with zipfile.ZipFile(raw) as archive, _only_table(archive, path) as member:
                    yield cast("BinaryIO", member)
            else:
                yield raw
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise InputError(f"{printable(path)} is damaged", why=str(error)) from error
    except (OSError, RuntimeError) as error:  # RuntimeError: a zip with a password
        why = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{printable(path)} cannot be read", why=why) from error


def lines(stream: BinaryIO, name: str) -> Iterator[tuple[int, bytes | None]]:
    """Yield line numbers from 1 and lines without their ends; None for a line that is too long.

    Raises
    ------
    TooMuchError
        If more than `MAX_BYTES` come out of the stream.
    """
    number = total = 0
    is_inside_long_line = False
    while part := stream.readline(MAX_LINE_BYTES):
        total += len(part)
        if total > MAX_BYTES:
            raise TooMuchError(
                f"{name} is too large", why=f"it unpacks to more than {MAX_BYTES // 2**30} GiB"
            )
        has_end = part.endswith(b"\n") or len(part) < MAX_LINE_BYTES
        if is_inside_long_line:
            is_inside_long_line = not has_end
            continue
        number += 1
        is_inside_long_line = not has_end
        yield number, part.rstrip(b"\r\n") if has_end else None


@contextmanager
def _only_table(archive: zipfile.ZipFile, path: Path) -> Iterator[IO[bytes]]:
    """Open the largest CSV of an archive; nothing is ever unpacked to the disk."""
    members = [m for m in archive.infolist() if m.filename.lower().endswith(".csv")]
    if not members:
        raise InputError(f"{printable(path)} holds no CSV file")
    with archive.open(max(members, key=lambda member: member.file_size)) as stream:
        yield stream
