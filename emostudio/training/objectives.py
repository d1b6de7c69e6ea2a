"""What a student learns from: labels, a teacher's labels, or a teacher's probabilities.

Every objective returns the loss of a batch and the labels its error is counted against. Where a
teacher lacks classes of the student, they are left out of the student's softmax before teacher
and student are compared; they are never taken for improbable.

References
----------
.. [1] Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network",
   arXiv:1503.02531, 2015.
.. [2] Tramer et al., "Stealing machine learning models via prediction APIs", USENIX Security 2016.
.. [3] Rassadin and Savchenko, "Deep neural networks performance optimization in image
   recognition", 2017.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol, runtime_checkable

import torch
from torch.nn import functional as F

from emostudio.core.emotions import Emotion
from emostudio.training.batches import Batch
from emostudio.training.losses import (
    LEAST_PROBABILITY,
    NO_LABEL,
    distillation_loss,
    mean_cross_entropy,
)
from emostudio.training.teachers import LabelsOf, LabelSource, ProbabilitySource, SharedClasses


class Outcome(NamedTuple):
    """Loss of a batch (scalar), and the labels to count errors against, int64 (N,), -1 for none."""

    loss: torch.Tensor
    reference: torch.Tensor


class Objective(Protocol):
    """A loss together with what it needs to know.

    Attributes
    ----------
    key
        Name kept in checkpoints.
    needs_labels
        Whether pictures without a label are of no use.
    starts_at_chance
        Whether the loss of a network that knows nothing is ln K, so that a network that never
        starts to learn can be told.
    """

    key: str
    needs_labels: bool
    starts_at_chance: bool

    def outcome(self, logits: torch.Tensor, batch: Batch) -> Outcome:
        """Compare the student's logits (N, K) with what it should say."""


@runtime_checkable
class Annealed(Protocol):
    """An objective that changes with the share of the training that is done."""

    def anneal(self, progress: float) -> None:
        """Prepare for the moment `progress`, in [0, 1]."""


class Supervised:
    """Cross-entropy with the labels of the data.

    Parameters
    ----------
    label_smoothing
        Share of each label spread over all classes.
    """

    key = "supervised"
    needs_labels = True
    starts_at_chance = True

    def __init__(self, label_smoothing: float = 0.1) -> None:
        self._label_smoothing = label_smoothing

    def outcome(self, logits: torch.Tensor, batch: Batch) -> Outcome:
        """Return the weighted mean over the batch."""
        targets, weights = batch.targets.to(logits.device), batch.weights.to(logits.device)
        losses = F.cross_entropy(
            logits, targets, reduction="none", label_smoothing=self._label_smoothing
        )
        return Outcome((losses * weights).sum() / weights.sum(), targets)


class LabelsOnly:
    """Cross-entropy with the class ids a teacher gives; nothing else leaves the teacher.

    Parameters
    ----------
    teacher
        Asked for labels only.
    labels
        The student's labels in order.
    class_weights
        Weight of each of the teacher's classes, float32 (K,); None weighs all alike.
    """

    key = "labels_only"
    needs_labels = False
    starts_at_chance = True

    def __init__(
        self,
        teacher: LabelSource,
        labels: tuple[Emotion, ...],
        class_weights: torch.Tensor | None = None,
    ) -> None:
        self._teacher = LabelsOf(teacher)
        self._shared = SharedClasses(labels, self._teacher.labels)
        self._weights = None if class_weights is None else class_weights[self._shared.teacher]

    def outcome(self, logits: torch.Tensor, batch: Batch) -> Outcome:
        """Return the weighted mean over the pictures whose class the student has."""
        places = self._shared.shared_place(self._teacher.predict_labels(batch)).to(logits.device)
        columns = self._shared.student.to(logits.device)
        loss = mean_cross_entropy(logits[:, columns], places, self._weights)
        return Outcome(loss, torch.where(places >= 0, columns[places], NO_LABEL))


class SoftmaxKld:
    """Kullback-Leibler divergence from the teacher's probabilities; no labels are needed.

    Parameters
    ----------
    teacher
        Asked for probabilities.
    labels
        The student's labels in order.
    temperature
        Divides the logits of both; 1 is the paper's.
    """

    key = "softmax_kld"
    needs_labels = False
    starts_at_chance = False

    def __init__(
        self, teacher: ProbabilitySource, labels: tuple[Emotion, ...], temperature: float = 1.0
    ) -> None:
        self._teacher = teacher
        self._shared = SharedClasses(labels, teacher.labels)
        self._temperature = temperature

    def outcome(self, logits: torch.Tensor, batch: Batch) -> Outcome:
        """Return T^2 KL(teacher || student), the sum over classes, the mean over the batch."""
        columns = self._shared.student.to(logits.device)
        teacher = self._teacher.probabilities(batch)[:, self._shared.teacher].to(logits.device)
        loss = distillation_loss(logits[:, columns], teacher, self._temperature)
        reference = columns[teacher.argmax(dim=1)]
        targets = batch.targets.to(logits.device)
        return Outcome(loss, torch.where(targets >= 0, targets, reference))


