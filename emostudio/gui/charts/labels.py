"""Where the names of points go: beside them, or stacked with leader lines. Pixels, no Qt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Box = tuple[float, float, float, float]
"""Left, top, width, height."""

_GAP = 10.0
_CROWD_DISTANCE = 18.0
_STACK_STEP = 2.0


@dataclass(frozen=True)
class LabelPlace:
    """Top left corner of a label; with a leader the line goes from the point to its left edge."""

    x: float
    y: float
    has_leader: bool = False


def overlaps(first: Box, second: Box) -> bool:
    """Return whether two boxes share any area."""
    return (
        first[0] < second[0] + second[2]
        and second[0] < first[0] + first[2]
        and first[1] < second[1] + second[3]
        and second[1] < first[1] + first[3]
    )


def place_labels(
    points: Sequence[tuple[float, float]],
    sizes: Sequence[tuple[float, float]],
    area: Box,
    obstacles: Sequence[Box] = (),
) -> list[LabelPlace]:
    """Find a place for the label of every point so that none covers another or a mark.

    Parameters
    ----------
    points
        Centres of the marks.
    sizes
        Width and height of each label.
    area
        The plot; labels stay inside.
    obstacles
        What labels should not cover, such as interval lines.

    Returns
    -------
    One place per point. Points closer than a mark's width to each other get stacked labels with
    leaders, as do points whose four sides are all taken.
    """
    marks = [(x - 7, y - 7, 14.0, 14.0) for x, y in points]
    places: dict[int, LabelPlace] = {}
    taken: list[Box] = list(obstacles)
    crowded = _crowded(points)
    for index in sorted(range(len(points)), key=lambda i: points[i][1]):
        if index in crowded:
            continue
        box = _beside(index, points, sizes, area, marks, taken)
        if box is None:
            crowded.append(index)
            continue
        taken.append(box)
        places[index] = LabelPlace(box[0], box[1])
    for index in sorted(crowded, key=lambda i: points[i][1]):
        box = _stacked(points[index], sizes[index], area, marks, taken)
        taken.append(box)
        places[index] = LabelPlace(box[0], box[1], has_leader=True)
    return [places[index] for index in range(len(points))]


def _crowded(points: Sequence[tuple[float, float]]) -> list[int]:
    def near(i: int, j: int) -> bool:
        dx, dy = points[i][0] - points[j][0], points[i][1] - points[j][1]
        return i != j and dx * dx + dy * dy < _CROWD_DISTANCE**2

    count = range(len(points))
    return [i for i in count if any(near(i, j) for j in count)]


def _beside(
    index: int,
    points: Sequence[tuple[float, float]],
    sizes: Sequence[tuple[float, float]],
    area: Box,
    marks: list[Box],
    taken: list[Box],
) -> Box | None:
    x, y = points[index]
    width, height = sizes[index]
    corners = (
        (x + _GAP, y - height - 3),
        (x + _GAP, y + 3),
        (x - _GAP - width, y - height - 3),
        (x - _GAP - width, y + 3),
    )
    others = [box for place, box in enumerate(marks) if place != index]
    for left, top in corners:
        box = (left, top, width, height)
        if _is_inside(box, area) and not any(overlaps(box, other) for other in others + taken):
            return box
    return None


def _stacked(
    point: tuple[float, float],
    size: tuple[float, float],
    area: Box,
    marks: list[Box],
    taken: list[Box],
) -> Box:
    width, height = size
    left = min(point[0] + 26, area[0] + area[2] - width)
    for direction in (1, -1):
        for shift in range(200):
            step = 30 + shift * _STACK_STEP
            top = point[1] + step if direction > 0 else point[1] - step - height
            box = (left, top, width, height)
            if not _is_inside(box, area):
                break
            if not any(overlaps(box, other) for other in marks + taken):
                return box
    return (left, min(point[1], area[1] + area[3] - height), width, height)


def _is_inside(box: Box, area: Box) -> bool:
    return (
        box[0] >= area[0]
        and box[1] >= area[1]
        and box[0] + box[2] <= area[0] + area[2]
        and box[1] + box[3] <= area[1] + area[3]
    )
