"""Prepares models for a bench: what runs where, and how a fresh process measures memory."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from emostudio.core.atomic import write_bytes
from emostudio.core.errors import EmoStudioError, InputError
from emostudio.core.paths import safe_name
from emostudio.evaluation.bench import Entry
from emostudio.evaluation.memory import resident_bytes
from emostudio.inference.base import Deployable
from emostudio.inference.catalogue import ENGINES, fastest_engine
from emostudio.models.loaded import LoadedModel
from emostudio.worker.resolve import Found, macs_of


def bench_entries(
    models: Sequence[tuple[Found, LoadedModel]],
    engines: Sequence[str],
    threads: int,
    folder: Path,
) -> tuple[list[Entry], list[str]]:
    """Pair every model with every engine that runs it.

    Parameters
    ----------
    models
        The baseline first.
    engines
        Catalogue keys; none gives each model the one it runs on by default.
    threads
        CPU threads of every session.
    folder
        Takes exported graphs for the memory measurements.

    Returns
    -------
    The entries, and why a model was left out on an engine.

    Raises
    ------
    InputError
        If an engine does not exist or is not available.
    """
    entries: list[Entry] = []
    refused: list[str] = []
    chosen = [] if engines else [fastest_engine(model, threads) for _, model in models]
    for key in engines or dict.fromkeys(choice.engine for choice in chosen):
        engine = ENGINES.get(key)
        if why_not := engine.why_unavailable():
            raise InputError(f"The engine {key} cannot be used", why=why_not)
        for place, (found, model) in enumerate(models):
            if not engines and chosen[place].engine != key:
                continue
            if reason := engine.supports(model):
                refused.append(f"{found.name} does not run on {key}: {reason}")
                continue
            entries.append(
                Entry(
                    model=model,
                    engine=key,
                    engine_why="" if engines else chosen[place].why,
                    disk_bytes=found.file.stat().st_size,
                    parameters=model.parameter_count,
                    macs=macs_of(model),
                    memory_argv=memory_command(found.file, model, key, threads, folder),
                )
            )
    return entries, refused


def resident_bytes_of(model: LoadedModel, engine: str, *, threads: int, folder: Path) -> int | None:
    """Return the resident memory of a fresh process that runs a saved model; None if it fails."""
    if model.file is None:
        return None
    command = memory_command(model.file, model, engine, threads, folder)
    try:
        return resident_bytes(command, repeats=1).loaded_bytes
    except EmoStudioError:
        return None


def memory_command(
    file: Path, model: LoadedModel, engine: str, threads: int, folder: Path
) -> tuple[str, ...]:
    """Return the command line of a fresh process that loads one model on one engine.

    Where an engine has files of its own the process gets those, so that it loads what a deployment
    would load and not the libraries that made them.
    """
    files = [str(file)]
    member = ENGINES.get(engine)
    if isinstance(member, Deployable):
        files = []
        for number, content in enumerate(member.deployed(model)):
            part = folder / "memory" / f"{safe_name(model.info.name)}-{engine}-{number}"
            write_bytes(part, content)
            files.append(str(part))
    shape = ",".join(map(str, model.input_shape))
    return (
        sys.executable, "-m", "emostudio.worker.memory_probe",
        "--engine", engine, "--file", *files, "--shape", shape, "--threads", str(threads),
    )  # fmt: skip
