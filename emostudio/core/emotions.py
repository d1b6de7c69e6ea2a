"""The canonical emotions; every label in EmoStudio is one of these names."""

from __future__ import annotations

from enum import StrEnum


class Emotion(StrEnum):
    """The eight canonical emotions, in canonical order."""

    ANGER = "anger"
    DISGUST = "disgust"
    FEAR = "fear"
    HAPPINESS = "happiness"
    SADNESS = "sadness"
    SURPRISE = "surprise"
    CONTEMPT = "contempt"
    NEUTRAL = "neutral"

    @property
    def position(self) -> int:
        """Place in the canonical order, 0 to 7."""
        return EMOTIONS.index(self)


EMOTIONS: tuple[Emotion, ...] = tuple(Emotion)
"""All canonical emotions in order."""

UNLABELLED = -1
"""Index standing for "no label" in arrays of canonical emotion indices."""

_A, _D, _F, _H, _S, _U, _C, _N = EMOTIONS

LABEL_ORDERS: dict[str, tuple[Emotion, ...]] = {
    "FER2013": (_A, _D, _F, _H, _S, _U, _N),
    "alphabetical": (_A, _D, _F, _H, _N, _S, _U),
    "RAF-DB": (_U, _F, _D, _H, _S, _A, _N),
    "AffectNet, 7": (_N, _H, _S, _U, _F, _D, _A),
    "canonical": EMOTIONS,
    "AffectNet, 8": (_N, _H, _S, _U, _F, _D, _A, _C),
    "FER+": (_N, _H, _U, _S, _A, _D, _F, _C),
    "CK+": (_N, _A, _C, _D, _F, _H, _S, _U),
    "alphabetical, 8": (_A, _C, _D, _F, _H, _N, _S, _U),
}
"""Published label orders by the set they come from."""


def label_orders(class_count: int) -> dict[str, tuple[Emotion, ...]]:
    """Return the published orders of `class_count` classes."""
    return {name: order for name, order in LABEL_ORDERS.items() if len(order) == class_count}
