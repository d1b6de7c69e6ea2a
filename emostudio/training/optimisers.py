"""Optimisers and the tensors they carry."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from emostudio.training.settings import TrainingSettings


def make_optimiser(module: nn.Module, settings: TrainingSettings) -> torch.optim.Optimizer:
    """Return an optimiser of the trainable weights; biases and normalisation do not decay."""
    trainable = [parameter for parameter in module.parameters() if parameter.requires_grad]
    groups = [
        {
            "params": [parameter for parameter in trainable if parameter.ndim > 1],
            "weight_decay": settings.applied_weight_decay,
        },
        {
            "params": [parameter for parameter in trainable if parameter.ndim <= 1],
            "weight_decay": 0.0,
        },
    ]
    rate = settings.peak_learning_rate
    if settings.optimiser == "adamw":
        return torch.optim.AdamW(groups, lr=rate)
    momentum = settings.momentum
    return torch.optim.SGD(groups, lr=rate, momentum=momentum, nesterov=momentum > 0)


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """Return what the optimiser remembers, named ``place/quantity``."""
    return {
        f"{place}/{quantity}": value
        for place, remembered in optimiser.state_dict()["state"].items()
        for quantity, value in remembered.items()
        if isinstance(value, torch.Tensor)
    }


def load_optimiser(optimiser: torch.optim.Optimizer, tensors: Mapping[str, torch.Tensor]) -> None:
    """Give an optimiser back what `optimiser_tensors` returned."""
    remembered: dict[int, dict[str, torch.Tensor]] = {}
    for name, tensor in tensors.items():
        place, _, quantity = name.partition("/")
        remembered.setdefault(int(place), {})[quantity] = tensor
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": remembered, "param_groups": groups})
