"""Colours, dashes and marks of series as pgfplots knows them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from emostudio.reports import palette
from emostudio.reports.tex_text import escape

_MARKS = {
    "o": "mark=*",
    "s": "mark=square*",
    "^": "mark=triangle*",
    "D": "mark=diamond*",
    "v": "mark=triangle*, every mark/.append style={rotate=180}",
    "p": "mark=pentagon*",
    "*": "mark=10-pointed star",
}
_NAMED = {
    "accent": palette.ACCENT,
    "grid": palette.LINE,
    "axis": palette.LINE2,
    "grey": palette.TEXT3,
    "bad": palette.BAD,
    "warn": palette.WARN,
}


def colour_lines() -> list[str]:
    """Return the definitions of all colours; names begin with ``emo``."""
    named = {**_NAMED, **{f"s{n}": s.line for n, s in enumerate(palette.SERIES)}}
    named["s"] = palette.TEXT3
    return [rf"\definecolor{{emo{n}}}{{HTML}}{{{hue.lstrip('#')}}}" for n, hue in named.items()]


def colour_of(slot: int) -> str:
    """Return the name of a slot's colour."""
    return f"emos{slot}" if 0 <= slot < len(palette.SERIES) else "emos"


def mark_of(slot: int) -> str:
    """Return the options of a slot's mark."""
    return _MARKS[palette.series(slot).marker]


def dash_of(slot: int, width_pt: float) -> str:
    """Return the dash option of a slot's lines, whose parts count in line widths."""
    dash = palette.series(slot).dash
    if not dash:
        return "solid"
    parts = (f"{'off' if n % 2 else 'on'} {width_pt * part:.2g}pt" for n, part in enumerate(dash))
    return f"dash pattern={' '.join(parts)}"


def number(value: float) -> str:
    """Return a number that TeX reads."""
    return f"{value:.6g}"


def points(pairs: Iterable[tuple[float, float]]) -> str:
    """Return coordinates, ends of interrupted lines as ``nan``."""
    return " ".join(f"({number(x)},{number(y)})" for x, y in pairs)


def plot(options: Sequence[str], pairs: Iterable[tuple[float, float]], *, entry: str = "") -> str:
    """Return one plot command and, with `entry`, its line in the key."""
    code = rf"\addplot[{', '.join(options)}] coordinates {{{points(pairs)}}};"
    return f"{code}\n\\addlegendentry{{{escape(entry)}}}" if entry else code


def hidden() -> str:
    """Return the option that keeps a plot out of the key."""
    return "forget plot"


def axis(options: Sequence[str], body: Sequence[str]) -> list[str]:
    """Return a picture with one axis."""
    return [
        r"\begin{tikzpicture}",
        r"\begin{axis}[",
        *(f"  {option}," for option in options),
        "]",
        *body,
        r"\end{axis}",
        r"\end{tikzpicture}",
    ]


COMMON = (
    "emo chart",
    "scale only axis",
)
STYLE = (
    r"\pgfplotsset{emo chart/.style={",
    "  axis line style={emoaxis}, tick style={draw=none}, grid style={emogrid},",
    "  tick label style={font=\\footnotesize, color=emogrey},",
    "  label style={font=\\footnotesize, color=emogrey}, title style={font=\\small\\bfseries},",
    "  legend style={draw=none, fill=none, font=\\footnotesize, legend columns=4,",
    "    legend cell align=left, at={(0,1.03)}, anchor=south west},",
    "  scaled ticks=false, clip mode=individual,",
    "  /pgf/number format/fixed, /pgf/number format/1000 sep={\\,},",
    "}}",
)
"""The drawing rules of every chart, in one style that a paper may change."""
