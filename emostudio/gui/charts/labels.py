"""Where the names of points go: beside them, or stacked with leader lines. Pixels, no Qt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from emostudio.gui.charts.stacking import ordered_tops

Box = tuple[float, float, float, float]
"""Left, top, width, height."""

MARK_RADIUS = 7.0
_GAP = 3.0
_CROWD_DISTANCE = 18.0
_COLUMN_WIDTH, _COLUMN_HEIGHT = 36.0, 40.0
"""Points this near to a crowded one would have their label in the way of its leader."""
_STACK_GAP = 19.0
_ELBOW = 12.0


@dataclass(frozen=True)
class LabelPlace:
    """Top left corner of a label; with a leader the line goes from the point to its near edge."""

    x: float
    y: float
    has_leader: bool = False
    is_left: bool = False
    """Whether the label stands left of its point."""

    def leader(self, size: tuple[float, float]) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return elbow and end of the leader line to a label of this size."""
        middle = self.y + size[1] / 2
        if self.is_left:
            edge = self.x + size[0]
            return (edge + _ELBOW, middle), (edge + 3, middle)
        return (self.x - _ELBOW, middle), (self.x - 3, middle)


@dataclass(frozen=True)
class _Plan:
    """What is to be named, and where names may stand."""

    points: Sequence[tuple[float, float]]
    sizes: Sequence[tuple[float, float]]
    area: Box
    obstacles: Sequence[Box]
    radii: Sequence[float]

    def marks(self, but: int = -1) -> list[Box]:
        return [
            (x - radius, y - radius, 2 * radius, 2 * radius)
            for place, ((x, y), radius) in enumerate(zip(self.points, self.radii, strict=True))
            if place != but
        ]

    def box(self, index: int, place: LabelPlace) -> Box:
        return (place.x, place.y, *self.sizes[index])


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
    radii: Sequence[float] | None = None,
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
    radii
        How far each mark reaches, a ring around it included; None for plain marks.

    Returns
    -------
    One place per point. Points closer than a mark's width to each other get stacked labels with
    leaders, as do points whose four sides are all taken. The labels of a stack stand in the order
    of their points, so that leaders do not cross.
    """
    reach = [MARK_RADIUS] * len(points) if radii is None else radii
    plan = _Plan(points, sizes, area, obstacles, reach)
    crowded = _crowded(points)
    while True:
        places, homeless = _placed(plan, crowded)
        if not homeless:
            return [places[index] for index in range(len(points))]
        crowded = _with_neighbours(points, crowded | homeless)


def _placed(plan: _Plan, crowded: set[int]) -> tuple[dict[int, LabelPlace], set[int]]:
    """Place stacks, then single labels; also return the points that found no room beside them."""
    places: dict[int, LabelPlace] = {}
    taken: list[Box] = []
    for column in _columns(plan.points, crowded):
        for index, place in zip(column, _stacked(plan, column, taken), strict=True):
            places[index] = place
            taken += [plan.box(index, place), _leader_box(plan, index, place)]
    homeless: set[int] = set()
    rest = [index for index in range(len(plan.points)) if index not in crowded]
    for index in sorted(rest, key=lambda i: plan.points[i][1]):
        beside = _beside(plan, index, taken)
        if beside is None:
            homeless.add(index)
        else:
            places[index] = beside
            taken.append(plan.box(index, beside))
    return places, homeless


def _crowded(points: Sequence[tuple[float, float]]) -> set[int]:
    def near(i: int, j: int) -> bool:
        dx, dy = points[i][0] - points[j][0], points[i][1] - points[j][1]
        return i != j and dx * dx + dy * dy < _CROWD_DISTANCE**2

    count = range(len(points))
    return _with_neighbours(points, {i for i in count if any(near(i, j) for j in count)})


def _with_neighbours(points: Sequence[tuple[float, float]], crowded: set[int]) -> set[int]:
    """Add the points beside which a stack of labels begins."""
    found = set(crowded)
    while True:
        more = {
            index
            for index, (x, y) in enumerate(points)
            if index not in found
            and any(
                abs(points[i][0] - x) < _COLUMN_WIDTH and abs(points[i][1] - y) < _COLUMN_HEIGHT
                for i in found
            )
        }
        if not more:
            return found
        found |= more


def _columns(points: Sequence[tuple[float, float]], crowded: set[int]) -> Iterator[list[int]]:
    """Return the crowded points that share a column of labels, each column from the top."""
    column: list[int] = []
    for index in sorted(crowded, key=lambda i: points[i][0]):
        if column and points[index][0] - points[column[-1]][0] >= _COLUMN_WIDTH:
            yield sorted(column, key=lambda i: points[i][1])
            column = []
        column.append(index)
    if column:
        yield sorted(column, key=lambda i: points[i][1])


def _beside(plan: _Plan, index: int, taken: Sequence[Box]) -> LabelPlace | None:
    (x, y), (width, height) = plan.points[index], plan.sizes[index]
    gap = plan.radii[index] + _GAP
    corners = (
        (x + gap, y - height - 3),
        (x + gap, y + 3),
        (x - gap - width, y - height - 3),
        (x - gap - width, y + 3),
    )
    others = [*plan.marks(index), *plan.obstacles, *taken]
    for left, top in corners:
        box = (left, top, width, height)
        if _is_inside(box, plan.area) and not any(overlaps(box, other) for other in others):
            return LabelPlace(left, top)
    return None


def _leader_box(plan: _Plan, index: int, place: LabelPlace) -> Box:
    (x, y), (elbow, end) = plan.points[index], place.leader(plan.sizes[index])
    left, right = min(x, elbow[0], end[0]), max(x, elbow[0], end[0])
    return (left, min(y, elbow[1]), right - left, abs(y - elbow[1]) + 1)


def _stacked(plan: _Plan, column: Sequence[int], taken: Sequence[Box]) -> list[LabelPlace]:
    """Stack the labels of a column beside its points, each as near to its own as order allows."""
    left_edge, right_edge = plan.area[0], plan.area[0] + plan.area[2]
    start = max(plan.points[i][0] + plan.radii[i] for i in column) + _STACK_GAP
    end = min(plan.points[i][0] - plan.radii[i] for i in column) - _STACK_GAP
    widest = max(plan.sizes[i][0] for i in column)
    is_left = start + widest > right_edge and end - widest >= left_edge
    start = min(start, right_edge - widest)
    lefts = [end - plan.sizes[i][0] if is_left else start for i in column]
    for blocked in ([*plan.marks(), *plan.obstacles, *taken], list(taken), []):
        tops = _tops(plan, column, lefts, blocked)
        if tops is not None:
            break
    else:
        tops = [plan.area[1]] * len(column)
    return [
        LabelPlace(left, top, has_leader=True, is_left=is_left)
        for left, top in zip(lefts, tops, strict=True)
    ]


def _tops(
    plan: _Plan, column: Sequence[int], lefts: Sequence[float], blocked: Sequence[Box]
) -> list[float] | None:
    height = max(plan.sizes[index][1] for index in column)
    wanted = [plan.points[index][1] - height / 2 for index in column]
    walls = [
        [
            (box[1], box[1] + box[3])
            for box in blocked
            if left < box[0] + box[2] and box[0] < left + plan.sizes[index][0]
        ]
        for index, left in zip(column, lefts, strict=True)
    ]
    return ordered_tops(wanted, height, (plan.area[1], plan.area[1] + plan.area[3]), walls)


def _is_inside(box: Box, area: Box) -> bool:
    return (
        box[0] >= area[0]
        and box[1] >= area[1]
        and box[0] + box[2] <= area[0] + area[2]
        and box[1] + box[3] <= area[1] + area[3]
    )
