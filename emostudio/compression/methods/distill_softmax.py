"""Softmax distillation: the student matches the teacher's probabilities; no labels are needed.

Use it with unlabelled faces, or where the labels are noisier than the teacher.

References
----------
.. [1] Rassadin and Savchenko, "Deep neural networks performance optimization in image
   recognition", 2017.
"""

from __future__ import annotations

from emostudio.compression.distillation import DistillationMethod, DistillationSettings
from emostudio.core.emotions import Emotion
from emostudio.core.machine_card import STUDENT
from emostudio.core.settings import setting
from emostudio.training.objectives import Objective, SoftmaxKld
from emostudio.training.teachers import Teacher


class DistillSoftmaxSettings(DistillationSettings):
    """The student, and how soft the teacher's answers are."""

    temperature: float = setting(
        1.0,
        title="Temperature",
        help="Softens both answers; 1 is the survey's.",
        low=0.1,
        high=100.0,
    )


class DistillSoftmax(DistillationMethod):
    """Kullback-Leibler divergence from the teacher's probabilities."""

    key = "distill_softmax"
    title = "Distillation, softmax outputs"
    summary = "Train a small network to give the teacher's probabilities; needs no labels."
    reference = "Rassadin and Savchenko, 2017"
    settings_type = DistillSoftmaxSettings
    decided_by = STUDENT

    def objective(
        self, teacher: Teacher, labels: tuple[Emotion, ...], settings: DistillSoftmaxSettings
    ) -> Objective:
        """Return the divergence from the teacher."""
        return SoftmaxKld(teacher, labels, settings.temperature)


METHOD = DistillSoftmax()
