"""A machine card as a file: JSON holds everything, CSV one line per reading and method."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path

from emostudio.core.atomic import write_json, write_text
from emostudio.core.errors import InputError
from emostudio.core.machine_card import Gain, MachineCardReport

_WORDS = (
    "kind", "key", "title", "what", "engine", "value", "low", "high", "unit", "gain", "gain_low",
    "gain_high", "against", "outlook", "reason",
)  # fmt: skip


def write_card(report: MachineCardReport, out: Path) -> Path:
    """Write a card and what it says about the methods.

    Parameters
    ----------
    report
        With a card.
    out
        File to write; its suffix, json or csv, decides the format.

    Returns
    -------
    The file.

    Raises
    ------
    InputError
        If the suffix is another.
    """
    write = _FORMATS.get(out.suffix.lower())
    if write is None:
        known = ", ".join(suffix.removeprefix(".") for suffix in _FORMATS)
        raise InputError(
            f"A machine card cannot become {out.name}",
            why=f"{out.suffix or 'a file without a suffix'} is no format of it",
            next_step=f"Choose one of {known}",
        )
    write(report, out)
    return out


def _write_json(report: MachineCardReport, out: Path) -> None:
    write_json(out, report.model_dump(mode="json", exclude={"out"}))


def _write_csv(report: MachineCardReport, out: Path) -> None:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(_WORDS)
    writer.writerows(_lines(report))
    write_text(out, stream.getvalue())


def _lines(report: MachineCardReport) -> Iterator[list[str]]:
    card = report.card
    if card is None:
        return
    yield ["machine", "", card.machine.line, f"measured {card.measured}"] + [""] * 11
    for reading in card.readings:
        figures = [_number(value) for value in (reading.value, reading.low, reading.high)]
        yield [
            "reading", reading.key, reading.title, reading.what, reading.engine, *figures,
            reading.unit, *_gain(reading.gain), "", reading.why_not,
        ]  # fmt: skip
    for method in report.ranking:
        yield [
            "method", method.method, method.title, "", "", "", "", "", "",
            *_gain(method.gain), method.outlook, method.reason,
        ]  # fmt: skip
    for warning in (*card.warnings, *report.stale):
        yield ["warning", "", "", ""] + [""] * 10 + [warning]


def _gain(gain: Gain | None) -> list[str]:
    if gain is None:
        return [""] * 4
    return [_number(gain.ratio), _number(gain.low), _number(gain.high), gain.against]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.10g}"


_FORMATS: dict[str, Callable[[MachineCardReport, Path], None]] = {
    ".json": _write_json,
    ".csv": _write_csv,
}
