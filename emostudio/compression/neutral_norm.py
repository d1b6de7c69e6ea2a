"""Batch normalisation that changes nothing when it is put in, only how training goes on.

A fresh one would whiten its input and so throw the network off course. Here scale and shift undo
the whitening: with the statistics of real inputs, evaluation is exactly, and training nearly, what
it was before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import nn

from emostudio.core.job_context import JobContext
from emostudio.core.model_info import ModelInfo
from emostudio.training.batches import Batch

Norm = nn.BatchNorm1d | nn.BatchNorm2d

NAME: Final = "norm"


def add_norm(layers: nn.Sequential) -> Norm:
    """Put a normalisation, neutral in evaluation, behind the last of `layers`, and return it."""
    last = layers[-1]
    norm: Norm
    if isinstance(last, nn.Conv2d):
        norm = nn.BatchNorm2d(last.out_channels)
    elif isinstance(last, nn.Linear):
        norm = nn.BatchNorm1d(last.out_features)
    else:
        raise TypeError(f"{type(last).__name__} has no channels to normalise")
    layers.add_module(NAME, norm.train(layers.training))
    _undo_whitening(norm)
    return norm


def settle(
    network: nn.Module, norm: Norm, batches: Sequence[Batch], info: ModelInfo, job: JobContext
) -> None:
    """Give `norm` the statistics of real inputs, and keep it neutral.

    Parameters
    ----------
    network
        In evaluation mode, on the CPU; `norm` is inside.
    norm
        Changed in place.
    batches
        Pictures; those of one picture only are left out.
    info
        Preprocessing of the network.
    job
        Told of the progress; may cancel.
    """
    momentum, norm.momentum = norm.momentum, None  # None: the mean over all batches
    norm.train()
    with torch.no_grad():
        for number, batch in enumerate(batches):
            job.report(number / len(batches), "Measuring the statistics of a new normalisation")
            if len(batch.items) > 1:
                network(batch.inputs(info.preprocessing))
    norm.eval()
    norm.momentum = momentum
    _undo_whitening(norm)


def _undo_whitening(norm: Norm) -> None:
    if norm.running_var is None or norm.running_mean is None:
        raise TypeError("a normalisation without statistics cannot be neutral")
    with torch.no_grad():
        norm.weight.copy_((norm.running_var + norm.eps).sqrt())
        norm.bias.copy_(norm.running_mean)
