"""What an export answers: the files, and how closely they agree with the model."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

DEPLOYMENT = "deployment"
"""Family of the formats that run without EmoStudio, so that a runner can go with them."""

EXCHANGE = "exchange"
"""Family of the formats that only EmoStudio reads."""


class ParityReport(BaseModel):
    """An exported model beside the model itself, on the same pictures.

    Attributes
    ----------
    inputs, faces
        Pictures given to both sides, and how many of them are drawn faces; the rest is noise.
    largest_difference
        Largest absolute difference of any output, where both answered at the same exit.
    largest_output
        Largest magnitude of any output of the model.
    tolerance
        What `largest_difference` may be; with layers on integers it grows with the outputs.
    same_answers
        Share of the pictures with the same winning label.
    segments
        Parts of which a picture runs as many as it needs; 1 for most networks.
    other_exits
        Pictures that left at another exit, because their uncertainty lies on a threshold.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    inputs: int
    faces: int
    largest_difference: float
    largest_output: float
    tolerance: float
    same_answers: float
    segments: int = 1
    other_exits: int = 0


class ExportReport(BaseModel):
    """What an export wrote; also written beside it as JSON.

    Attributes
    ----------
    format, format_title
        Key and name of the format.
    file
        The file or folder written.
    files
        All files written, those beside it included.
    disk_bytes
        Bytes of what is deployed: the file, or the folder without the runner.
    kernels
        ``simulated`` where the file imitates a method's arithmetic in float32.
    opset
        ONNX operator set, None where the format has none.
    notes
        What must be known before the file is used.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    format: str
    format_title: str
    file: str
    files: tuple[str, ...]
    disk_bytes: int
    parity: ParityReport
    labels: tuple[str, ...]
    input_shape: tuple[int, int, int]
    outputs: Literal["logits", "probabilities"]
    kernels: Literal["real", "simulated"] = "real"
    opset: int | None = None
    notes: tuple[str, ...] = ()


def parity_words(parity: ParityReport) -> str:
    """Return a parity report in one line."""
    words = (
        f"largest difference {parity.largest_difference:.1e} "
        f"(at most {parity.tolerance:.1e} is allowed), same answer for "
        f"{100 * parity.same_answers:.1f} % of {parity.inputs} pictures"
    )
    if parity.other_exits:
        words += f"; {parity.other_exits} left at another exit"
    return words
