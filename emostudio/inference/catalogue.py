"""The catalogue of inference engines, and opening a model on one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emostudio.core.catalogue import Catalogue
from emostudio.core.errors import InputError
from emostudio.inference.base import Engine, Session, kernels_of
from emostudio.inference.choosing import EngineChoice, candidates, measure, remembered
from emostudio.inference.classifier import Classifier
from emostudio.inference.ensemble import EnsembleClassifier

if TYPE_CHECKING:
    from emostudio.models.loaded import LoadedModel

ENGINES: Catalogue[Engine] = Catalogue("emostudio.inference.engines", "ENGINE", "engine")

DEFAULT_ENGINE = "onnxruntime"
"""The fastest float engine; gains are stated against it, never against eager torch."""


def open_session(model: LoadedModel, engine: str | None = None, threads: int = 1) -> Session:
    """Make a model ready to run.

    Parameters
    ----------
    model
        White-box or black-box model.
    engine
        Catalogue key; None chooses `default_engine`.
    threads
        CPU threads of the session.

    Raises
    ------
    InputError
        If the engine is unknown, unavailable here, or cannot run the model.
    """
    member = ENGINES.get(engine or default_engine(model, threads))
    why_not = member.why_unavailable() or member.supports(model)
    if why_not:
        raise InputError(
            f"{model.info.name} cannot run on {member.key}",
            why=why_not,
            next_step="Choose another engine: " + ", ".join(runnable_engines(model)),
        )
    return member.open(model, threads)


def default_engine(model: LoadedModel, threads: int = 1) -> str:
    """Return the engine that measured fastest, or else `DEFAULT_ENGINE`, or one that can.

    Where the default would only imitate a method's arithmetic, one with real kernels comes first.
    """
    able = _candidates(model)
    found = remembered(model, threads) if able else None
    if found and found.engine in (engine.key for engine in able):
        return found.engine
    return DEFAULT_ENGINE if found and not found.engine else _preferred(model)


def fastest_engine(model: LoadedModel, threads: int = 1) -> EngineChoice:
    """Return the same with its reason, measured first where that was not done yet.

    An engine that fails on the model is not chosen: work is never lost for the sake of a time.
    """
    able = _candidates(model)
    if not able:
        return EngineChoice(engine=_preferred(model))
    found = remembered(model, threads) or measure(model, able, threads)
    return found if found.engine else found.model_copy(update={"engine": DEFAULT_ENGINE})


def _candidates(model: LoadedModel) -> list[Engine]:
    """Return the engines to choose from, `DEFAULT_ENGINE` first."""
    members = ENGINES.members().values()
    return candidates(model, sorted(members, key=lambda engine: engine.key != DEFAULT_ENGINE))


def _preferred(model: LoadedModel) -> str:
    runnable = runnable_engines(model)
    if model.module is not None:
        by_preference = sorted(runnable, key=lambda key: key != DEFAULT_ENGINE)
        for key in by_preference:
            if kernels_of(model.module, key) == "real":
                return key
    return DEFAULT_ENGINE if DEFAULT_ENGINE in runnable else next(iter(runnable), DEFAULT_ENGINE)


def open_classifier(model: LoadedModel, engine: str | None = None, threads: int = 1) -> Classifier:
    """Make a model ready to classify images, an ensemble member by member; see `open_session`."""
    if model.members:
        members = [open_classifier(member, engine, threads) for member in model.members]
        return EnsembleClassifier(members, model.info)
    return Classifier(open_session(model, engine, threads), model.info)


def runnable_engines(model: LoadedModel) -> tuple[str, ...]:
    """Return the keys of all engines that can run `model` on this machine."""
    return tuple(
        key
        for key, member in ENGINES.members().items()
        if not member.why_unavailable() and not member.supports(model)
    )
