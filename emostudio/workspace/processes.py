"""Whether the process that works on a run is still alive."""

from __future__ import annotations

import psutil

from emostudio.workspace.records import RunRecord

_CLOCK_SLACK_S = 5.0


def is_worked_on(run: RunRecord) -> bool:
    """Return whether the process that claimed `run` lives.

    A process younger than the run's start only reuses the number of the one that died.
    """
    if run.pid is None or run.started is None:
        return False
    try:
        process = psutil.Process(run.pid)
        born_s = process.create_time()
        is_dead = process.status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
    return not is_dead and born_s <= run.started.timestamp() + _CLOCK_SLACK_S
