"""Turns exceptions into the last event of a job: what, why, what next."""

from __future__ import annotations

import errno
import traceback

from emostudio.core.errors import EmoStudioError, first_line, kind_and_line
from emostudio.core.events import Failed

_MEMORY_MARKS = (
    "bad_alloc", "not enough memory", "can't allocate memory", "cannot allocate memory",
    "out of memory", "failed to allocate", "unable to allocate",
)  # fmt: skip
_DISK_MARKS = ("no space left", "disk is full", "disk full", "quota exceeded")


def explain(error: BaseException) -> Failed:
    """Return the event that tells the user about `error`."""
    details = "".join(traceback.format_exception(error))
    if is_out_of_memory(error):
        return Failed(
            what="The job ran out of memory",
            why=first_line(error) if str(error).strip() else "the system could not give it more",
            next_step="Choose a smaller batch size or a smaller input, then resume the job",
            details=details,
        )
    if is_disk_full(error):
        return Failed(
            what="The disk is full",
            why=first_line(error),
            next_step="Free some space, then resume the job; what was saved before is intact",
            details=details,
        )
    if isinstance(error, EmoStudioError):
        return Failed(
            what=error.what,
            why=error.why,
            next_step=error.next_step,
            exit_code=error.exit_code,
        )
    return Failed(
        what="The job met an unexpected error",
        why=kind_and_line(error),
        next_step="Resume the job; if it happens again, report it with the details",
        details=details,
    )


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether `error`, or what caused it, is a refused allocation."""
    return any(
        isinstance(cause, MemoryError)
        or (isinstance(cause, OSError) and cause.errno == errno.ENOMEM)
        or (isinstance(cause, RuntimeError) and _says(cause, _MEMORY_MARKS))
        for cause in _causes(error)
    )


def is_disk_full(error: BaseException) -> bool:
    """Return whether `error`, or what caused it, is a full disk."""
    return any(
        (isinstance(cause, OSError) and cause.errno in {errno.ENOSPC, errno.EDQUOT})
        or _says(cause, _DISK_MARKS)
        for cause in _causes(error)
    )


def _causes(error: BaseException) -> list[BaseException]:
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in chain:
        chain.append(current)
        current = current.__cause__
    return chain


def _says(error: BaseException, marks: tuple[str, ...]) -> bool:
    text = str(error).lower()
    return any(mark in text for mark in marks)
