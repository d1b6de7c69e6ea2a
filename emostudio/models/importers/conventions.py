"""Ways in which published networks scale pixels, to be tried on labelled images."""

from __future__ import annotations

from emostudio.core.model_info import Preprocessing


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
