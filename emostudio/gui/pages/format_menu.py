"""The file formats of reports as a menu, as the engine lists them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from emostudio.core.answers import CatalogueAnswer, FormatEntry


def formats_of(
    catalogue: CatalogueAnswer | None, *, for_charts: bool = False
) -> tuple[FormatEntry, ...]:
    """Return the known formats, or those that take a single chart."""
    known = catalogue.formats if catalogue is not None else ()
    return tuple(entry for entry in known if entry.writes_charts or not for_charts)


def add_formats(
    menu: QMenu, formats: Sequence[FormatEntry], choose: Callable[[str], object]
) -> None:
    """Add one action per format; `choose` is told the suffix.

    Families are kept apart by lines. Without any format the menu says what is awaited.
    """
    if not formats:
        waiting = QCoreApplication.translate("FormatMenu", "The engine is starting")
        menu.addAction(waiting).setEnabled(False)
    menu.setToolTipsVisible(True)
    family = formats[0].family if formats else ""
    for entry in formats:
        if entry.family != family:
            menu.addSeparator()
            family = entry.family
        action = QAction(f"{entry.title}…", menu)
        action.setToolTip(entry.summary)
        action.triggered.connect(lambda _=False, suffix=entry.key: choose(suffix))
        menu.addAction(action)
