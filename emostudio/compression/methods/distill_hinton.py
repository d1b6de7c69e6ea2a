"""Hinton's distillation: labels and the teacher's softened probabilities together.

Use it for the best small network where labels and a teacher are at hand.

References
----------
.. [1] Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network",
   arXiv:1503.02531, 2015.
"""

from __future__ import annotations

from emostudio.compression.distillation import DistillationMethod, DistillationSettings
from emostudio.core.emotions import Emotion
from emostudio.core.machine_card import STUDENT
from emostudio.core.settings import setting
from emostudio.training.objectives import Hinton, Objective
from emostudio.training.teachers import Teacher


class DistillHintonSettings(DistillationSettings):
    """The student, and what it listens to."""

    temperature: float = setting(
        4.0, title="Temperature", help="Softens both answers; 2 to 8 is usual.", low=0.1, high=100.0
    )
    distillation_weight: float = setting(
        0.8,
        title="Weight of the teacher",
        help="Share of the loss that follows the teacher; the labels have the rest.",
        low=0.0,
        high=1.0,
    )


class DistillHinton(DistillationMethod):
    """(1 - a) cross-entropy with the labels + a T^2 divergence from the teacher."""

    key = "distill_hinton"
    title = "Distillation (Hinton)"
    summary = "Train a small network on labels and the teacher's softened probabilities."
    reference = "Hinton et al., arXiv:1503.02531"
    settings_type = DistillHintonSettings
    decided_by = STUDENT

    def objective(
        self, teacher: Teacher, labels: tuple[Emotion, ...], settings: DistillHintonSettings
    ) -> Objective:
        """Return the weighted sum of both losses."""
        return Hinton(teacher, labels, settings.temperature, settings.distillation_weight)


METHOD = DistillHinton()
