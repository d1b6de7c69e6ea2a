"""A machine card for people; with JSON the console is silent."""

from __future__ import annotations

from typing import Any

from emostudio.cli.output import Output
from emostudio.cli.tables import table

Document = dict[str, Any]


def show_card(report: Document, output: Output) -> None:
    """Show readings, what they say about the methods, and how far they can be trusted."""
    if report["notice"]:
        output.console.print(report["notice"], markup=False)
    card = report["card"]
    if card is None:
        output.console.print("Nothing was measured on this machine yet: emostudio probe does it.")
        return
    machine = card["machine"]
    output.console.print(
        f"{machine['cpu']}, {machine['physical_cores']} cores, "
        f"{' '.join(machine['vector_units'])}; {_threads(card['threads'])}, "
        f"measured {card['measured']} in {card['seconds']:.0f} s",
        markup=False,
    )
    _show_readings(card, output)
    _show_ranking(report, output)
    for change in report["stale"]:
        output.console.print(f"No longer holds here: {change}", markup=False)
    for warning in card["warnings"]:
        output.console.print(f"Less to be trusted: {warning}", markup=False)
    if report["out"]:
        output.console.print(report["out"], markup=False)


def _show_readings(card: Document, output: Output) -> None:
    rows = [
        (
            reading["title"],
            _figure(reading["value"], reading["low"], reading["high"], ".1f"),
            reading["unit"],
            _gain(reading["gain"]),
            reading["why_not"] or f"{reading['what']}, {reading['engine']}",
        )
        for reading in card["readings"]
    ]
    table(output, ("Reading", "Rate (95 %)", "Unit", "Ratio (95 %)", "Of"), rows)


def _show_ranking(report: Document, output: Output) -> None:
    """Show methods with a gain one by one, all others together by their reason."""
    rows = [
        (one["title"], one["outlook"].capitalize(), _gain(one["gain"]), one["layers"])
        for one in report["ranking"]
        if one["gain"] is not None
    ]
    table(output, ("Method", "Its kernel here", "Gain of the kernel", "On"), rows)
    output.console.print(
        "A kernel's gain is the most that a whole network can gain by it.", markup=False
    )
    others: dict[str, list[str]] = {}
    for one in report["ranking"]:
        if one["gain"] is None:
            others.setdefault(one["reason"], []).append(one["title"])
    for reason, titles in others.items():
        output.console.print(f"{', '.join(titles)}: {reason}", markup=False)


def _threads(count: int) -> str:
    return "1 thread" if count == 1 else f"{count} threads"


def _gain(gain: Document | None) -> str:
    if gain is None:
        return ""
    figure = _figure(gain["ratio"], gain["low"], gain["high"], ".2f", "x")
    return f"{figure} {gain['against']}"


def _figure(value: float | None, low: float, high: float, form: str, sign: str = "") -> str:
    if value is None:
        return ""
    return f"{value:{form}}{sign} ({low:{form}}-{high:{form}})"
