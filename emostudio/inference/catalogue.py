"""The catalogue of inference engines, and opening a model on one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emostudio.core.catalogue import Catalogue
from emostudio.core.errors import InputError
from emostudio.inference.base import Engine, Session, kernels_of
from emostudio.inference.choosing import candidates, measure, remembered
from emostudio.inference.classifier import Classifier
from emostudio.inference.ensemble import EnsembleClassifier

if TYPE_CHECKING:
    from emostudio.models.loaded import LoadedModel

ENGINES: Catalogue[Engine] = Catalogue("emostudio.inference.engines", "ENGINE", "engine")

DEFAULT_ENGINE = "onnxruntime"
"""The fastest float engine; gains are stated against it, never against eager torch."""

PACKED_ENGINE = "packed"
"""The engine that runs weights without unpacking them."""


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
    choice = _choice(model, threads, measured=False)
    return choice or _preferred(model)


def fastest_engine(model: LoadedModel, threads: int = 1) -> str:
    """Return the same, measured first where more than one engine has kernels for the weights."""
    choice = _choice(model, threads, measured=True)
    return choice or _preferred(model)


def _choice(model: LoadedModel, threads: int, *, measured: bool) -> str:
    """Return the fastest engine; nothing where there is no choice, or none was made."""
    packed = ENGINES.get(PACKED_ENGINE)
    if model.module is None or packed.why_unavailable() or packed.supports(model):
        return ""
    known = [ENGINES.get(key) for key in (DEFAULT_ENGINE, PACKED_ENGINE)]
    able = [engine for engine in candidates(model, known) if not engine.supports(model)]
    if len(able) < len(known):
        return ""
    found = remembered(model, threads)
    if found is None and measured:
        found = measure(model, able, threads)
    return "" if found is None else found.engine


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
