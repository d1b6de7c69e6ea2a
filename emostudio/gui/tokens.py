"""The design as data: colours of both themes, type, spacing and the series of variants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Colours:
    """Every colour of one theme; `docs` of the design give what each is for."""

    bg: str
    rail: str
    card: str
    sunken: str
    hover: str
    neutral_soft: str
    line: str
    line2: str
    ctl: str
    text: str
    text2: str
    text3: str
    accent: str
    accent_hover: str
    on_accent: str
    accent_text: str
    accent_soft: str
    focus: str
    ok: str
    ok_soft: str
    info: str
    info_soft: str
    warn: str
    warn_soft: str
    bad: str
    bad_soft: str
    heat_share: float
    """Largest share of accent mixed into a heat cell."""


LIGHT = Colours(
    bg="#F5F6F8",
    rail="#ECEEF2",
    card="#FFFFFF",
    sunken="#F1F3F6",
    hover="#F1F2F6",
    neutral_soft="#ECEEF2",
    line="#E1E4EA",
    line2="#C5CBD5",
    ctl="#848C9A",
    text="#171A20",
    text2="#4A515E",
    text3="#636B79",
    accent="#4148C2",
    accent_hover="#3A40AE",
    on_accent="#FFFFFF",
    accent_text="#3A41B8",
    accent_soft="#E9EAFA",
    focus="#4148C2",
    ok="#0A6E45",
    ok_soft="#E2F3EA",
    info="#1B5F90",
    info_soft="#E3F0F8",
    warn="#7F5200",
    warn_soft="#FCF0D6",
    bad="#B0261F",
    bad_soft="#FBE7E5",
    heat_share=0.62,
)

DARK = Colours(
    bg="#15171B",
    rail="#111316",
    card="#1C1F24",
    sunken="#15181C",
    hover="#262A31",
    neutral_soft="#2A2E35",
    line="#2C3138",
    line2="#434A55",
    ctl="#6F7886",
    text="#ECEEF1",
    text2="#B3BAC5",
    text3="#939BA8",
    accent="#5A63DB",
    accent_hover="#4F58CE",
    on_accent="#FFFFFF",
    accent_text="#AEB5FF",
    accent_soft="#2A2D52",
    focus="#9AA3FF",
    ok="#5CCB96",
    ok_soft="#173327",
    info="#7FBDEB",
    info_soft="#172F41",
    warn="#EDB95E",
    warn_soft="#3A2D12",
    bad="#FF8A80",
    bad_soft="#43201E",
    heat_share=0.75,
)

THEMES: dict[str, Colours] = {"light": LIGHT, "dark": DARK}


@dataclass(frozen=True)
class Tile:
    """Colours of video tiles, dark in both themes."""

    background: str = "#0D0F12"
    text: str = "#FFFFFF"
    text2: str = "#C6CCD6"
    text3: str = "#A9B0BB"
    warning: str = "#EDB95E"
    on_warning: str = "#1B1206"


TILE = Tile()

Mark = Literal["o", "s", "t1", "d", "t", "p", "star"]


@dataclass(frozen=True)
class Series:
    """How a variant is drawn on every page; `dash` in units of the line width."""

    light: str
    light_ink: str
    dark: str
    dark_ink: str
    dash: tuple[float, ...]
    mark: Mark

    def colour(self, theme: str) -> str:
        """Return the colour of lines and marks."""
        return self.dark if theme == "dark" else self.light

    def ink(self, theme: str) -> str:
        """Return the colour of labels."""
        return self.dark_ink if theme == "dark" else self.light_ink


SERIES: tuple[Series, ...] = (
    Series("#171A20", "#171A20", "#ECEEF1", "#ECEEF1", (), "o"),
    Series("#0072B2", "#00679F", "#3A9BDC", "#5FB0E6", (), "o"),
    Series("#D55E00", "#B04D00", "#EE7733", "#F58A4E", (5, 3), "s"),
    Series("#009E73", "#00774F", "#1FB589", "#3CC59C", (6, 3, 1.5, 3), "t1"),
    Series("#B8528C", "#A3407A", "#DD8CBB", "#E3A0C6", (1.2, 2.4), "d"),
    Series("#B37A00", "#875A00", "#E69F00", "#EDB040", (9, 3), "t"),
    Series("#2B8CC4", "#1F71A3", "#7CC8F2", "#8FD0F5", (6, 2.5, 1.2, 2.5, 1.2, 2.5), "p"),
    Series("#857D00", "#6B6500", "#F0E442", "#F0E442", (3, 5), "star"),
)
"""Slot 0 is the teacher; a variant keeps its slot for the life of the workspace."""

EXTRA_SERIES = Series(LIGHT.text3, LIGHT.text3, DARK.text3, DARK.text3, (), "o")
"""The ninth variant and later: thin grey lines with a label."""


def series(slot: int) -> Series:
    """Return the drawing rules of a series slot."""
    return SERIES[slot] if 0 <= slot < len(SERIES) else EXTRA_SERIES


@dataclass(frozen=True)
class TypeStyle:
    """Size in pixels, weight (400, 500 or 600) and letter spacing in percent."""

    px: int
    weight: int
    spacing: float = 0.0


TYPE: dict[str, TypeStyle] = {
    "big": TypeStyle(24, 600),
    "title": TypeStyle(20, 600, -2),
    "section": TypeStyle(16, 600),
    "card": TypeStyle(14, 600),
    "body": TypeStyle(13, 400),
    "body_medium": TypeStyle(13, 500),
    "body_bold": TypeStyle(13, 600),
    "small": TypeStyle(12, 400),
    "small_medium": TypeStyle(12, 500),
    "small_bold": TypeStyle(12, 600),
    "caption": TypeStyle(11, 400),
    "caption_medium": TypeStyle(11, 500),
    "caption_bold": TypeStyle(11, 600),
}


@dataclass(frozen=True)
class Space:
    """Distances and sizes in pixels."""

    xs: int = 4
    s: int = 8
    m: int = 12
    l: int = 16  # noqa: E741 - the design's name for it
    page: int = 20
    xl: int = 24
    header: int = 60
    status_bar: int = 28
    rail: int = 80
    rail_wide: int = 208
    wide_from: int = 1600
    control: int = 32
    control_small: int = 26
    badge: int = 20
    row: int = 29
    row_two_lines: int = 46
    table_head: int = 44
    progress: int = 4
    label_column: int = 116
    control_column: int = 172


SPACE = Space()

RADIUS_BADGE = 4
RADIUS_CONTROL = 6
RADIUS_CARD = 8


def mix(first: str, second: str, share: float) -> str:
    """Return the colour `share` of the way from `first` to `second` (``#RRGGBB``)."""
    a, b = _channels(first), _channels(second)
    blended = (round(x + (y - x) * share) for x, y in zip(a, b, strict=True))
    return "#" + "".join(f"{channel:02X}" for channel in blended)


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
