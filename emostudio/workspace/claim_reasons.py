"""Why a published gain was or was not reached by this network: counted, never typed in."""

from __future__ import annotations

from collections.abc import Sequence

from emostudio.core.measured import Footprint
from emostudio.statistics.blocks import MARGIN

_WORTH_SAYING = 0.05
_UNKNOWN = "how the layers changed was not noted when this variant was made"


def theory(published: float, changed: float, kept: float) -> float | None:
    """Return the gain of the whole if the changed part gained what was published (Amdahl).

    Parameters
    ----------
    published
        Gain of the changed part.
    changed, kept
        Bytes or multiply-adds of the parent that the method changed, and left as they were.
    """
    total = changed + kept
    return total / (kept + changed / published) if total > 0 else None


def size_theory(published: float, found: Footprint | None) -> float | None:
    """Return how much smaller this network can be, if its changed layers shrink as published."""
    if found is None:
        return None
    return theory(published, found.changed_bytes_before, found.kept_bytes)


def speed_theory(published: float, found: Footprint | None) -> float | None:
    """Return how much faster this network can be, by multiply-adds, if its layers gain as much.

    None where no layer was replaced, as by early exits: the gain then depends on the pictures.
    """
    if found is None or not found.changed_macs_before:
        return None
    return theory(published, found.changed_macs_before, found.kept_macs)


def size_reason(published: float, here: float, disk_bytes: int, found: Footprint | None) -> str:
    """Say where the bytes are that keep a file of `disk_bytes` from the published factor."""
    if here >= published * (1 - MARGIN):
        return f"reached: {here:.1f}× of {published:g}×"
    if found is None:
        return _UNKNOWN
    parts = (_kept(published, found), _within(published, found), _header(disk_bytes, found))
    return "; ".join(part for part in parts if part)


def speed_reason(
    published: float, here: float | None, kernels: str, found: Footprint | None
) -> str:
    """Say why the network is not as much faster as published, as far as its layers tell."""
    if kernels == "simulated":
        return "no real kernel runs it on this engine, so it has no time of its own"
    if here is None:
        return "its speed was not measured against its parent"
    if here >= published * (1 - MARGIN):
        return f"reached: {here:.2f}× of {published:g}×"
    if found is None:
        return _UNKNOWN
    parts = [_kept_macs(published, found), _macs_words(here, found), _layer_words(found)]
    return "; ".join(part for part in parts if part)


def _kept(published: float, found: Footprint) -> str:
    ceiling = size_theory(published, found)
    if ceiling is None or ceiling >= published * (1 - MARGIN):
        return ""
    share = found.kept_bytes / (found.kept_bytes + found.changed_bytes_before)
    return (
        f"{100 * share:.1f} % of the bytes lie in layers left as they were{_named(found.kept)}, "
        f"so that {ceiling:.1f}× is the most for this network"
    )


def _within(published: float, found: Footprint) -> str:
    if not found.changed_bytes:
        return ""
    factor = found.changed_bytes_before / found.changed_bytes
    if factor >= published * (1 - MARGIN):
        return f"the changed layers did shrink {factor:.1f}×"
    words = f"the changed layers shrank {factor:.1f}×, not {published:g}×"
    extra = {
        role: size / found.changed_bytes
        for role, size in sorted(found.parts.items(), key=lambda part: -part[1])
        if role != "values" and size > _WORTH_SAYING * found.changed_bytes
    }
    if len(found.parts) < 2 or not extra:
        return words
    listed = ", ".join(f"{role} {100 * share:.0f} %" for role, share in extra.items())
    return f"{words} (of their bytes now: {listed})"


def _header(disk_bytes: int, found: Footprint) -> str:
    rest = disk_bytes - found.changed_bytes - found.kept_bytes
    if rest < _WORTH_SAYING * disk_bytes:
        return ""
    return f"{100 * rest / disk_bytes:.0f} % of the file is its description, not weights"


def _kept_macs(published: float, found: Footprint) -> str:
    ceiling = speed_theory(published, found)
    if ceiling is None or ceiling >= published * (1 - MARGIN):
        return ""
    share = found.kept_macs / (found.kept_macs + found.changed_macs_before)
    return (
        f"{100 * share:.1f} % of the multiply-adds are in layers left as they were, "
        f"so that {ceiling:.1f}× is the most for this network"
    )


def _macs_words(here: float, found: Footprint) -> str:
    before = found.kept_macs + found.changed_macs_before
    after = found.kept_macs + found.changed_macs
    if not (before and after):
        return ""
    fewer = before / after
    if not found.changed_macs_before:
        return (
            f"no layer was replaced, and those added make it {after / before:.2f} times the "
            "multiply-adds where all of them run: the gain depends on the pictures"
        )
    if abs(fewer - 1) <= MARGIN:
        return "the number of multiply-adds stays the same"
    if fewer < 1:
        return f"it needs {1 / fewer:.2f} times the multiply-adds of its parent"
    yet = "yet it is no faster" if here <= 1 + MARGIN else f"which gave {here:.2f}× here"
    return f"it needs {fewer:.2f} times fewer multiply-adds, {yet}"


def _layer_words(found: Footprint) -> str:
    if found.layers <= found.layers_before or not found.changed_macs_before:
        return ""
    return f"{found.layers_before} layers became {found.layers}, each with a start of its own"


def _named(layers: Sequence[str]) -> str:
    return f" ({', '.join(layers)})" if layers else ""
