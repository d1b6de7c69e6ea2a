"""File names of the Radboud Faces Database, written for drawn faces."""

from __future__ import annotations

from dataclasses import dataclass

from emostudio.core.emotions import Emotion
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
