"""Conventions that published emotion networks use, to be tried on labelled images."""

from __future__ import annotations

from emostudio.core.emotions import EMOTIONS, Emotion
from emostudio.core.model_info import Preprocessing

_A, _D, _F, _H, _S, _U, _C, _N = EMOTIONS

LABEL_ORDERS: dict[str, tuple[Emotion, ...]] = {
    "FER2013": (_A, _D, _F, _H, _S, _U, _N),
    "alphabetical": (_A, _D, _F, _H, _N, _S, _U),
    "RAF-DB": (_U, _F, _D, _H, _S, _A, _N),
    "AffectNet, 7": (_N, _H, _S, _U, _F, _D, _A),
    "canonical": EMOTIONS,
    "AffectNet, 8": (_N, _H, _S, _U, _F, _D, _A, _C),
    "FER+": (_N, _H, _U, _S, _A, _D, _F, _C),
    "CK+": (_N, _A, _C, _D, _F, _H, _S, _U),
    "alphabetical, 8": (_A, _C, _D, _F, _H, _N, _S, _U),
}
"""Published label orders by the set they come from."""


def label_orders(class_count: int) -> dict[str, tuple[Emotion, ...]]:
    """Return the published orders of `class_count` classes."""
    return {name: order for name, order in LABEL_ORDERS.items() if len(order) == class_count}


def value_conventions(channels: int, height: int, width: int) -> dict[str, Preprocessing]:
    """Return the ways published networks scale pixels, for inputs of (channels, height, width)."""
    colour: dict[str, object] = {"channels": channels, "height": height, "width": width}

    def made(**values: object) -> Preprocessing:
        return Preprocessing.model_validate({**colour, **values})

    conventions = {
        "0 to 1": made(scale=1 / 255),
        "-1 to 1": made(scale=1 / 127.5, offset=-1.0),
        "0 to 255": made(scale=1.0),
    }
    if channels == 3:
        conventions["ImageNet mean and deviation"] = made(
            scale=1 / 255, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)
        )
        conventions["0 to 255, BGR"] = made(scale=1.0, channel_order="bgr")
        conventions["Caffe's ImageNet mean, BGR"] = made(
            scale=1.0, mean=(104.0, 117.0, 123.0), channel_order="bgr"
        )
    return conventions
