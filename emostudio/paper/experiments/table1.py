"""Table 1: what ten papers claim, as the survey lists it, beside what was measured here."""

from __future__ import annotations

from dataclasses import dataclass

from emostudio.paper import caveats
from emostudio.paper.base import Experiment, Findings
from emostudio.paper.facts import dataset_name, facts
from emostudio.paper.gains import BENCH, Gain, gain_of, hardest
from emostudio.paper.parts import Part
from emostudio.paper.results import Caveat, ColumnInfo, ResultCell, ResultRow, ResultTable
from emostudio.paper.study import StudySettings

COLUMNS = (
    ColumnInfo(key="memory", title="Memory at inference", unit="times less", better="high"),
    ColumnInfo(key="file", title="File", unit="times smaller", better="high"),
    ColumnInfo(key="faster", title="Inference", unit="times faster", decimals=2, better="high"),
)


@dataclass(frozen=True)
class Claim:
    """One row of the survey's table.

    Attributes
    ----------
    smaller, faster
        Factors as printed, the first of them as memory at inference; None where it says no or
        unknown.
    training
        Memory reduction while training, in the survey's words.
    comment
        What is known about the number.
    network
        Our network that the same method makes, empty where Table 2 has none.
    is_of_size
        Whether `smaller` is said of what is stored in its own paper, whatever the survey makes
        of it.
    """

    key: str
    title: str
    smaller: float | None
    faster: float | None
    training: str
    baseline: str
    dataset: str
    comment: str
    network: str = ""
    is_of_size: bool = True


CLAIMS = (
    Claim("deep_compression", "Deep Compression", 49.0, None, "no", "VGG-16", "ImageNet",
          "552 MB over 11.3 MB of storage; nothing is said of memory in use"),
    Claim("fitnets", "FitNets", 36.0, 13.36, "no", "Maxout", "CIFAR-10",
          "Ratio of parameters of one student, not a compressed Maxout"),
    Claim("hashed", "HashedNets", 64.0, None, "no", "same-size", "MNIST",
          "One setting (1/64) of a network of one to three dense layers", "hashed"),
    Claim("cp", "CP decomposition", 12.0, 4.5, "no", "AlexNet", "ImageNet",
          "One layer (conv2), not the network", "cp"),
    Claim("tensor_net", "TensorNet", 80.0, None, "unknown", "simple", "CIFAR-10",
          "Convolutions and dense layers in tensor-train form"),
    Claim("binary_net", "BinaryNet", 32.0, 3.4, "~32 (theoretical)", "Maxout", "CIFAR-10",
          "3.4 to 23 times, a GPU kernel on MNIST; 32 is theory", is_of_size=False),
    Claim("xnor", "BWN and XNOR-Net", 67.0, 58.0, "no", "ResNet-18", "ImageNet",
          "Against a 64-bit baseline; 58 is one convolution on a CPU", "xnor"),
    Claim("squeezenet", "SqueezeNet", 50.0, 1.0, "unknown", "AlexNet", "ImageNet",
          "240 MB over 4.8 MB: another network, not a compressed one", "squeezenet"),
    Claim("tiny_darknet", "Tiny Darknet", 60.0, 2.9, "unknown", "AlexNet", "ImageNet",
          "2.9 belongs to the Darknet reference network; here it is 2.3 by operations"),
    Claim("branchy", "BranchyNet", None, 1.9, "no", "ResNet-110", "CIFAR-10",
          "At batch 1: easy pictures leave early"),
)  # fmt: skip
"""Survey, Table 1; reported by others, never measured by the survey."""

_REPORTED = Caveat(
    title="Reported by others.",
    words="The survey copied these factors; each is against its own baseline on its own data. "
    "They are claims, not results.",
)
_OURS = Caveat(
    title="Ours.",
    words="Where Table 2 measured the same method, on our networks, each against its parent: "
    "memory of a fresh process with the model ready, interpreter and engine included; the file; "
    "and time in one interleaved benchmark. A figure is judged by its own kind only.",
)
_STORED = Caveat(
    title="Memory or file.",
    words="The survey prints every reduction as memory at inference. Most of them are said of "
    "what is stored, so they stand in the column of the file too.",
)


def _parts(settings: StudySettings) -> tuple[Part, ...]:
    del settings
    return ()


def _row(claim: Claim, place: int, findings: Findings) -> ResultRow:
    gain = gain_of(claim.network, findings) if claim.network else Gain()
    reduced = findings.settings.sizes.words
    stored = claim.smaller if claim.is_of_size else None
    # a claim is not refuted by networks that were made smaller for a quick look
    verdicts = {} if reduced else gain.verdicts(claim.smaller, stored, claim.faster)
    comment = f"{claim.comment}. Baseline {claim.baseline} on {claim.dataset}"
    return ResultRow(
        key=claim.key,
        title=claim.title,
        reference=f"Table 1, row {place}",
        cells={
            "memory": ResultCell(paper=claim.smaller, ours=gain.memory),
            "file": ResultCell(paper=stored, ours=gain.file),
            "faster": ResultCell(paper=claim.faster, ours=gain.faster),
        },
        verdict=hardest(verdicts.values()),
        verdict_words=". ".join(f"{kind}: {verdict.lower()}" for kind, verdict in verdicts.items()),
        dataset=dataset_name(findings) if gain.is_known else "",
        models=gain.models,
        seeds=gain.seeds,
        caveats=(comment, f"Memory while training: {claim.training}"),
    )


def _table(findings: Findings) -> ResultTable:
    rows = tuple(_row(claim, place, findings) for place, claim in enumerate(CLAIMS, 1))
    return ResultTable(
        key="table1",
        title="Table 1. What the literature claims",
        subtitle="Ten published claims",
        columns=COLUMNS,
        rows=rows,
        caveats=(*caveats.preset_caveat(findings), _REPORTED, _STORED, _OURS),
        facts=facts(findings, bench=findings.results.get(BENCH)),
        is_waiting=BENCH not in findings.results,
    )


EXPERIMENT = Experiment(
    key="table1",
    order=1,
    title="Table 1",
    summary="Published claims, beside what Table 2 measured here",
    parts=_parts,
    table=_table,
    command="claims",
)
