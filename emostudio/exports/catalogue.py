"""The catalogue of export formats."""

from __future__ import annotations

from emostudio.core.catalogue import Catalogue
from emostudio.core.errors import InputError
from emostudio.exports.base import Exporter
from emostudio.models.loaded import LoadedModel

EXPORTERS: Catalogue[Exporter] = Catalogue("emostudio.exports.formats", "EXPORTER", "export format")


def exporter_for(key: str | None, name: str) -> Exporter:
    """Return the format called `key`, or the one that a file name says.

    Raises
    ------
    InputError
        If there is no such format, or the name does not fit it.
    """
    members = EXPORTERS.members()
    if key is not None:
        chosen = EXPORTERS.get(key)
        if chosen.suffix and not name.lower().endswith(chosen.suffix):
            raise InputError(
                f"{name} is not a file name for {chosen.title}",
                next_step=f"End it with {chosen.suffix}",
            )
        return chosen
    fitting = [one for one in members.values() if one.suffix and name.lower().endswith(one.suffix)]
    if not fitting:
        endings = ", ".join(f"{one.key} ({one.suffix or 'a folder'})" for one in members.values())
        raise InputError(
            f"The name {name} does not say which format is wanted",
            next_step=f"Name one with --format: {endings}",
        )
    return max(fitting, key=lambda one: len(one.suffix))


def export_refusals(model: LoadedModel) -> dict[str, str]:
    """Return why a model cannot be exported, by format; the others can be tried."""
    reasons = {key: member.refuses(model) for key, member in EXPORTERS.members().items()}
    return {key: reason for key, reason in reasons.items() if reason}
