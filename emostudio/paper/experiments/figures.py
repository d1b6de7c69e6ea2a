"""Figures 1 to 6: errors on training and test pictures while six networks learn."""

from __future__ import annotations

from dataclasses import dataclass

from emostudio.paper import caveats, measuring
from emostudio.paper.base import Experiment, Findings
from emostudio.paper.facts import dataset_name, facts
from emostudio.paper.networks import NETWORKS, network_part, trained
from emostudio.paper.parts import Part, PartResult
from emostudio.paper.results import (
    Caveat,
    ColumnInfo,
    ErrorCurve,
    Measured,
    ResultCell,
    ResultRow,
    ResultTable,
)
from emostudio.paper.study import StudySettings

COLUMNS = (
    ColumnInfo(key="last_error", title="Last test error", unit="%", better="low"),
    ColumnInfo(key="least_error", title="Least test error", unit="%", better="low"),
    ColumnInfo(key="train_error", title="Last training error", unit="%", better="low"),
    ColumnInfo(key="epochs", title="Epochs", unit="", decimals=0),
)


@dataclass(frozen=True)
class Published:
    """One figure and what the text says of it; errors in percent."""

    number: int
    network: str
    subtitle: str
    last_error: float | None = None
    least_error: float | None = None
    epochs: float | None = None
    note: str = ""


FIGURES = (
    Published(1, "vgg_s", "Baseline error rates", 2.87, epochs=100),
    Published(2, "hashed", "HashedNet error rates", 3.69, epochs=100),
    Published(3, "squeezenet", "SqueezeNet error rates", 10.86),
    Published(4, "bwn", "BWN error rates", least_error=1.43, epochs=40,
              note="Least error after 40 epochs, growing afterwards"),
    Published(5, "xnor", "XNOR error rates", least_error=41.19,
              note="The caption and the text of Fig. 5 and 6 name them the other way round"),
    Published(6, "binary_activations", "XNOR, real weights", 11.68,
              note="The caption and the text of Fig. 5 and 6 name them the other way round"),
)  # fmt: skip
"""Survey, section 3: final or least errors in the text; the curves themselves are only drawn."""

_HELD_OUT = Caveat(
    title="Test error here.",
    words="Measured after every epoch on pictures held back from training for that purpose. The "
    "test pictures of Table 2 are looked at once, at the end.",
)
_LEAST = Caveat(
    title="Least test error.",
    words="The best epoch, chosen by looking at all of them: too low by luck, and without an "
    "interval. That of the last epoch stands beside it.",
)
_MEAN = Caveat(
    title="Training error.",
    words="The mean over all steps of an epoch, with dropout and varied pictures, as the paper "
    "says of its own. It can lie above the test error.",
)
_STAGES = Caveat(
    title="Two stages.",
    words="Our XNOR-Net learns binary activations first and binary weights then; epochs are "
    "counted through.",
)


def _parts(settings: StudySettings) -> tuple[Part, ...]:
    return tuple(network_part(figure.network, settings, settings.seed) for figure in _in_order())


def _in_order() -> list[Published]:
    order = list(NETWORKS)
    return sorted(FIGURES, key=lambda figure: order.index(figure.network))


def _result(figure: Published, findings: Findings) -> PartResult | None:
    found = trained(figure.network, findings.settings, findings.results)
    return found[0] if found else None


def _error(error: float | None, images: int, result: PartResult) -> Measured | None:
    return None if error is None else measuring.share(error, images, result)


def _row(figure: Published, findings: Findings) -> ResultRow:
    result = _result(figure, findings)
    last = least = train = epochs = None
    if result is not None and result.train_error:
        watched = [error for error in result.test_error if error is not None]
        last = _error(watched[-1] if watched else None, result.held_out_images, result)
        least = measuring.least(watched, result) if watched else None
        train = _error(result.train_error[-1], result.train_images, result)
        epochs = measuring.exact(len(result.train_error), result)
    return ResultRow(
        key=f"figure{figure.number}",
        title=f"Figure {figure.number}, {NETWORKS[figure.network].title}",
        reference=f"Fig. {figure.number} and section 3",
        cells={
            "last_error": ResultCell(paper=figure.last_error, ours=last),
            "least_error": ResultCell(paper=figure.least_error, ours=least),
            "train_error": ResultCell(ours=train),
            "epochs": ResultCell(paper=figure.epochs, ours=epochs),
        },
        dataset=dataset_name(findings) if result else "",
        seeds=(result.seed,) if result else (),
        models=(result.model,) if result else (),
        seconds=result.seconds if result else 0.0,
        caveats=(figure.note,) if figure.note else (),
    )


def _curve(figure: Published, findings: Findings) -> ErrorCurve | None:
    result = _result(figure, findings)
    if result is None or not result.train_error:
        return None
    error = figure.last_error if figure.last_error is not None else figure.least_error
    word = "last" if figure.last_error is not None else "least"
    return ErrorCurve(
        key=f"figure{figure.number}",
        title=NETWORKS[figure.network].title,
        reference=f"Figure {figure.number}",
        train_error=result.train_error,
        test_error=result.test_error,
        paper_error=None if error is None else error / 100,
        paper_words="" if error is None else f"paper, {word}: {error:g} %",
    )


def _table(findings: Findings) -> ResultTable:
    curves = (_curve(figure, findings) for figure in FIGURES)
    data = caveats.data_caveats(findings)
    reduced = caveats.preset_caveat(findings)
    return ResultTable(
        key="figures",
        title="Figures 1 to 6. Errors while training",
        subtitle="Error rates of six networks",
        columns=COLUMNS,
        rows=tuple(_row(figure, findings) for figure in FIGURES),
        curves=tuple(curve for curve in curves if curve is not None),
        caveats=(*data, *reduced, _HELD_OUT, _LEAST, _MEAN, caveats.SPLIT, _STAGES, caveats.START),
        facts=facts(findings, (findings.settings.seed,)),
    )


EXPERIMENT = Experiment(
    key="figures",
    order=4,
    title="Figures 1 to 6",
    summary="Error curves of six networks; shares its trainings with Table 2",
    parts=_parts,
    table=_table,
)
