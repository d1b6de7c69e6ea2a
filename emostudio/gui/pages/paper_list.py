"""The list of experiments: Tables 1 to 3 and Figures 1 to 6, each with its state."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QCoreApplication

from emostudio.gui.widgets.run_list import RunItem
from emostudio.paper.catalogue import EVERYTHING, EXPERIMENTS
from emostudio.paper.results import ResultTable

FIGURES = "figures"
_FIGURES_SUBTITLES = (
    "Baseline error rates",
    "HashedNet error rates",
    "SqueezeNet error rates",
    "BWN error rates",
    "XNOR error rates",
    "XNOR, real weights",
)
_LOOKS = {"done": ("check", "ok"), "running": ("play", "accent_text"), "open": ("clock", "text3")}


def table_key(entry: str) -> str:
    """Return the table that an entry of the list shows."""
    return FIGURES if entry.startswith("figure") else entry


def entry_items(tables: Mapping[str, ResultTable], running: str) -> list[RunItem]:
    """Return the entries; `running` is the experiment a job works on, `EVERYTHING` for all."""
    made = [
        _item(key, EXPERIMENTS.get(key).title, table.subtitle, _state(table, running))
        for key, table in tables.items()
        if key != FIGURES
    ]
    figures = tables.get(FIGURES)
    for place, row in enumerate(figures.rows if figures is not None else ()):
        state = "done" if row.models else "running" if running in {FIGURES, EVERYTHING} else "open"
        title = f"{_tr('Figure')} {place + 1}"
        made.append(_item(row.key, title, _FIGURES_SUBTITLES[place], state))
    return made


def done_count(items: list[RunItem]) -> int:
    """Return how many entries are done."""
    return sum(item.icon == _LOOKS["done"][0] for item in items)


def _state(table: ResultTable, running: str) -> str:
    if table.is_complete:
        return "done"
    return "running" if running in {table.key, EVERYTHING} else "open"


def _item(key: str, title: str, subtitle: str, state: str) -> RunItem:
    icon, token = _LOOKS[state]
    return RunItem(title, run_id=key, icon=icon, token=token, message=subtitle)


def _tr(text: str) -> str:
    return QCoreApplication.translate("PaperPage", text)
