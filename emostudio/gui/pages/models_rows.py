"""How models read: the tree, the layer table, what changed against the parent."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication

from emostudio.core.answers import LayerReport, ModelReport, SizeFigure
from emostudio.core.units import format_bytes, format_count, signed, signed_interval
from emostudio.gui.widgets.lineage import LineageItem
from emostudio.qt.table_models import Cell, Column, Row
from emostudio.workspace.comparison import ComparisonRow, compare
from emostudio.workspace.records import EvaluationRecord, ModelRecord


def _tr(text: str) -> str:
    return QCoreApplication.translate("Models", text)


LAYER_COLUMNS = (
    Column("name", "Layer"),
    Column("kind", "Kind", width=86),
    Column("shape", "Output", width=96),
    Column("parameters", "Parameters", "thousand", is_number=True, width=84),
    Column("macs", "MACs", "million", is_number=True, width=72),
    Column("disk", "On disk", "kB", is_number=True, width=74),
)


def lineage_items(
    models: Sequence[ModelRecord], titles: Mapping[str, str], claims: Collection[str] = ()
) -> list[LineageItem]:
    """Return teachers with their descendants below them."""
    by_name = {model.name: model for model in models}
    children: dict[str, list[ModelRecord]] = {}
    for model in models:
        parent = model.parent if model.parent in by_name and model.parent != model.name else ""
        children.setdefault(parent or "", []).append(model)
    items: list[LineageItem] = []
    seen: set[str] = set()

    def add(model: ModelRecord, depth: int) -> None:
        if model.name in seen:
            return
        seen.add(model.name)
        items.append(
            LineageItem(
                name=model.name,
                detail=detail_line(model, titles),
                right=format_bytes(model.disk_bytes),
                depth=depth,
                verdict=verdict_of(model, by_name.get(model.parent or ""), claims),
            )
        )
        for child in children.get(model.name, ()):
            add(child, depth + 1)

    for root in children.get("", ()):
        add(root, 0)
    return items


def detail_line(model: ModelRecord, titles: Mapping[str, str]) -> str:
    """Return what a model is in a few words; `titles` names architectures by key."""
    recipe = model.info.recipe
    if recipe.steps:
        return recipe.name or ", ".join(titles.get(s.method, s.method) for s in recipe.steps)
    word = _tr("Teacher") if model.role == "teacher" else _tr("Variant")
    if model.info.is_black_box:
        return _tr("{0}, imported, only outputs known").format(word)
    trained = model.info.lineage.dataset
    base = f"{word}, {titles.get(model.info.architecture, model.info.architecture)}"
    return _tr("{0}, trained on {1}").format(base, trained) if trained else base


def against_parent(
    model: ModelRecord, parent: ModelRecord | None, claims: Collection[str] = ()
) -> ComparisonRow | None:
    """Return a variant's row beside its parent; None without a parent."""
    if parent is None or parent.name == model.name:
        return None
    pair = compare((parent, model), baseline=parent.name, speed_claims=claims)
    return pair.rows[1]


def verdict_of(model: ModelRecord, parent: ModelRecord | None, claims: Collection[str] = ()) -> str:
    """Return the verdict on a variant against its parent, empty if its time was not measured."""
    row = against_parent(model, parent, claims)
    return row.verdict if row is not None and (row.speed or row.kernels == "simulated") else ""


def layer_rows(layers: Sequence[LayerReport]) -> list[Row]:
    """Return the layer table with heat per column and a total."""
    most = {
        key: max((getattr(layer, key) for layer in layers), default=0) or 1
        for key in ("parameters", "macs", "disk_bytes")
    }
    rows = [
        Row(
            layer.name,
            {
                "name": Cell(layer.name, is_bold=True),
                "kind": Cell(layer.kind, tone="text2"),
                "shape": Cell(_shape(layer.output_shape), tone="text2"),
                "parameters": _heat(layer.parameters, 1e3, most["parameters"], "{0:,.1f}"),
                "macs": _heat(layer.macs, 1e6, most["macs"], "{0:,.2f}"),
                "disk": _heat(layer.disk_bytes, 1e3, most["disk_bytes"], "{0:,.1f}"),
            },
        )
        for layer in layers
    ]
    sums = [sum(getattr(layer, key) for layer in layers) for key in most]
    total = {
        "name": Cell(_tr("Total"), is_bold=True),
        "parameters": Cell(f"{sums[0] / 1e3:,.1f}", sort=sums[0], is_bold=True),
        "macs": Cell(f"{sums[1] / 1e6:,.2f}", sort=sums[1], is_bold=True),
        "disk": Cell(f"{sums[2] / 1e3:,.1f}", sort=sums[2], is_bold=True),
    }
    return [*rows, Row("total", total, is_total=True)] if rows else []


def _shape(shape: tuple[int, ...]) -> str:
    return " × ".join(str(size) for size in shape)


def _heat(value: int, unit: float, most: int, digits: str) -> Cell:
    if not value:
        return Cell(sort=0, tone="text3")
    return Cell(digits.format(value / unit), sort=value, heat=value / most)


@dataclass(frozen=True)
class Change:
    """One figure of a variant beside its parent's; `share` is child over parent.

    `tip` is how sure it is, and what measured it.
    """

    name: str
    parent: str
    child: str
    words: str
    tone: str
    share: float
    tip: str = ""


