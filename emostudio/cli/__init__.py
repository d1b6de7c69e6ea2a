"""The command line: a contract with scripts, and the way into the window."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from emostudio.cli.entry import run

__all__ = ["entry_point", "main"]


def main(argv: Sequence[str]) -> int:
    """Run one command.

    Parameters
    ----------
    argv
        Arguments without the program's name.

    Returns
    -------
    0 done, 1 failed, 2 wrong usage or bad input, 130 cancelled.
    """
    return run(list(argv))


def entry_point() -> None:
    """Run the command of this process and exit."""
    sys.exit(main(sys.argv[1:]))
