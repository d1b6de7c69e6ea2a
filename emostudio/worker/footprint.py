"""What a recipe changed of its parent: noted in the variant, for the claim ledger."""

from __future__ import annotations

from dataclasses import replace

from emostudio.core.answers import LayerReport
from emostudio.core.measured import Footprint
from emostudio.models.loaded import LoadedModel
from emostudio.worker.model_report import described_model
from emostudio.workspace.claims import FOOTPRINT_KEY

_KEPT_SHOWN = 4


def with_footprint(variant: LoadedModel, parent: LoadedModel) -> LoadedModel:
    """Note in a variant's description what was changed; black boxes have no layers to compare."""
    if variant.module is None or parent.module is None:
        return variant
    found = footprint(
        described_model(parent, 0).layers,
        described_model(variant, 0).layers,
    )
    measurements = {**variant.info.measurements, FOOTPRINT_KEY: found.model_dump(mode="json")}
    info = variant.info.model_copy(update={"measurements": measurements})
    return replace(variant, info=info)


def footprint(before: tuple[LayerReport, ...], after: tuple[LayerReport, ...]) -> Footprint:
    """Compare two networks layer by layer; layers that were split are taken together.

    Parameters
    ----------
    before, after
        Layers of the parent and of the variant; a layer named ``a.b.0`` of the variant belongs to
        ``a.b`` of the parent, and what belongs to none was added.
    """
    names = {layer.name for layer in before}
    parts: dict[str, list[LayerReport]] = {name: [] for name in names}
    added: list[LayerReport] = []
    for layer in after:
        owner = _owner(layer.name, names)
        (parts[owner] if owner is not None else added).append(layer)
    changed = [layer for layer in before if _is_changed(layer, parts[layer.name])]
    kept = [layer for layer in before if layer not in changed]
    now = [*added, *(part for layer in changed for part in parts[layer.name])]
    weighty = sorted((k for k in kept if k.disk_bytes), key=lambda k: k.disk_bytes, reverse=True)
    return Footprint(
        changed=tuple(layer.name for layer in changed),
        kept=tuple(layer.name for layer in weighty[:_KEPT_SHOWN]),
        changed_bytes_before=sum(layer.disk_bytes for layer in changed),
        changed_bytes=sum(layer.disk_bytes for layer in now),
        kept_bytes=sum(layer.disk_bytes for layer in kept),
        changed_macs_before=sum(layer.macs for layer in changed),
        changed_macs=sum(layer.macs for layer in now),
        kept_macs=sum(layer.macs for layer in kept),
        parts=_parts(now),
        layers_before=sum(layer.macs > 0 for layer in before),
        layers=sum(layer.macs > 0 for layer in after),
    )


def _owner(name: str, names: set[str]) -> str | None:
    """Return the longest name of the parent that `name` is or lies inside."""
    while name and name not in names:
        name = name.rpartition(".")[0]
    return name or None


def _is_changed(layer: LayerReport, now: list[LayerReport]) -> bool:
    if len(now) != 1:
        return True
    (same,) = now
    old, new = (layer.kind, layer.disk_bytes, layer.macs), (same.kind, same.disk_bytes, same.macs)
    return old != new


def _parts(layers: list[LayerReport]) -> dict[str, int]:
    found: dict[str, int] = {}
    for layer in layers:
        for role, size in layer.stored.items():
            found[role] = found.get(role, 0) + size
    return found
