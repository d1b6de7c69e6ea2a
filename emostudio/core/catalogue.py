"""Catalogues: everything the user can pick is one file in a folder, found here."""

from __future__ import annotations

import importlib
import pkgutil
from importlib import metadata
from typing import Generic, TypeVar

from emostudio.core.answers import CatalogueEntry, ClaimInfo
from emostudio.core.errors import InputError
from emostudio.core.pickable import Pickable

PickableT = TypeVar("PickableT", bound=Pickable)


class Catalogue(Generic[PickableT]):
    """The members of one package, one per module, each under the same attribute name.

    Parameters
    ----------
    package
        Dotted name of the package whose modules are searched.
    attribute
        Module attribute that holds the member, such as ``METHOD``.
    noun
        Singular word for errors, such as ``method``.
    entry_points
        Entry-point group through which other packages add members.
    """

    def __init__(
        self, package: str, attribute: str, noun: str, entry_points: str | None = None
    ) -> None:
        self._package = package
        self._attribute = attribute
        self.noun = noun
        self._entry_points = entry_points
        self._members: dict[str, PickableT] | None = None

    def _find(self) -> dict[str, PickableT]:
        package = importlib.import_module(self._package)
        members: dict[str, PickableT] = {}
        for module_info in pkgutil.iter_modules(package.__path__):
            module = importlib.import_module(f"{self._package}.{module_info.name}")
            declared = getattr(module, self._attribute, ())
            found: tuple[PickableT, ...] = declared if isinstance(declared, tuple) else (declared,)
            members.update((member.key, member) for member in found)
        if self._entry_points:
            for entry in metadata.entry_points(group=self._entry_points):
                loaded: PickableT = entry.load()
                members[loaded.key] = loaded
        return dict(sorted(members.items()))

    def members(self) -> dict[str, PickableT]:
        """Return all members by key, found on first use."""
        if self._members is None:
            self._members = self._find()
        return self._members

    def refresh(self) -> None:
        """Forget what was found, so that a new file is seen."""
        self._members = None

    def get(self, key: str) -> PickableT:
        """Return the member called `key`.

        Raises
        ------
        InputError
            Listing the known keys.
        """
        try:
            return self.members()[key]
        except KeyError:
            known = ", ".join(self.members())
            raise InputError(
                f"There is no {self.noun} called {key}", next_step=f"Known: {known}"
            ) from None

    def describe(self) -> tuple[CatalogueEntry, ...]:
        """Return the catalogue as data for forms and the command line."""
        return tuple(_describe(member) for member in self.members().values())


def _describe(member: Pickable) -> CatalogueEntry:
    availability = getattr(member, "why_unavailable", None)
    why_not = availability() if availability is not None else ""
    claim = getattr(member, "claim", None)
    return CatalogueEntry(
        key=member.key,
        title=member.title,
        family=member.family,
        summary=member.summary,
        reference=member.reference,
        settings=member.settings_type.model_json_schema(),
        available=not why_not,
        why_not=why_not,
        claim=claim if isinstance(claim, ClaimInfo) else None,
        suffix=getattr(member, "suffix", ""),
        needs_file=getattr(member, "needs_file", False),
    )
