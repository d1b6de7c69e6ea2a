"""Labels-only distillation: the student learns the class ids a teacher gives, nothing else.

Use it with a teacher of which only the answers are known, such as a paid service.

References
----------
.. [1] Tramer et al., "Stealing machine learning models via prediction APIs", USENIX Security 2016.
"""

from __future__ import annotations

from typing import Literal

from emostudio.compression.agreement import balancing_weights, teacher_labels
from emostudio.compression.base import ApplyContext
from emostudio.compression.distillation import (
    DistillationMethod,
    DistillationSettings,
    training_settings,
)
from emostudio.core.emotions import Emotion
from emostudio.core.machine_card import STUDENT
from emostudio.core.model_info import ModelInfo
from emostudio.core.settings import setting
from emostudio.training.batches import Batches
from emostudio.training.objectives import LabelsOnly, Objective
from emostudio.training.teachers import LabelsOf, Teacher


class DistillLabelsSettings(DistillationSettings):
    """The student, and how the teacher's labels count."""

    class_balance: Literal["none", "weighting"] = setting(
        "weighting",
        title="Class balance",
        help="Weighting lets labels that the teacher rarely gives count more, by the root of their "
        "rarity; it asks the teacher about every picture once before the training.",
    )


class DistillLabels(DistillationMethod):
    """Cross-entropy with the teacher's labels."""

    key = "distill_labels"
    title = "Distillation, labels only"
    summary = "Train a small network on the labels a teacher gives; probabilities stay unseen."
    reference = "Tramer et al., USENIX Security 2016"
    settings_type = DistillLabelsSettings
    decided_by = STUDENT

    def objective(
        self, teacher: Teacher, labels: tuple[Emotion, ...], settings: DistillLabelsSettings
    ) -> Objective:
        """Return cross-entropy with the teacher's labels."""
        del settings
        return LabelsOnly(teacher, labels)

    def prepared_objective(
        self,
        teacher: Teacher,
        info: ModelInfo,
        settings: DistillLabelsSettings,
        context: ApplyContext,
    ) -> Objective:
        """Return cross-entropy with the teacher's labels, rare ones weighing more."""
        if settings.class_balance == "none":
            return self.objective(teacher, info.labels, settings)
        source, job = LabelsOf(teacher), context.job
        chosen = training_settings(settings)
        batches = Batches(context.training_data(), info, chosen, job, needs_labels=False)
        pictures = batches.unvaried_batches()
        given = teacher_labels(source, pictures, job, "Asking the teacher about every picture")
        return LabelsOnly(source, info.labels, balancing_weights(given, len(source.labels)))


METHOD = DistillLabels()
