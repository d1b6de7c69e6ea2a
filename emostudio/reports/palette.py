"""Colours, dashes and marks of exported charts: the light theme's, always."""

from __future__ import annotations

from dataclasses import dataclass

from emostudio.statistics.verdicts import Verdict

CARD = "#FFFFFF"
LINE = "#E1E4EA"
LINE2 = "#C5CBD5"
TEXT = "#171A20"
TEXT2 = "#4A515E"
TEXT3 = "#636B79"
ACCENT = "#4148C2"
BAD = "#B0261F"
OK = "#0A6E45"
WARN = "#7F5200"


@dataclass(frozen=True)
class Series:
    """How a variant is drawn: `dash` in units of the line width, `marker` in matplotlib's code."""

    line: str
    ink: str
    dash: tuple[float, ...]
    marker: str
    width: float = 2.0


SERIES = (
    Series("#171A20", "#171A20", (), "o", 2.5),
    Series("#0072B2", "#00679F", (), "o"),
    Series("#D55E00", "#B04D00", (5, 3), "s"),
    Series("#009E73", "#00774F", (6, 3, 1.5, 3), "^"),
    Series("#B8528C", "#A3407A", (1.2, 2.4), "D"),
    Series("#B37A00", "#875A00", (9, 3), "v"),
    Series("#2B8CC4", "#1F71A3", (6, 2.5, 1.2, 2.5, 1.2, 2.5), "p"),
    Series("#857D00", "#6B6500", (3, 5), "*"),
)


def series(slot: int) -> Series:
    """Return how the variant in `slot` is drawn.

    The ninth and later are thin and grey; shapes and dashes, which come in ever other pairs, tell
    them apart.
    """
    if 0 <= slot < len(SERIES):
        return SERIES[slot]
    shapes = SERIES[1:]  # the baseline keeps its own
    turn, place = divmod(max(slot, 0) - len(SERIES), len(shapes))
    dash = shapes[(place + turn) % len(shapes)].dash
    return Series(TEXT3, TEXT3, dash, shapes[place].marker, 1.0)


@dataclass(frozen=True)
class Badge:
    """Colours of a verdict."""

    ink: str
    fill: str
    dashed: bool = False


BADGES: dict[str, Badge] = {
    Verdict.PROVED: Badge(OK, "#E2F3EA"),
    Verdict.SIZE_ONLY: Badge("#1B5F90", "#E3F0F8"),
    Verdict.SIMULATED: Badge(TEXT2, CARD, dashed=True),
    Verdict.REFUTED: Badge(BAD, "#FBE7E5"),
    Verdict.NOT_DECIDED: Badge(WARN, "#FCF0D6"),
    Verdict.BASELINE: Badge(TEXT2, "#ECEEF2"),
}
