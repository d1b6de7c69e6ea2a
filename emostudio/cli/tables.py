"""Tables and numbers as the command line prints them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich.table import Table

from emostudio.cli.output import Output
from emostudio.core.units import format_bytes, format_count


def table(output: Output, titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under titles."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for title in titles:
        made.add_column(title, overflow="fold")
    for row in rows:
        made.add_row(*row)
    output.console.print(made, markup=False)


def percent(value: float | None) -> str:
    """Return a share in percent, nothing where it is unknown."""
    return "" if value is None else f"{100 * value:.1f} %"


def count(value: int | None) -> str:
    """Return a count, a dash where it is unknown."""
    return "–" if value is None else format_count(value)


def size(value: int | None) -> str:
    """Return a size, nothing where it is unknown."""
    return "" if value is None else format_bytes(value)


def milliseconds(latency: dict[str, Any] | None, key: str = "p50") -> str:
    """Return one figure of a latency, nothing where it was not measured."""
    value = (latency or {}).get(key)
    return "" if value is None else f"{value:.2f}"
