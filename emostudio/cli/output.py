"""What goes to stdout and what to stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

from pydantic import BaseModel
from rich.console import Console

_WIDTH = 200
"""Columns of what goes to a file or another program: names are not broken there."""


class Output:
    """Prints a command's answer: one JSON document, or tables for people.

    Parameters
    ----------
    is_json
        Whether stdout carries exactly one JSON document.

    Attributes
    ----------
    workspace
        Workspace named before the command; a command's own option wins.
    """

    def __init__(self, *, is_json: bool) -> None:
        self.is_json = is_json
        self.stdout: TextIO = sys.stdout
        self.workspace: Path | None = None
        self._has_answered = False

    @property
    def console(self) -> Console:
        """Return the console for people, on stdout; silent where JSON was asked for."""
        is_terminal = self.stdout.isatty()
        width = None if is_terminal else _WIDTH
        return Console(
            file=self.stdout,
            highlight=False,
            soft_wrap=not is_terminal,
            width=width,
            quiet=self.is_json,
        )

    @property
    def log(self) -> Console:
        """Return the console for progress and notes, on stderr."""
        return Console(file=sys.stderr, highlight=False, soft_wrap=not sys.stderr.isatty())

    def answer(self, document: Any) -> None:
        """Print the answer of a command as JSON if that was asked for."""
        if not self.is_json or self._has_answered:
            return
        self._has_answered = True
        if isinstance(document, BaseModel):
            document = document.model_dump(mode="json")
        json.dump(document, self.stdout, indent=2, ensure_ascii=False, default=str)
        self.stdout.write("\n")
        self.stdout.flush()

    def error(self, what: str, why: str = "", next_step: str = "") -> None:
        """Print one line: what, why, what next."""
        text = f"{what.rstrip('.')}: {why.rstrip('.')}." if why else f"{what.rstrip('.')}."
        if next_step:
            text += f" {next_step.rstrip('.')}."
        sys.stderr.write(" ".join(text.split()) + "\n")
        self.answer({"error": {"what": what, "why": why, "next_step": next_step}})


@contextmanager
def present(output: Output) -> Iterator[None]:
    """With JSON, keep stdout for the document: prints of libraries go to stderr meanwhile."""
    if not output.is_json:
        yield
        return
    before = sys.stdout
    before.flush()
    private = os.dup(1)
    output.stdout = os.fdopen(private, "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    try:
        yield
    except BaseException as error:
        _answer_errors(output, error)
        raise
    finally:
        with suppress(OSError, ValueError):
            output.stdout.flush()
        os.dup2(private, 1)
        with suppress(OSError, ValueError):
            output.stdout.close()
        output.stdout = sys.stdout = before


def _answer_errors(output: Output, error: BaseException) -> None:
    """Make sure that a script gets its one document even if the command failed."""
    what = getattr(error, "what", "") or str(error) or type(error).__name__
    why, next_step = getattr(error, "why", ""), getattr(error, "next_step", "")
    output.answer({"error": {"what": what, "why": why, "next_step": next_step}})
