from __future__ import annotations

import pytest

from emostudio.gui.tokens import SERIES, THEMES, mix

TEXTS = ("text", "text2", "text3", "accent_text", "ok", "info", "warn", "bad")


def luminance(colour: str) -> float:
    linear = []
    for place in (1, 3, 5):
        share = int(colour[place : place + 2], 16) / 255
        linear.append(share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4)
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    """The WCAG contrast ratio of two colours, from 1 to 21."""
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("tone", TEXTS)
def test_text_can_be_read_on_every_surface(theme: str, tone: str) -> None:
    colours = THEMES[theme]
    for surface in ("card", "bg"):
        assert contrast(getattr(colours, tone), getattr(colours, surface)) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
def test_text_can_be_read_where_it_lies_on_colour(theme: str) -> None:
    colours = THEMES[theme]
    pairs = [
        (colours.on_accent, colours.accent),
        (colours.text3, colours.accent_soft),
        (colours.text3, colours.rail),
        (colours.text3, colours.neutral_soft),
    ]
    pairs += [(getattr(colours, t), getattr(colours, f"{t}_soft"))
              for t in ("ok", "info", "warn", "bad")]  # fmt: skip
    assert min(contrast(text, surface) for text, surface in pairs) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
def test_controls_and_series_stand_out_from_the_card(theme: str) -> None:
    colours = THEMES[theme]
    for line in (colours.ctl, colours.focus, *(rule.colour(theme) for rule in SERIES)):
        assert contrast(line, colours.card) >= 3.0
    for rule in SERIES:
        assert contrast(rule.ink(theme), colours.card) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
def test_the_darkest_heat_cell_keeps_its_number_readable(theme: str) -> None:
    colours = THEMES[theme]
    darkest = mix(colours.card, colours.accent, colours.heat_share)
    assert contrast(colours.text, darkest) >= 4.5


def test_no_two_series_share_dash_and_mark() -> None:
    looks = {(rule.dash, rule.mark) for rule in SERIES[1:]}
    assert len(looks) == len(SERIES) - 1
