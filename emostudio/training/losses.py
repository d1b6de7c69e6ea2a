"""The two losses that all objectives are made of."""

from __future__ import annotations

import torch
from torch.nn import functional as F

LEAST_PROBABILITY = 1e-7
NO_LABEL = -1


def mean_cross_entropy(
    logits: torch.Tensor, targets: torch.Tensor, class_weights: torch.Tensor | None = None
) -> torch.Tensor:
    """Return the (weighted) mean over the pictures with a label; 0 where none has one."""
    known = targets >= 0
    weights = known.to(logits.dtype)
    if class_weights is not None:
        weights = weights * class_weights.to(logits)[targets.clamp(min=0)]
    losses = F.cross_entropy(logits, targets, ignore_index=NO_LABEL, reduction="none")
    total = weights.sum()
    return (losses * weights).sum() / torch.where(total > 0, total, torch.ones_like(total))


def distillation_loss(
    logits: torch.Tensor, teacher_probabilities: torch.Tensor, temperature: float
) -> torch.Tensor:
    """Return T^2 KL(p_teacher^T || p_student^T), summed over classes, averaged over the batch.

    Parameters
    ----------
    logits
        The student's, (N, K).
    teacher_probabilities
        At temperature 1, (N, K); rows are renormalised.
    temperature
        T; the factor T^2 keeps the gradient's size independent of it.
    """
    # softmax(log p / T) is softmax(z / T), so the teacher's logits are not needed.
    teacher_logits = teacher_probabilities.clamp(min=LEAST_PROBABILITY).log()
    teacher = F.softmax(teacher_logits / temperature, dim=1)
    student = F.log_softmax(logits / temperature, dim=1)
    # "batchmean", because "mean" would divide by the number of classes as well.
    return F.kl_div(student, teacher, reduction="batchmean") * temperature**2
