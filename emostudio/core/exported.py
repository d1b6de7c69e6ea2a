"""What an export answers: the files, and how closely they agree with the model."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

DEPLOYMENT = "deployment"
"""Family of the formats that run without EmoStudio, so that a runner can go with them."""

EXCHANGE = "exchange"
"""Family of the formats that only EmoStudio reads."""


_ELSEWHERE = 0.02
_ROUNDED_ELSEWHERE = 0.1
"""Share of the pictures that may leave elsewhere: their uncertainty lies on a threshold."""
_CLEAR_ANSWERS = 0.95
"""Least share of the pictures with a clear answer that must get the same one where layers round."""


class ParityReport(BaseModel):
    """An exported model beside the model itself, on the same pictures.

    Attributes
    ----------
    inputs, faces
        Pictures given to both sides, and how many of them are drawn faces; the rest is noise.
    largest_difference, mean_difference
        Absolute differences of the outputs, where both answered at the same exit.
    column_difference
        The mean difference of the output where it is greatest.
    largest_output
        Largest magnitude of any output of the model.
    rounds
        Whether layers round to a grid: a value half way between two steps may fall to either side
        and is carried on, so that single pictures differ visibly.
    tolerance
        What the largest difference may be, or the mean one of each output where layers round.
    same_answers
        Share of the pictures with the same winning label.
    clear_inputs, clear_answers
        Pictures whose first answer lies before the second by more than `tolerance`, and the share
        of them with the same winning label.
    exits
        How many pictures each segment of the model answered; one entry for most networks.
    other_exits
        Pictures that left at another exit, because their uncertainty lies on a threshold.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    inputs: int
    faces: int
    largest_difference: float
    mean_difference: float
    column_difference: float = 0.0
    largest_output: float
    rounds: bool = False
    tolerance: float
    same_answers: float
    clear_inputs: int = 0
    clear_answers: float = 1.0
    exits: tuple[int, ...] = ()
    other_exits: int = 0

    @property
    def agrees(self) -> bool:
        """Whether the export says what the model says."""
        elsewhere = _ROUNDED_ELSEWHERE if self.rounds else _ELSEWHERE
        if not self.other_exits <= elsewhere * self.inputs:
            return False
        # NaN is never below anything
        if not self.rounds:
            return self.largest_difference <= self.tolerance
        differences = (self.mean_difference, self.column_difference)
        is_close = all(difference <= self.tolerance for difference in differences)
        return is_close and self.clear_answers >= _CLEAR_ANSWERS


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
    allowed = f"at most {parity.tolerance:.1e} is allowed"
    words = (
        f"same answer for {100 * parity.same_answers:.1f} % of {parity.inputs} pictures, largest "
        f"difference {parity.largest_difference:.1e}"
    )
    if parity.rounds:
        words += (
            f", on average {parity.mean_difference:.1e}, {parity.column_difference:.1e} in one "
            f"output; {100 * parity.clear_answers:.1f} % of {parity.clear_inputs} clear answers "
            "kept"
        )
    words += f" ({'the same bits are asked for' if not parity.tolerance else allowed})"
    if len(parity.exits) > 1:
        words += f"; answered by segment: {', '.join(map(str, parity.exits))}"
    if parity.other_exits:
        words += f"; {parity.other_exits} left at another exit"
    return words
