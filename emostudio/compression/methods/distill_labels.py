"""Labels-only distillation: the student learns the class ids a teacher gives, nothing else.

Use it with a teacher of which only the answers are known, such as a paid service.

References
----------
.. [1] Tramer et al., "Stealing machine learning models via prediction APIs", USENIX Security 2016.
"""

from __future__ import annotations

from emostudio.compression.distillation import DistillationMethod, DistillationSettings
from emostudio.core.emotions import Emotion
from emostudio.training.objectives import LabelsOnly, Objective
from emostudio.training.teachers import Teacher


class DistillLabels(DistillationMethod):
    """Cross-entropy with the teacher's labels."""

    key = "distill_labels"
    title = "Distillation, labels only"
    summary = "Train a small network on the labels a teacher gives; probabilities stay unseen."
    reference = "Tramer et al., USENIX Security 2016"
    settings_type = DistillationSettings

    def objective(
        self, teacher: Teacher, labels: tuple[Emotion, ...], settings: DistillationSettings
    ) -> Objective:
        """Return cross-entropy with the teacher's labels."""
        del settings
        return LabelsOnly(teacher, labels)


METHOD = DistillLabels()
