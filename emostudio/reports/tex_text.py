"""Words and tables for LaTeX."""

from __future__ import annotations

from collections.abc import Sequence

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
}


def escape(text: str) -> str:
    """Return `text` so that LaTeX prints it; what its fonts may lack becomes a question mark."""
    return "".join(_SPECIAL.get(sign, sign if ord(sign) < 0x250 else "?") for sign in text)


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
