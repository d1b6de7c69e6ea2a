"""Losses of networks that answer in several places.

A network with several heads declares ``head_weights`` and ``take_training_logits()``: what its
other heads said in the last training pass. Every training then teaches all of them.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from emostudio.training.batches import Batch
from emostudio.training.objectives import Objective, Outcome


class EveryHead:
    """The weighted sum of an objective over all heads of a network.

    Every head sees the full batch: none learns from what another one left over.

    Parameters
    ----------
    objective
        Applied to each head alike.
    network
        The network in training.
    """

    needs_labels: bool
    # the loss of a network that knows nothing is a multiple of ln K
    starts_at_chance = False

    def __init__(self, objective: Objective, network: Any) -> None:
        self.key = f"{objective.key}, every head"
        self.needs_labels = objective.needs_labels
        self._objective, self._network = objective, network

    def outcome(self, logits: torch.Tensor, batch: Batch) -> Outcome:
        """Return sum w_n L(z_n, y); outside training the loss of the answer that was given."""
        others = self._network.take_training_logits()
        last = self._objective.outcome(logits, batch)
        if not others:
            return last
        *weights, last_weight = self._network.head_weights
        loss = last_weight * last.loss
        for weight, other in zip(weights, others, strict=True):
            loss = loss + weight * self._objective.outcome(other, batch).loss
        return Outcome(loss, last.reference)


def over_heads(objective: Objective, network: nn.Module) -> Objective:
    """Return `objective` for all heads of `network`; itself where there is one head."""
    if hasattr(network, "take_training_logits"):
        return EveryHead(objective, network)
    return objective
