"""File names of the Radboud Faces Database, written for drawn faces."""

from __future__ import annotations

import re
from dataclasses import dataclass

from emostudio.core.emotions import Emotion
from emostudio.core.errors import InputError
from emostudio.data.synthetic.renderer import Camera, Gaze

_WORDS = {
    Emotion.ANGER: "angry",
    Emotion.DISGUST: "disgusted",
    Emotion.FEAR: "fearful",
    Emotion.HAPPINESS: "happy",
    Emotion.SADNESS: "sad",
    Emotion.SURPRISE: "surprised",
    Emotion.CONTEMPT: "contemptuous",
    Emotion.NEUTRAL: "neutral",
}
_EMOTIONS = {word: emotion for emotion, word in _WORDS.items()}
_PATTERN = re.compile(
    r"Rafd(?P<camera>000|045|090|135|180)_(?P<subject>\d{2,9})_(?P<group>Caucasian|Moroccan)"
    r"_(?P<sex>female|male)_(?P<word>[a-z]+)_(?P<gaze>left|frontal|right)\.(?:jpg|png)",
    re.ASCII,
)


@dataclass(frozen=True)
class RafdName:
    """The parts of a file name such as ``Rafd090_28_Caucasian_male_angry_frontal.jpg``.

    Attributes
    ----------
    subject
        Number of the person, from 1; may exceed the database's 73.
    group
        ``Caucasian`` or ``Moroccan``: the grammar wants one; drawn from the skin colour.
    """

    camera: Camera
    subject: int
    group: str
    sex: str
    emotion: Emotion
    gaze: Gaze

    def text(self, ending: str = ".jpg") -> str:
        """Return the file name."""
        return (
            f"Rafd{self.camera}_{self.subject:02d}_{self.group}_{self.sex}"
            f"_{_WORDS[self.emotion]}_{self.gaze}{ending}"
        )


def parse_name(text: str) -> RafdName:
    """Read a file name back.

    Raises
    ------
    InputError
        If the name does not follow the grammar.
    """
    match = _PATTERN.fullmatch(text)
    if match is None or match["word"] not in _EMOTIONS:
        raise InputError(
            f"{text[:80]!r} is no name of the Radboud Faces Database",
            next_step="Expected a name such as Rafd090_28_Caucasian_male_angry_frontal.jpg",
        )
    camera: Camera = match["camera"]  # type: ignore[assignment]  # the pattern lists the cameras
    gaze: Gaze = match["gaze"]  # type: ignore[assignment]  # the pattern lists the gazes
    return RafdName(
        camera, int(match["subject"]), match["group"], match["sex"], _EMOTIONS[match["word"]], gaze
    )
