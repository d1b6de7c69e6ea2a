"""Loss, error and macro-F1 of a network on the validation split."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from emostudio.core.model_info import ModelInfo
from emostudio.statistics.classification import accuracy, confusion_matrix, macro_f1
from emostudio.training.batches import Batch
from emostudio.training.objectives import Objective


@dataclass(frozen=True)
class Validation:
    """Figures over the validation split; None where it is empty or there is nothing to judge by."""

    loss: float | None = None
    error: float | None = None
    macro_f1: float | None = None


@torch.no_grad()
def validate(
    module: nn.Module,
    objective: Objective,
    batches: Sequence[Batch],
    info: ModelInfo,
    report: Callable[[], None],
) -> Validation:
    """Judge a network by its objective's own references.

    Parameters
    ----------
    module
        Left in evaluation mode.
    objective
        Tells loss and reference labels; without labels in the data these are the teacher's.
    batches
        The validation split.
    info
        Labels and preprocessing of the network.
    report
        Called after each batch; may raise to cancel.
    """
    if not batches:
        return Validation()
    device = next(iter(module.state_dict().values())).device
    losses: list[float] = []
    predicted: list[NDArray[np.int64]] = []
    truth: list[NDArray[np.int64]] = []
    module.eval()
    for batch in batches:
        inputs = batch.inputs(info.preprocessing)
        logits = module(inputs.to(device, memory_format=torch.channels_last))
        loss, reference = objective.outcome(logits, batch)
        losses.append(loss.item() * len(batch.items))
        predicted.append(logits.argmax(dim=1).cpu().numpy())
        truth.append(reference.cpu().numpy())
        report()
    references, answers = np.concatenate(truth), np.concatenate(predicted)
    known = references >= 0
    mean_loss = sum(losses) / len(references)
    if not known.any():
        return Validation(mean_loss)
    confusion = confusion_matrix(references[known], answers[known], len(info.labels))
    return Validation(mean_loss, 1.0 - accuracy(confusion), macro_f1(confusion))
