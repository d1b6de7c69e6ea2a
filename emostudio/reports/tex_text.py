"""Words and tables for LaTeX."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from emostudio.reports.plain_text import one_line

_SPECIAL = {
    "\\": r"\textbackslash{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "×": r"$\times$",
    "÷": r"$\div$",
    "±": r"$\pm$",
    "–": "--",
    "−": "$-$",
    "…": r"\dots{}",
    "⁶": r"$^6$",
    "µ": r"$\mu$",
    "▼": r"$\blacktriangledown$",
    "\u00a0": "~",
    "\u202f": r"\,",
    "«": r"\textless{}\textless{}",
    "»": r"\textgreater{}\textgreater{}",
}
_KNOWN = 0x180
"""LaTeX's own fonts have the Latin letters below, but for these."""
_LACKED = frozenset("ĄąĘęĮįŲųĿŀŉſ")
_PLAIN = dict(zip("ÐðĐđÞþĦħĸŊŋŦŧ", "DdDdPpHhkNnTt", strict=True))
"""Letters that LaTeX lacks and that are not made of another one and a sign."""


def escape(text: str) -> str:
    """Return `text` so that LaTeX prints it.

    Letters that its fonts lack lose their signs; what is left without any becomes a question mark.
    """
    return "".join(map(_printed, unicodedata.normalize("NFC", one_line(text))))


def _printed(sign: str) -> str:
    if sign in _SPECIAL:
        return _SPECIAL[sign]
    if sign in _PLAIN:
        return _PLAIN[sign]
    if ord(sign) < _KNOWN and sign not in _LACKED:
        return sign
    base = unicodedata.normalize("NFKD", sign)[0]
    return base if base.isascii() and base.isalnum() else "?"


def comment(text: str) -> str:
    """Return a comment line."""
    return f"% {' '.join(text.split())}"


def booktabs(
    heads: Sequence[Sequence[str]], body: Sequence[Sequence[str]], layout: str
) -> list[str]:
    """Return a tabular with booktabs rules; heads and body are LaTeX already.

    Parameters
    ----------
    heads, body
        Lines of cells; a head line of one cell that starts with a backslash stands as it is.
    layout
        Column letters.
    """
    return [
        rf"\begin{{tabular}}{{{layout}}}",
        r"\toprule",
        *(_line(cells) for cells in heads),
        r"\midrule",
        *(_line(cells) for cells in body),
        r"\bottomrule",
        r"\end{tabular}",
    ]


def _line(cells: Sequence[str]) -> str:
    is_rule = len(cells) == 1 and cells[0].startswith("\\cmidrule")
    return cells[0] if is_rule else " & ".join(cells) + r" \\"


def notes(lines: Sequence[str]) -> list[str]:
    """Return what must be read with a table, small and below it."""
    if not lines:
        return []
    words = " ".join(f"{escape(line)}." for line in lines)
    return [r"\par\smallskip", rf"{{\raggedright\footnotesize {words}\par}}"]
