"""What everything that can be picked declares; apart from `catalogue`, which loads more."""

from __future__ import annotations

from typing import Protocol

from pydantic import BaseModel


class Pickable(Protocol):
    """What every member of a catalogue declares about itself."""

    key: str
    title: str
    family: str
    summary: str
    reference: str
    settings_type: type[BaseModel]
