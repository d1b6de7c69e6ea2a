"""Pictures that a variant judges otherwise than the baseline, with the faces."""

from __future__ import annotations

from emostudio.core.comparing import ChangedPicture, ModelChanges
from emostudio.workspace.charts.base import (
    ChartKind,
    Gallery,
    Panel,
    Picture,
    PictureState,
    no_blockers,
)
from emostudio.workspace.charts.material import Material


def _draw(material: Material) -> tuple[Panel, ...]:
    shown = {row.model for row in material.comparison.rows}
    return tuple(_gallery(found) for found in material.changes if found.model in shown)


def _gallery(found: ModelChanges) -> Gallery:
    note = (
        f"{found.changed:,} of {found.pictures:,} pictures judged otherwise than by "
        f"{found.against}: {found.lost:,} lost, {found.gained:,} gained"
    )
    if len(found.shown) < found.changed:
        note += f"; {len(found.shown)} shown, the surest errors first"
    return Gallery(found.model, tuple(_picture(one) for one in found.shown), note)


def _picture(one: ChangedPicture) -> Picture:
    state: PictureState = "other"
    if one.before == one.truth:
        state = "lost"
    elif one.now == one.truth:
        state = "gained"
    return Picture(
        png_base64=one.png_base64,
        item=one.item,
        truth=one.truth.capitalize(),
        before=f"{one.before.capitalize()} {100 * one.confidence_before:.0f} %",
        now=f"{one.now.capitalize()} {100 * one.confidence_now:.0f} %",
        state=state,
    )


CHART = ChartKind(
    key="changes",
    title="Judged otherwise",
    summary="Pictures that a variant judges otherwise than the baseline, with the faces",
    note="the true emotion, what the baseline said, what the variant says",
    missing="Measure the accuracy of all these models together first.",
    draw=_draw,
    order=9,
    blockers=no_blockers,
    question="changes",
)
