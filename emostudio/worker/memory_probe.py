"""A fresh process that opens one model on one engine, runs it, and prints its own memory."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from emostudio.evaluation.memory import probe
from emostudio.inference.base import Deployable

if TYPE_CHECKING:  # torch must not be in a process that only runs an ONNX graph
    from emostudio.inference.base import Session


def main(arguments: list[str]) -> None:
    """``--engine E --file F... --shape C,H,W --threads N``; the last line printed is JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", required=True)
    parser.add_argument("--file", type=Path, nargs="+", required=True)
    parser.add_argument("--shape", required=True)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    shape = [int(side) for side in options.shape.split(",")]
    batch = np.random.default_rng(0).random((1, *shape), dtype=np.float32)
    report = probe(lambda: _open(options.engine, options.file, options.threads), batch)
    sys.stdout.write(json.dumps(report) + "\n")


def _open(engine: str, files: list[Path], threads: int) -> Session:
    # The catalogue would load every engine's libraries into the memory that is measured.
    member = importlib.import_module(f"emostudio.inference.engines.{engine}").ENGINE
    if isinstance(member, Deployable):
        return member.open_deployed([file.read_bytes() for file in files], threads)
    from emostudio.compression.packing import load_variant
    from emostudio.inference.catalogue import open_session

    return open_session(load_variant(files[0]), engine, threads)


if __name__ == "__main__":
    main(sys.argv[1:])
