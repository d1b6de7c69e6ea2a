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
