"""Layer by layer: time, weight error, multiply-adds and bytes, parent beside its children."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from emostudio.core.comparing import LayerProfile, ModelProfile, ProfileReport
from emostudio.workspace.charts.base import Bar, Bars, ChartKind, Panel, Scale
from emostudio.workspace.charts.material import Material

_Value = Callable[[LayerProfile], float | None]


def _draw(material: Material) -> tuple[Panel, ...]:
    slots = _slots(material)
    best = _shown(material)
    return tuple(_panels(best, slots)) if best is not None else ()


def _slots(material: Material) -> dict[str, int]:
    return {row.model: row.slot for row in material.comparison.rows}


def _shown(material: Material) -> ProfileReport | None:
    # times of two runs are not comparable: the one that holds most of the models is drawn
    slots = _slots(material)
    best = max(material.profiles, key=lambda report: _count(report, slots), default=None)
    return best if best is not None and _count(best, slots) else None


def _blockers(material: Material) -> tuple[str, ...]:
    shown = _shown(material)
    return shown.warnings if shown is not None else ()


def _count(report: ProfileReport, slots: dict[str, int]) -> int:
    return sum(profile.model in slots for profile in report.profiles)


def _panels(report: ProfileReport, slots: dict[str, int]) -> list[Bars]:
    shown = [profile for profile in report.profiles if profile.model in slots]
    rows = _rows(shown)
    engines = ", ".join(f"{profile.model}: {profile.engine}" for profile in shown)
    threads = f"{shown[0].threads} {'thread' if shown[0].threads == 1 else 'threads'}"
    time_note = (
        f"Watched inside the network, median and 95 % interval over {report.blocks} blocks; "
        f"{threads}; {engines}. The sum is no latency"
    )
    time_note = ". ".join((time_note, *report.warnings))
    first = shown[0].model
    panels = (
        _panel("Time, ms", "ms", (shown, rows, slots), lambda one: one.ms, time_note),
        _panel("Weight error, %", "%", (shown, rows, slots),
               lambda one: None if one.weight_error is None else 100 * one.weight_error,
               f"Against the weights of {first}, relative Frobenius norm"),
        _panel("Multiply-adds, million", "million", (shown, rows, slots),
               lambda one: one.macs / 1e6 if one.macs else None, "Of one picture, counted"),
        _panel("Stored, kB", "kB", (shown, rows, slots),
               lambda one: one.disk_bytes / 1e3 if one.disk_bytes else None,
               "The layer's share of the file, counted"),
    )  # fmt: skip
    return [panel for panel in panels if panel is not None]


def _rows(profiles: Sequence[ModelProfile]) -> tuple[str, ...]:
    """Return the layers with arithmetic or a time of their own, in the order in which they run."""
    return tuple(
        dict.fromkeys(
            layer.layer
            for profile in profiles
            for layer in profile.layers
            if layer.macs or layer.ms is not None
        )
    )


def _panel(
    title: str,
    unit: str,
    what: tuple[Sequence[ModelProfile], tuple[str, ...], dict[str, int]],
    value: _Value,
    note: str,
) -> Bars | None:
    profiles, rows, slots = what
    layers = [{layer.layer: layer for layer in profile.layers} for profile in profiles]
    is_time = unit == "ms"
    values = tuple(
        tuple(_bar(known.get(row), value, has_interval=is_time) for known in layers) for row in rows
    )
    kept = [place for place, row in enumerate(values) if any(bar.value is not None for bar in row)]
    if not kept:
        return None
    series = tuple((profile.model, slots[profile.model]) for profile in profiles)
    return Bars(
        title,
        Scale(unit),
        tuple(rows[place] for place in kept),
        series,
        tuple(values[place] for place in kept),
        3,
        note,
    )


def _bar(layer: LayerProfile | None, value: _Value, *, has_interval: bool) -> Bar:
    if layer is None:
        return Bar(None)
    return Bar(value(layer), layer.interval if has_interval else None)


CHART = ChartKind(
    key="layers",
    title="Layer by layer",
    summary="Time, weight error, multiply-adds and bytes of every layer, parent beside child",
    note="parent beside child; time with its 95 % interval, the rest is counted",
    missing="Profile the layers of a variant first: under Layers at the right.",
    draw=_draw,
    order=10,
    blockers=_blockers,
    is_measured=False,
)
