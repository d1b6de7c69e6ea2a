"""Untrusted work in a short-lived process with a memory and a time limit."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emostudio.core.errors import EmoStudioError, InputError

WALL_S = 60.0
MEMORY_BYTES = 8 * 2**30
"""Limit on address space, which torch alone fills with 3 to 4 GB without touching it."""

REFUSED_CODE = 2
"""Exit code of a module that refused its input, its reason being the last line of stderr."""


@dataclass(frozen=True)
class SandboxResult:
    """What the process left.

    Attributes
    ----------
    document
        Its result file as JSON data, empty if it wrote none.
    log
        What it printed, for the details of errors.
    """

    document: dict[str, Any]
    log: str


def run_limited(
    module: str,
    arguments: Sequence[str],
    *,
    subject: str,
    memory_bytes: int = MEMORY_BYTES,
    wall_s: float = WALL_S,
) -> SandboxResult:
    """Run ``python -m module arguments`` under limits, in an empty folder of its own.

    The module may write a JSON document to the file named by ``EMOSTUDIO_RESULT``; what it
    prints is only kept for error messages.

    Parameters
    ----------
    subject
        Name of the file it works on, for messages.
    memory_bytes
        Limit on its address space (Linux and macOS).
    wall_s
        Seconds after which it is killed.

    Raises
    ------
    InputError
        If the module refuses the file, runs out of time or memory, or crashes on it.
    """
    with tempfile.TemporaryDirectory(prefix="emostudio-sandbox-") as folder:
        result_file = Path(folder) / "result.json"
        command = [
            sys.executable, "-m", "emostudio.worker.sandboxed",
            str(memory_bytes), str(result_file), module, *arguments,
        ]  # fmt: skip
        try:
            done = subprocess.run(  # argv is a list, no shell
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                timeout=wall_s,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise InputError(
                f"{subject} was refused",
                why=f"reading it took longer than {wall_s:.0f} s",
                next_step="Check the file with the program that made it",
            ) from error
        log = done.stderr.decode(errors="replace")
        if done.returncode != 0:
            raise _refusal(subject, done.returncode, log)
        return SandboxResult(_read_result(result_file, subject), log)


def _refusal(subject: str, code: int, log: str) -> EmoStudioError:
    lines = [line for line in log.strip().splitlines() if line.strip()]
    reason = lines[-1] if lines else ""
    if code == REFUSED_CODE and reason:
        return InputError(reason)
    if "MemoryError" in log or "bad_alloc" in log or "alloc" in reason:
        return InputError(f"{subject} was refused", why="reading it needs too much memory")
    ended = f"signal {-code}" if code < 0 else f"code {code}"
    return InputError(
        f"{subject} cannot be read", why=f"the process that reads it ended with {ended}: {reason}"
    )


def _read_result(file: Path, subject: str) -> dict[str, Any]:
    if not file.exists():
        return {}
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{subject} cannot be read", why="its result is damaged") from error
    return dict(document)