def changes(model: ModelRecord, parent: ModelRecord) -> list[Change]:
    """Return what a variant gained and cost against its parent, as far as it is measured."""
    found = [_smaller(_tr("On disk"), parent.disk_bytes, model.disk_bytes, format_bytes)]
    for name, old, new in (
        (_tr("Parameters"), parent.parameters, model.parameters),
        (_tr("MACs"), parent.macs, model.macs),
    ):
        if old and new:
            found.append(_smaller(name, old, new, format_count))
    found += _time_change(model, parent)
    judged = _on_the_same_pictures(model, parent)
    if judged is not None:
        new_share, old_share = (record.result.accuracy for record in judged)
        points = 100 * (new_share - old_share)
        found.append(
            Change(
                _tr("Accuracy"),
                f"{100 * old_share:.1f}",
                f"{100 * new_share:.1f} %",
                f"{signed(points)} points",
                "text2",
                new_share,
                _accuracy_tip(*judged),
            )
        )
    return found


def _on_the_same_pictures(
    model: ModelRecord, parent: ModelRecord
) -> tuple[EvaluationRecord, EvaluationRecord] | None:
    """Return the newest accuracies that can be compared."""
    pairs = [(new, old) for new in model.evaluations for old in parent.evaluations]
    noted = (pair for pair in pairs if pair[0].pictures == pair[1].pictures)
    unnoted = (pair for pair in pairs if pair[0].may_be_on(pair[1].pictures))
    return next(noted, None) or next(unnoted, None)


def _accuracy_tip(new: EvaluationRecord, old: EvaluationRecord) -> str:
    """Return the interval of the difference, where both were judged together."""
    paired = next((pair for pair in new.paired if pair.a == old.result.model), None)
    if paired is None:
        return _tr("No interval: the two were not evaluated together")
    low, high = (100 * end for end in paired.interval)
    return _tr("{0} points (95 % {1}), {2} pictures judged by both").format(
        signed(100 * paired.difference), signed_interval(low, high), f"{new.result.samples:,}"
    )


def _smaller(name: str, old: float, new: float, words: object) -> Change:
    factor = old / new if new else 1.0
    text = f"÷ {factor:.1f}" if factor >= 1.005 else _tr("no change")
    if factor < 0.995:
        text = f"× {1 / factor:.2f}"
    tone = "ok" if factor >= 1.005 else "text2"
    return Change(name, words(old), words(new), text, tone, min(1.0, new / old if old else 1.0))  # type: ignore[operator]  # a formatter


def _time_change(model: ModelRecord, parent: ModelRecord) -> list[Change]:
    """Return the times of both, if they were interleaved with each other."""
    row = against_parent(model, parent)
    if row is None or row.speed is None or row.latency_ms is None:
        return []
    new_ms = row.latency_ms.p50
    old_ms = compare((parent, model), baseline=parent.name).rows[0].latency_ms
    if old_ms is None:
        return []
    return [
        Change(
            _tr("Inference, p50"),
            f"{old_ms.p50:.2f}",
            f"{new_ms:.2f} ms",
            _tr("{0}× the speed").format(f"{row.speed.ratio:.2f}"),
            "text2",
            min(1.0, new_ms / old_ms.p50),
            _speed_tip(row),
        )
    ]


def _speed_tip(row: ComparisonRow) -> str:
    """Return the interval of the ratio, and which engine ran on how many threads."""
    if row.speed is None:
        return ""
    low, high = row.speed.interval
    words = _tr("{0}× (95 % {1}–{2})").format(f"{row.speed.ratio:.2f}", f"{low:.2f}", f"{high:.2f}")
    engine = ", ".join(part for part in (row.engine, _threads(row.threads)) if part)
    return f"{words}, {engine}" if engine else words


def _threads(count: int | None) -> str:
    if count is None:
        return ""
    return _tr("1 thread") if count == 1 else _tr("{0} threads").format(count)


def detail_rows(report: ModelReport, titles: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return facts of a model as name and value; `titles` names architectures by key."""
    info = report.info
    channels = "RGB" if info.preprocessing.channels == 3 else _tr("grey")
    size = (
        f"{info.preprocessing.channels} × {info.preprocessing.height} × {info.preprocessing.width}"
    )
    lineage = info.lineage
    counted = [(one.what.capitalize(), _size_words(one)) for one in report.sizes[:-1]]
    return [
        (_tr("Architecture"), titles.get(report.architecture, report.architecture)),
        (_tr("Input"), f"{size}, {channels}"),
        (_tr("Labels"), f"{len(report.labels)}: {', '.join(report.labels)}"),
        (_tr("Parameters"), format_count(report.parameters) if report.parameters else "–"),
        (_tr("MACs"), format_count(report.macs) if report.macs else "–"),
        *counted,
        (_tr("On disk"), format_bytes(report.disk_bytes)),
        (_tr("Dataset"), lineage.dataset or "–"),
        (_tr("Run"), lineage.run or "–"),
        (_tr("Seed"), "–" if lineage.seed is None else str(lineage.seed)),
    ]


def _size_words(size: SizeFigure) -> str:
    words = format_bytes(size.size_bytes)
    return _tr("{0}, a claim").format(words) if size.is_claim else words
