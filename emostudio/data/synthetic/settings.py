"""What can be chosen about a set of synthetic faces."""

from __future__ import annotations

import re
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, model_validator

from emostudio.core.emotions import EMOTIONS, Emotion
from emostudio.core.settings import setting
from emostudio.data.base import ReaderSettings
from emostudio.data.synthetic.renderer import CAMERAS, GAZES, Camera, Gaze

_GROUPS: dict[str, dict[str, tuple[str, ...]]] = {
    "cameras": {
        "frontal": ("090",),
        "frontal_and_45": ("045", "090", "135"),
        "all": tuple(CAMERAS),
    },
    "gazes": {"all": tuple(GAZES)},
    "emotions": {"all": tuple(EMOTIONS)},
}


def _words(group: str) -> BeforeValidator:
    """Accept ``a+b``, ``a b`` or the name of a group where a list is expected."""

    def split(value: Any) -> Any:
        if isinstance(value, list | tuple) and len(value) == 1:
            value = value[0]
        if not isinstance(value, str):
            return value
        named = _GROUPS[group].get(value.strip().lower())
        return named or tuple(word for word in re.split(r"[+,;\s]+", value.lower()) if word)

    return BeforeValidator(split)


class SyntheticSettings(ReaderSettings):
    """Size, content and difficulty of a set of drawn faces."""

    seed: int = setting(
        0,
        title="Seed",
        help="Decides who is drawn and who is in which split",
        low=0,
        high=2**31 - 1,
    )
    identities: int = setting(
        40, title="Identities", help="How many different people", unit="people", low=3, high=20_000
    )
    emotions: Annotated[tuple[Emotion, ...], _words("emotions")] = setting(
        EMOTIONS, title="Emotions", help="Which emotions everybody shows: all, or anger+fear+..."
    )
    cameras: Annotated[tuple[Camera, ...], _words("cameras")] = setting(
        ("045", "090", "135"),
        title="Camera angles",
        help="090 is frontal: frontal, frontal_and_45 (as in the paper), all, or 000+090+...",
    )
    gazes: Annotated[tuple[Gaze, ...], _words("gazes")] = setting(
        ("left", "frontal", "right"),
        title="Gaze directions",
        help="Where the eyes look: all, or left+frontal+right",
    )
    images_per_combination: int = setting(
        1,
        title="Takes",
        help="Pictures of each person, emotion and gaze; each take is a new expression",
        low=1,
        high=100,
    )
    size: int = setting(
        64, title="Picture size", help="Side of the square pictures", unit="px", low=24, high=512
    )
    intensity_low: float = setting(
        0.35,
        title="Weakest expression",
        help="Lower is harder: 0.75 is easy, 0.35 separates methods",
        low=0.0,
        high=1.2,
    )
    intensity_high: float = setting(
        1.0, title="Strongest expression", help="1 is a full expression", low=0.05, high=1.2
    )
    glasses_share: float = setting(
        0.0,
        title="Glasses",
        help="Share of people with glasses; drawn frames make expressions harder to tell",
        low=0.0,
        high=0.1,
        advanced=True,
    )
    field_of_view: float = setting(
        2.8,
        title="Field of view",
        help="Side of the picture in eye distances: 2.8 is a tight face crop, 6 a portrait",
        unit="eye distances",
        low=2.2,
        high=8.0,
        advanced=True,
    )

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.intensity_low > self.intensity_high:
            raise ValueError("the weakest expression is stronger than the strongest")
        for name in ("emotions", "cameras", "gazes"):
            chosen = getattr(self, name)
            if not chosen or len(set(chosen)) != len(chosen):
                raise ValueError(f"{name}: name at least one, each once")
        return self

    @property
    def image_count(self) -> int:
        """Number of pictures in the set."""
        combinations = len(self.emotions) * len(self.cameras) * len(self.gazes)
        return self.identities * combinations * self.images_per_combination
