"""Outlines of hair and beard on the head, as (angle, height) corners."""

from __future__ import annotations

from emostudio.data.synthetic.identity import Identity

Outline = tuple[tuple[float, float], ...]

_EAR_AND_NAPE: Outline = (
    (1.42, 0.24), (1.5, -0.14), (1.76, -0.1), (1.86, 0.45), (2.3, 0.85), (3.3, 0.9),
)  # fmt: skip
_HAIRLINES: dict[str, Outline] = {
    "short": (
        (0, -1.03), (0.3, -1.02), (0.62, -0.92), (0.82, -0.7), (0.95, -0.36), (1.18, -0.2),
        (1.24, 0.2), *_EAR_AND_NAPE,
    ),
    "parted": (
        (0, -1.08), (0.25, -1.05), (0.5, -1.3), (0.78, -0.95), (0.98, -0.45), (1.18, -0.25),
        (1.25, 0.1), *_EAR_AND_NAPE,
    ),
    "fringe": (
        (0, -0.56), (0.35, -0.53), (0.72, -0.5), (0.85, -0.4), (0.98, 0.1), (1.2, 0.4),
        (1.45, 0.5), (1.7, 0.55), (1.9, 0.8), (3.3, 1.0),
    ),
    "bob": (
        (0, -1.1), (0.2, -1.02), (0.5, -0.84), (0.74, -0.5), (0.9, 0.0), (1.0, 0.6), (1.1, 1.2),
        (1.2, 1.75), (3.3, 1.75),
    ),
    "long": (
        (0, -1.16), (0.15, -1.08), (0.45, -0.9), (0.7, -0.6), (0.88, -0.1), (0.98, 0.6),
        (1.05, 1.3), (1.1, 2.3), (3.3, 2.3),
    ),
    "bald": (
        (0, -2.2), (1.05, -2.2), (1.1, -0.4), (1.24, -0.2), (1.3, 0.1), *_EAR_AND_NAPE,
    ),
}  # fmt: skip
BEARD: Outline = (
    (-1.3, 0.2), (-1.16, 0.3), (-0.98, 0.72), (-0.66, 0.92), (-0.4, 1.0), (0.4, 1.0),
    (0.66, 0.92), (0.98, 0.72), (1.16, 0.3), (1.3, 0.2), (1.45, 0.7), (1.4, 1.6), (0.9, 2.4),
    (-0.9, 2.4), (-1.4, 1.6), (-1.45, 0.7),
)  # fmt: skip
MOUSTACHE: Outline = (
    (-0.36, 1.05), (-0.3, 0.88), (-0.1, 0.79), (0, 0.81), (0.1, 0.79), (0.3, 0.88), (0.36, 1.05),
    (0.0, 0.95),
)  # fmt: skip
HAIR_THICKNESS = {
    "short": 0.07, "parted": 0.1, "fringe": 0.12, "bob": 0.13, "long": 0.14, "bald": 0.03,
}  # fmt: skip
"""Height of the hair over the skull by style, in inter-ocular distances."""

HANGING = frozenset({"bob", "long"})
"""Styles whose hair hangs free of the skull."""

_FOREHEAD = 0.9
_ABOVE_ALL = -2.6


def hair_outline(identity: Identity) -> Outline:
    """Return the outline of a person's hair, the crown included."""
    line = _HAIRLINES[identity.hair_style]
    lift = identity.shape["hairline"] - (0.12 * identity.age if identity.is_male else 0.0)
    right = [(angle, y + lift * (angle < _FOREHEAD)) for angle, y in line]
    left = [(-angle, y) for angle, y in reversed(right)]
    if identity.hair_style == "parted":
        left = [(angle - 0.06, y + 0.06 * (angle > -0.8)) for angle, y in left]
    return (*left, *right, (3.4, _ABOVE_ALL), (-3.4, _ABOVE_ALL))
