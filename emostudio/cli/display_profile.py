"""Layers of several models as one table: the parent's beside those of its children."""

from __future__ import annotations

from typing import Any

from emostudio.cli.output import Output
from emostudio.cli.tables import table
from emostudio.core.units import format_bytes, format_count

Document = dict[str, Any]
_NOTHING = ""


def show_profile(report: Document, output: Output) -> None:
    """Show time with interval, MACs, bytes, weight error and kernel of every layer."""
    titles = ("Layer", "Model", "Time ms", "95 %", "MACs", "Bytes", "Weight error", "Kernel")
    rows = []
    known = {
        profile["model"]: {layer["layer"]: layer for layer in profile["layers"]}
        for profile in report["profiles"]
    }
    for name in dict.fromkeys(name for layers in known.values() for name in layers):
        shown = [(model, layers[name]) for model, layers in known.items() if name in layers]
        if any(_is_worth_a_line(layer) for _, layer in shown):
            rows += [
                (name if number == 0 else _NOTHING, model, *_cells(layer))
                for number, (model, layer) in enumerate(shown)
            ]
    table(output, titles, rows)
    for profile in report["profiles"]:
        words = (
            f"{profile['model']} on {profile['engine']}: layers {profile['total_ms']:.3f} ms, of "
            f"which {profile['other_ms']:.3f} ms belong to none; no latency, watching costs time"
        )
        output.console.print(words, markup=False)
    for warning in report["warnings"]:
        output.console.print(f"warning: {warning}", markup=False)


def _is_worth_a_line(layer: Document) -> bool:
    return bool(layer["ms"] is not None or layer["macs"] or layer["disk_bytes"])


def _cells(layer: Document) -> tuple[str, ...]:
    low, high = layer["interval"] or (None, None)
    error = layer["weight_error"]
    return (
        _NOTHING if layer["ms"] is None else f"{layer['ms']:.4f}",
        _NOTHING if low is None else f"{low:.4f} to {high:.4f}",
        format_count(layer["macs"]) if layer["macs"] else _NOTHING,
        format_bytes(layer["disk_bytes"]) if layer["disk_bytes"] else _NOTHING,
        _NOTHING if error is None else f"{100 * error:.1f} %",
        ", ".join(layer["kernels"]),
    )
