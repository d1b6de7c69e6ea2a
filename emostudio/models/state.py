"""Moving arrays into and out of a network, never partially."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

from emostudio.core.errors import InputError
from emostudio.models.container import is_finite

_LISTED_KEYS = 8


def state_arrays(module: nn.Module) -> dict[str, np.ndarray]:
    """Return copies of a network's parameters and buffers by name."""
    return {
        name: tensor.detach().cpu().contiguous().numpy().copy()
        for name, tensor in module.state_dict().items()
    }


def fill(module: nn.Module, arrays: Mapping[str, np.ndarray], owner: str) -> None:
    """Load `arrays` into `module`, all of them or none.

    Parameters
    ----------
    module
        Network to fill in place.
    arrays
        Values by state name.
    owner
        What the arrays come from, for errors.

    Raises
    ------
    InputError
        Listing every key that is missing, unexpected, of the wrong shape, or not finite.
    """
    state = module.state_dict()
    faults = [f"{name} is missing" for name in state if name not in arrays]
    for name, array in arrays.items():
        if name not in state:
            faults.append(f"{name} is not part of the network")
        elif tuple(array.shape) != tuple(state[name].shape):
            faults.append(f"{name} has shape {array.shape}, not {tuple(state[name].shape)}")
        elif array.dtype.kind not in "fiub":
            faults.append(f"{name} has type {array.dtype}")
        elif not is_finite(array):
            faults.append(f"{name} holds NaN or infinite values")
    if faults:
        more = len(faults) - _LISTED_KEYS
        listed = "; ".join(faults[:_LISTED_KEYS]) + (f"; and {more} more" if more > 0 else "")
        raise InputError(
            f"The weights of {owner} do not fit the network",
            why=listed,
            next_step="Check the architecture and its settings",
        )
    module.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
