"""What must stand beside every result, in plain words; see the survey's section 3 and its code."""

from __future__ import annotations

from emostudio.paper.base import Findings
from emostudio.paper.results import Caveat

OTHER_PICTURES = "Other pictures."
_EIGHT = 8

SPLIT = Caveat(
    title="The paper's test pictures.",
    words="Its released code measures the error on pictures it trained on. Ours are people (or "
    "pictures) that were never trained on, so 97 % is not the goal.",
)
LATENT = Caveat(
    title="BWN.",
    words="The released code measures BWN with real-valued weights. Ours is measured with the "
    "binary weights that lie in the file.",
)
SIZE = Caveat(
    title="Size.",
    words="The paper counts weights: 4 bytes each, or 1 bit for every one of a binary network, "
    "first and last layer and biases included. The honest column is the file, with all of it.",
)
TIME = Caveat(
    title="Time.",
    words='The paper\'s "time per epoch" is one step on one sample on a Tesla M2090. Ours is a '
    "step divided by its pictures, and a CPU. Compare ratios, not milliseconds; "
    "speed-ups are against VGG-S.",
)
XNOR = Caveat(
    title="XNOR-Net.",
    words="The released gradient lacks the factor n, so signs practically never flip. Ours trains "
    'in two stages with the right gradient; the row "as released" repeats the fault.',
)
START = Caveat(
    title="Where training starts.",
    words="The paper trains each network from the start. Ours begin with the trained parent "
    "(HashedNets with random buckets).",
)
ONE_RUN = Caveat(
    title="One training each.",
    words="The interval covers the choice of pictures, not another seed: close rows may change "
    "places.",
)


def data_caveats(findings: Findings) -> tuple[Caveat, ...]:
    """Return what follows from the pictures."""
    record = findings.record
    if record is None or record.data is None:
        return ()
    data, made = record.data, []
    if data.is_synthetic:
        made.append(
            Caveat(
                title=OTHER_PICTURES,
                words=f"Ours ran on {data.test_images:,} drawn test faces. Accuracy on drawings "
                "does not carry over; give RaFD to compare one to one.",
                is_warning=True,
            )
        )
    elif data.reader != "rafd":
        made.append(
            Caveat(
                title=OTHER_PICTURES,
                words=f"The paper used RaFD, posed in a studio. Ours ran on {data.name}, "
                f"{data.test_images:,} test pictures, {len(data.labels)} emotions.",
                is_warning=True,
            )
        )
    if len(data.labels) < _EIGHT and not data.is_synthetic:
        chance = 100 / max(len(data.labels), 1)
        made.append(
            Caveat(
                title="Chance.",
                words=f"With {len(data.labels)} emotions guessing gives {chance:.1f} %, in the "
                "paper 12.5 %.",
            )
        )
    return tuple(made)


def preset_caveat(findings: Findings) -> tuple[Caveat, ...]:
    """Return what the preset reduces."""
    words = findings.settings.sizes.words
    if not words:
        return ()
    return (
        Caveat(
            title="Quick preset.",
            words=f"{words}: sizes in MiB are those of the reduced networks. The full preset has "
            "the paper's own; only there are claims of Table 1 judged.",
            is_warning=True,
        ),
    )
