"""Two models side by side, layer by layer."""

from __future__ import annotations

from typing import Any

_FIGURES = ("parameters", "macs", "disk_bytes")


def difference(a: dict[str, Any], b: dict[str, Any]) -> dict[str, Any]:
    """Join two model reports (JSON data of `answers.ModelReport`) by layer name.

    Layers of the child that stand where one of the parent was, such as ``conv2.0`` for
    ``conv2``, are listed under the parent's layer.
    """
    layers_a = {layer["name"]: layer for layer in a["layers"]}
    layers_b = {layer["name"]: layer for layer in b["layers"]}
    joined: list[dict[str, Any]] = []
    used: set[str] = set()
    for name, layer in layers_a.items():
        parts = [
            other
            for key, other in layers_b.items()
            if key == name or (key.startswith(f"{name}.") and key not in layers_a)
        ]
        used.update(part["name"] for part in parts)
        joined.append(_entry(name, layer, parts))
    joined += [_entry(n, None, [layer]) for n, layer in layers_b.items() if n not in used]
    return {
        "a": _summary(a),
        "b": _summary(b),
        "ratios": {key: _ratio(a.get(key), b.get(key)) for key in _FIGURES},
        "layers": joined,
    }


def _entry(name: str, layer: dict[str, Any] | None, parts: list[dict[str, Any]]) -> dict[str, Any]:
    before = {key: layer[key] for key in ("kind", *_FIGURES)} if layer else None
    after: dict[str, Any] | None = None
    if parts:
        after = {"kind": " + ".join(dict.fromkeys(part["kind"] for part in parts))}
        after |= {key: sum(part[key] for part in parts) for key in _FIGURES}
    return {"name": name, "a": before, "b": after, "changed": before != after}


def _summary(report: dict[str, Any]) -> dict[str, Any]:
    return {key: report[key] for key in ("model", "architecture", *_FIGURES, "recipe")}


def _ratio(a: float | None, b: float | None) -> float | None:
    return a / b if a and b else None
