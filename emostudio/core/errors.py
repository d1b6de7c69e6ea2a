"""Errors that say what happened, why, and what to do next."""

from __future__ import annotations


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
