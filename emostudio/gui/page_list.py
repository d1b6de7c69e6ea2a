"""Which pages there are: one file each, in the order of the rail."""

from __future__ import annotations

import importlib.util

from PySide6.QtCore import QCoreApplication

from emostudio.gui.rail import RailEntry

PAGES = (
    RailEntry("home", "Home", "home"),
    RailEntry("data", "Data", "data"),
    RailEntry("models", "Models", "models"),
    RailEntry("compress", "Compress", "compress"),
    RailEntry("jobs", "Jobs", "jobs"),
    RailEntry("compare", "Compare", "compare"),
    RailEntry("live", "Live", "live"),
    RailEntry("paper", "Paper", "paper"),
)
"""Pages in the order of the rail; those whose file is not there are left out."""

SETTINGS = RailEntry("settings", "Settings", "settings", "Ctrl+,")
"""The page at the bottom of the rail."""


def available_pages() -> list[RailEntry]:
    """Return the pages that have a file, numbered by the digit that opens them."""
    found = [
        entry
        for entry in PAGES
        if importlib.util.find_spec(f"emostudio.gui.pages.{entry.key}") is not None
    ]
    return [
        RailEntry(
            entry.key, QCoreApplication.translate("Pages", entry.text), entry.icon, str(number)
        )
        for number, entry in enumerate(found, 1)
    ]