class Hinton:
    """Labels and softened teacher probabilities together.

    Pictures without a label count in the second part only.

    Parameters
    ----------
    teacher
        Asked for probabilities.
    labels
        The student's labels in order.
    temperature
        Softness of both posteriors.
    distillation_weight
        Weight of the teacher's part in [0, 1]; the labels have the rest.
    """

    key = "hinton"
    needs_labels = False
    starts_at_chance = False

    def __init__(
        self,
        teacher: ProbabilitySource,
        labels: tuple[Emotion, ...],
        temperature: float = 4.0,
        distillation_weight: float = 0.8,
    ) -> None:
        self._soft = SoftmaxKld(teacher, labels, temperature)
        self._distillation_weight = distillation_weight

    def outcome(self, logits: torch.Tensor, batch: Batch) -> Outcome:
        """Return (1 - a) CE(labels) + a T^2 KL(teacher || student)."""
        soft = self._soft.outcome(logits, batch)
        targets = batch.targets.to(logits.device)
        hard = mean_cross_entropy(logits, targets)
        weight = self._distillation_weight
        return Outcome((1.0 - weight) * hard + weight * soft.loss, soft.reference)


class AnnealedDistillation:
    """Labels and softened posteriors, the teacher's weight moving along a line: FitNets, stage 2.

    Pictures without a label count in the teacher's part only.

    Parameters
    ----------
    teacher
        Asked for probabilities.
    labels
        The student's labels in order.
    temperature
        Softness of both posteriors.
    weights
        Weight of the teacher's part at the beginning and at the end; that of the labels is 1.

    References
    ----------
    .. [1] Romero et al., "FitNets: hints for thin deep nets", arXiv:1412.6550, 2015, equation 2.
    """

    key = "annealed_distillation"
    needs_labels = False
    starts_at_chance = False

    def __init__(
        self,
        teacher: ProbabilitySource,
        labels: tuple[Emotion, ...],
        temperature: float = 3.0,
        weights: tuple[float, float] = (4.0, 1.0),
    ) -> None:
        self._soft = SoftmaxKld(teacher, labels, temperature)
        self._ends = weights
        self._weight = weights[0]

    def anneal(self, progress: float) -> None:
        """Set the weight for a moment of the training, `progress` being the share done."""
        first, last = self._ends
        self._weight = first + (last - first) * min(max(progress, 0.0), 1.0)

    def outcome(self, logits: torch.Tensor, batch: Batch) -> Outcome:
        """Return CE(labels) + lambda T^2 KL(teacher || student)."""
        soft = self._soft.outcome(logits, batch)
        hard = mean_cross_entropy(logits, batch.targets.to(logits.device))
        return Outcome(hard + self._weight * soft.loss, soft.reference)


class Combined:
    """Posteriors, the teacher's labels and the true ones together: Fig. 7 of the survey.

    Parameters
    ----------
    teacher
        Asked for probabilities.
    labels
        The student's labels in order.
    posterior_weight, teacher_label_weight, true_label_weight
        l1, l2 and l3 of l1 KL(p_t || p_s) + l2 CE(z_s, argmax p_t) + l3 CE(z_s, y); pictures
        without a label count in the first two parts only.
    min_confidence
        A teacher's label counts only if its probability reaches this.

    References
    ----------
    .. [1] Rassadin and Savchenko, "Deep neural networks performance optimization in image
       recognition", 2017, Fig. 7.
    """

    key = "combined"
    needs_labels = False
    starts_at_chance = False

    def __init__(
        self,
        teacher: ProbabilitySource,
        labels: tuple[Emotion, ...],
        posterior_weight: float = 1.0,
        teacher_label_weight: float = 0.5,
        true_label_weight: float = 0.0,
        *,
        min_confidence: float = 0.0,
    ) -> None:
        self._teacher = teacher
        self._shared = SharedClasses(labels, teacher.labels)
        self._weights = (posterior_weight, teacher_label_weight, true_label_weight)
        self._min_confidence = min_confidence

    def outcome(self, logits: torch.Tensor, batch: Batch) -> Outcome:
        """Return the weighted sum of the three parts, each a mean over the pictures it sees."""
        columns = self._shared.student.to(logits.device)
        known = self._teacher.probabilities(batch)[:, self._shared.teacher].to(logits.device)
        teacher = known / known.sum(dim=1, keepdim=True).clamp(min=LEAST_PROBABILITY)
        confidence, places = teacher.max(dim=1)
        sure = torch.where(confidence >= self._min_confidence, places, NO_LABEL)
        targets = batch.targets.to(logits.device)
        parts = (
            distillation_loss(logits[:, columns], teacher, 1.0),
            mean_cross_entropy(logits[:, columns], sure),
            mean_cross_entropy(logits, targets),
        )
        loss = torch.stack(
            [weight * part for weight, part in zip(self._weights, parts, strict=True)]
        ).sum()
        return Outcome(loss, torch.where(targets >= 0, targets, columns[places]))
