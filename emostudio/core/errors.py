"""Errors that say what happened, why, and what to do next."""

from __future__ import annotations

_LINE_LIMIT = 200  # characters; libraries print whole graphs on one line


class EmoStudioError(Exception):
    """An error worth showing to a user.

    Parameters
    ----------
    what
        What failed, in the user's words, naming the file or setting.
    why
        The cause, if known.
    next_step
        What the user can do about it.
    """

    exit_code = 1

    def __init__(self, what: str, *, why: str = "", next_step: str = "") -> None:
        self.what = what.rstrip(".")
        self.why = why.rstrip(".")
        self.next_step = next_step.rstrip(".")
        super().__init__(str(self))

    def __str__(self) -> str:
        text = f"{self.what}: {self.why}." if self.why else f"{self.what}."
        return f"{text} {self.next_step}." if self.next_step else text

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.what, self.why, self.next_step))


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text, or the kind of an error that says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip()[:_LINE_LIMIT] if lines else type(error).__name__


def kind_and_line(error: BaseException) -> str:
    """Return the kind of an error and, where it says anything, its first line."""
    kind, line = type(error).__name__, first_line(error)
    return kind if line == kind else f"{kind}: {line}"


def _rebuild(
    error_type: type[EmoStudioError], what: str, why: str, next_step: str
) -> EmoStudioError:
    return error_type(what, why=why, next_step=next_step)


class InputError(EmoStudioError):
    """The user's input (file, setting, command line) cannot be used."""

    exit_code = 2


class UnsupportedLayerError(InputError):
    """A method was asked to change a layer it refuses; the message names the layer."""


class DivergedError(EmoStudioError):
    """Training met a NaN or infinite loss or weight; the message names step and layer."""


class JobCancelled(EmoStudioError):  # noqa: N818 - a request that was met, not a fault
    """The user cancelled; raised by long calls through their ``report`` callable."""

    exit_code = 130
