"""Combined distillation: one network hears the teacher's probabilities and its labels at once.

Use it where the probabilities alone leave the student unsure: the same picture goes through the
frozen teacher and the student, the divergence of the two posteriors and the disagreement with the
teacher's label are minimised together, and true labels join in where there are some.

References
----------
.. [1] Rassadin and Savchenko, "Deep neural networks performance optimization in image
   recognition", 2017, Fig. 7.
"""

from __future__ import annotations

from typing import Literal

from emostudio.compression.distillation import DistillationMethod, DistillationSettings
from emostudio.core.emotions import Emotion
from emostudio.core.machine_card import STUDENT
from emostudio.core.settings import setting
from emostudio.training.objectives import Combined, Objective
from emostudio.training.teachers import Teacher

PRESETS = {
    "unlabelled": (1.0, 0.5, 0.0),
    "labelled": (0.5, 0.0, 0.5),
    "softmax": (1.0, 0.0, 0.0),
}
"""Weights of the teacher's probabilities, its labels and the true labels."""


def _weight(title: str, of: str, place: int) -> float | None:
    values = ", ".join(f"{weights[place]:g} ({mix})" for mix, weights in PRESETS.items())
    help_text = f"Of {of} in the loss; empty takes the mix's: {values}."
    value: float | None = setting(None, title=title, help=help_text, low=0.0, high=100.0)
    return value


class DistillCombinedSettings(DistillationSettings):
    """The student, and how much each part of the loss counts."""

    mix: Literal["unlabelled", "labelled", "softmax"] = setting(
        "unlabelled",
        title="Mix",
        help="Weights for faces without labels, for labelled ones, or probabilities alone.",
    )
    posterior_weight: float | None = _weight(
        "Weight of the probabilities", "the divergence from the teacher's probabilities", 0
    )
    teacher_label_weight: float | None = _weight(
        "Weight of the teacher's labels", "the cross-entropy with the teacher's labels", 1
    )
    true_label_weight: float | None = _weight(
        "Weight of the true labels", "the cross-entropy with labels of the data", 2
    )
    min_confidence: float = setting(
        0.0,
        title="Least confidence",
        help="A teacher's label counts only if its probability reaches this; 0.5 is usual for "
        "unsure teachers, 0 takes every label as the survey does.",
        low=0.0,
        high=1.0,
        advanced=True,
    )

    @property
    def weights(self) -> tuple[float, float, float]:
        """Weights of the three parts: what was given, else the mix's."""
        given = (self.posterior_weight, self.teacher_label_weight, self.true_label_weight)
        first, second, third = (
            preset if value is None else value
            for value, preset in zip(given, PRESETS[self.mix], strict=True)
        )
        return first, second, third


class DistillCombined(DistillationMethod):
    """l1 KL(teacher || student) + l2 CE(teacher's label) + l3 CE(true label)."""

    key = "distill_combined"
    title = "Distillation, combined"
    summary = "Train a small network on the teacher's probabilities and its labels together."
    reference = "Rassadin and Savchenko, 2017, Fig. 7"
    settings_type = DistillCombinedSettings
    decided_by = STUDENT

    def objective(
        self, teacher: Teacher, labels: tuple[Emotion, ...], settings: DistillCombinedSettings
    ) -> Objective:
        """Return the weighted sum of the three losses."""
        confidence = settings.min_confidence
        return Combined(teacher, labels, *settings.weights, min_confidence=confidence)


METHOD = DistillCombined()
