"""Speed of the compressed kernels against float of the same topology, batch 1, in one run.

A ratio above 1 is better than the reference: ONNX Runtime float without local response
normalisation on either side, or where the key says so a float matrix-vector product of torch.
Speed alone proves nothing: beside each stands the accuracy of a small trained network of that kind
and of its teacher on the same drawn faces, see ``trained``.
"""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path

from harness import Row, run
from pairs import Timing
from trained import beside

_FAMILIES = Path(__file__).resolve().parent / "kernel_rows"


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", default="", help="part of a family's name, such as low_rank")


def measure(arguments: argparse.Namespace) -> list[Row]:
    """Measure every family in turn."""
    timing = Timing(blocks=4, block_s=0.1) if arguments.quick else Timing()
    rows: list[Row] = []
    for file in sorted(_FAMILIES.glob("[!_]*.py")):
        if arguments.only in file.stem:
            rows += import_module(f"kernel_rows.{file.stem}").rows(timing)
    return beside(rows, quick=arguments.quick)


if __name__ == "__main__":
    run("kernels", __doc__, measure, _options)
