"""The card of this machine on disk, in the user's state folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json, to_json

from emostudio.core.atomic import write_text
from emostudio.core.errors import InputError
from emostudio.core.machine_card import SCHEMA_VERSION, MachineCard
from emostudio.core.paths import state_folder
from emostudio.core.settings import first_fault

_FILE = "machine_card.json"
_MOST_BYTES = 1_000_000
"""A card has a few thousand; what is larger is something else."""


@dataclass(frozen=True)
class Recalled:
    """What lies on disk.

    Attributes
    ----------
    card
        None where nothing usable does.
    notice
        Why what lies there cannot be used, empty otherwise.
    """

    card: MachineCard | None = None
    notice: str = ""


def recall() -> Recalled:
    """Return the stored card; a damaged one is no error, only a reason to measure anew."""
    file = card_file()
    if not file.exists():
        return Recalled()
    try:
        return Recalled(read_card(file))
    except InputError as error:
        return Recalled(notice=f"The stored machine card is of no use: {error.why}")


def read_card(file: Path) -> MachineCard:
    """Read a card, of this machine or of another: a stored one, or an exported report.

    Raises
    ------
    InputError
        If the file is damaged, no card, or written by another version.
    """
    next_step = "Measure again with emostudio probe"
    try:
        size = file.stat().st_size
        content = file.read_bytes() if size <= _MOST_BYTES else b""
        document = _document(content)
        version = document.get("schema_version", SCHEMA_VERSION)
        if version == SCHEMA_VERSION:
            return MachineCard.model_validate_json(to_json(document))
    except OSError as error:
        why = error.strerror or str(error)
        raise InputError(f"{file} cannot be read", why=why, next_step=next_step) from error
    except ValueError as error:
        why = f"it is damaged ({_fault(error)})"
        raise InputError(f"{file} is no machine card", why=why, next_step=next_step) from error
    why = f"its format has version {str(version)[:20]}, known is {SCHEMA_VERSION}"
    raise InputError(f"{file} cannot be used", why=why, next_step=next_step)


def _document(content: bytes) -> dict[str, Any]:
    document = from_json(content)
    if isinstance(document, dict) and "card" in document:
        document = document["card"]
    if not isinstance(document, dict):
        raise ValueError("it holds no card")  # noqa: TRY004 - damaged like any other content
    return document


def keep(card: MachineCard) -> None:
    """Store the card of this machine, in place of an earlier one.

    Raises
    ------
    EmoStudioError
        If the disk refuses.
    """
    write_text(card_file(), card.model_dump_json(indent=2) + "\n")


def _fault(error: ValueError) -> str:
    return first_fault(error) if isinstance(error, ValidationError) else str(error)


def card_file() -> Path:
    """Return where the card of this machine is kept."""
    return state_folder() / _FILE
