"""Checkpoints: whole, verified at load, the last two and the best kept.

A checkpoint is a safetensors file of tensors with JSON facts in its metadata, and a sidecar with
its SHA-256. It counts from the moment its sidecar is on disk.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from emostudio.core.atomic import write_json, write_with
from emostudio.core.errors import EmoStudioError, InputError

_KEPT = 2
_CHUNK_BYTES = 1 << 20
_FACTS = "facts"
_BEST = "best"


class _Sidecar(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str
    bytes: int
    step: int
    epoch: int
    best: str = ""
    """File name of the best weights so far."""


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint held.

    Attributes
    ----------
    tensors
        Tensors by name.
    facts
        JSON-compatible facts.
    best
        Weights of the best epoch so far, None before the first epoch or if they are damaged.
    file
        Where it was.
    """

    tensors: dict[str, torch.Tensor]
    facts: dict[str, Any]
    best: dict[str, torch.Tensor] | None
    file: Path


class CheckpointStore:
    """The checkpoints of one run in one folder.

    Parameters
    ----------
    folder
        Made when first needed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._best = ""

    def save(
        self, tensors: Mapping[str, torch.Tensor], facts: Mapping[str, Any], step: int, epoch: int
    ) -> Path:
        """Write a checkpoint, then forget all but the last two.

        Raises
        ------
        EmoStudioError
            If the disk refuses; earlier checkpoints are intact.
        """
        path = self.folder / f"checkpoint-{self._next_number():06d}.safetensors"
        self._write(path, tensors, facts, step=step, epoch=epoch)
        self._forget_old()
        return path

    def save_best(self, tensors: Mapping[str, torch.Tensor], step: int, epoch: int) -> None:
        """Write the best weights so far; checkpoints saved from now on refer to them.

        Raises
        ------
        EmoStudioError
            If the disk refuses.
        """
        path = self.folder / f"{_BEST}-{epoch:06d}-{self._next_number():06d}.safetensors"
        self._write(path, tensors, {}, step=step, epoch=epoch)
        self._best = path.name

    def load_newest(self) -> tuple[Checkpoint | None, list[str]]:
        """Return the newest checkpoint that is whole.

        Returns
        -------
        checkpoint, damaged
            None if there is none, and the names of newer files that could not be used.
        """
        damaged: list[str] = []
        for sidecar_path in reversed(self._sidecars("checkpoint")):
            path = sidecar_path.with_suffix(".safetensors")
            try:
                sidecar, tensors, facts = _read(path)
            except InputError:
                damaged.append(path.name)
                continue
            best = None
            if sidecar.best:
                try:
                    _, best, _ = _read(self.folder / Path(sidecar.best).name)
                    self._best = sidecar.best
                except InputError:
                    damaged.append(sidecar.best)
            return Checkpoint(tensors, facts, best, path), damaged
        return None, damaged

    def _write(
        self,
        path: Path,
        tensors: Mapping[str, torch.Tensor],
        facts: Mapping[str, Any],
        *,
        step: int,
        epoch: int,
    ) -> None:
        plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        digest = ""

        def write(temporary: Path) -> None:
            nonlocal digest
            try:
                save_file(plain, temporary, {_FACTS: json.dumps(facts)})
            except SafetensorError as error:  # its only trouble with tensors like these is the disk
                raise EmoStudioError(
                    f"Could not write {path.name}",
                    why=str(error),
                    next_step="Free some space; earlier checkpoints are intact",
                ) from error
            digest = _sha256(temporary)

        write_with(path, write)
        sidecar = _Sidecar(
            sha256=digest, bytes=path.stat().st_size, step=step, epoch=epoch, best=self._best
        )
        write_json(path.with_suffix(".json"), sidecar.model_dump())

    def _sidecars(self, kind: str) -> list[Path]:
        return sorted(self.folder.glob(f"{kind}-*.json"))

    def _next_number(self) -> int:
        numbers = [path.stem.rpartition("-")[2] for path in self.folder.glob("*-*.safetensors")]
        return max((int(number) for number in numbers if number.isdigit()), default=0) + 1

    def _forget_old(self) -> None:
        kept = self._sidecars("checkpoint")[-_KEPT:]
        wanted = {path.stem for path in kept} | {Path(_best_named(path)).stem for path in kept}
        for kind in ("checkpoint", _BEST):
            for path in self.folder.glob(f"{kind}-*.safetensors"):
                if path.stem not in wanted and path.name != self._best:
                    # Sidecar first: a file without one is no checkpoint, but not a damaged one.
                    path.with_suffix(".json").unlink(missing_ok=True)
                    path.unlink(missing_ok=True)


def _best_named(sidecar_path: Path) -> str:
    try:
        return _Sidecar.model_validate_json(sidecar_path.read_bytes()).best
    except (OSError, ValidationError):
        return ""


def _read(path: Path) -> tuple[_Sidecar, dict[str, torch.Tensor], dict[str, Any]]:
    try:
        sidecar = _Sidecar.model_validate_json(path.with_suffix(".json").read_bytes())
        if path.stat().st_size != sidecar.bytes or _sha256(path) != sidecar.sha256:
            raise InputError(f"{path.name} is not what was written")
        with safe_open(str(path), framework="pt") as file:
            facts = json.loads((file.metadata() or {}).get(_FACTS, "{}"))
            names = list(file.keys())
            tensors = {name: file.get_tensor(name) for name in names}
    except (OSError, ValidationError, SafetensorError, ValueError) as error:
        raise InputError(f"{path.name} cannot be read", why=str(error)) from error
    return sidecar, tensors, facts


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
