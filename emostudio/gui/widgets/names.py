"""Names where there is little room."""

from __future__ import annotations


def short_name(name: str, baseline: str) -> str:
    """Return what sets a variant apart: its name without that of the model it was made from."""
    rest = name.removeprefix(baseline)
    if not baseline or rest == name:
        return name
    return rest.strip("-_ ").replace("_", " ") or name
