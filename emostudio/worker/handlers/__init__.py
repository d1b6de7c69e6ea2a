"""One module per job kind, each with ``handle(job, context)``; found by the kind's name."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from emostudio.worker.context import HandlerContext, Handling

Handler = Callable[[Any, HandlerContext], Handling]


def handler(kind: str) -> Handler:
    """Return the handler of a job kind; only its module is imported."""
    module = importlib.import_module(f"{__name__}.{kind}")
    found: Handler = module.handle
    return found
