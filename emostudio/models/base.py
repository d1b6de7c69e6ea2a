"""What every architecture declares, and the arithmetic of convolution and pooling sizes."""

from __future__ import annotations

from typing import Any, Literal, Protocol

from torch import nn

from emostudio.core.errors import InputError
from emostudio.core.pickable import Pickable
from emostudio.core.settings import Settings, setting


class ArchitectureSettings(Settings):
    """Settings that every architecture has."""

    class_count: int = setting(
        8, title="Classes", help="Number of emotions told apart.", low=2, high=1000
    )
    input_size: int = setting(
        224,
        title="Input size",
        help="Width and height of the face crop; smaller is faster and less accurate.",
        unit="px",
        low=24,
        high=512,
    )
    channels: Literal[1, 3] = setting(
        3, title="Input channels", help="3 for colour, 1 for grey faces."
    )


class Architecture(Pickable, Protocol):
    """A network that can be built from settings; its instance is called ``ARCHITECTURE``."""

    def build(self, settings: Any) -> nn.Module:
        """Return a freshly initialised network that maps (N, C, H, W) to raw logits (N, K).

        Raises
        ------
        InputError
            If the input is too small for the network's poolings.
        """


def output_size(size: int, kernel: int, stride: int, padding: int = 0) -> int:
    """Return the side of a convolution's output."""
    return (size + 2 * padding - kernel) // stride + 1


def ceil_pool_size(size: int, kernel: int, stride: int) -> int:
    """Return the side of an unpadded pooling's output where partial windows count."""
    return -((kernel - size) // stride) + 1


def check_side(side: int, layer: str, title: str, input_size: int) -> int:
    """Return `side` if the feature map still has pixels.

    Raises
    ------
    InputError
        Naming the layer in which the geometry collapses.
    """
    if side < 1:
        raise InputError(
            f"{title} cannot take {input_size} px input",
            why=f"nothing is left of the image at {layer}",
            next_step="Choose a larger input size",
        )
    return side
