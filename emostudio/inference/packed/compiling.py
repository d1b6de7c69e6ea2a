"""How kernels are compiled, kept, and given threads.

Import this before any kernel: it tells numba where to keep what it compiled. An installed program
often lies in a folder that cannot be written to.
"""

from __future__ import annotations

import functools
import platform
from collections.abc import Callable
from typing import Any

import numba
from llvmlite import binding
from numba.core import config

from emostudio.core.paths import state_folder

config.CACHE_DIR = str(state_folder() / "kernels")

_OPTIONS = {"nogil": True, "cache": True, "boundscheck": False, "error_model": "numpy"}


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a function that runs on one thread without Python's lock; kept for later runs."""
    return numba.njit(**_OPTIONS)(function)


def threaded_kernel(function: Callable[..., Any]) -> Any:
    """Compile a function whose ``prange`` loops share the threads of `use_threads`."""
    return numba.njit(parallel=True, **_OPTIONS)(function)


def use_threads(threads: int) -> None:
    """Set how many threads ``prange`` takes in calls from the present Python thread."""
    wanted = max(1, min(threads, config.NUMBA_NUM_THREADS))
    if numba.get_num_threads() != wanted:
        numba.set_num_threads(wanted)


@functools.cache
def why_no_kernels() -> str:
    """Return why the vector kernels cannot run on this processor, or nothing.

    The kernels are written for AVX2. NEON's table look-up and AVX-512's population count would
    need kernels of their own.
    """
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return f"the packed kernels need AVX2, and this is a processor of type {platform.machine()}"
    features = binding.get_host_cpu_features()
    return (
        "" if features.get("avx2") else "the packed kernels need AVX2, which this processor lacks"
    )
