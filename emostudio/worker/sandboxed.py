"""Inside the sandbox: limits itself, then becomes the module it was asked to run."""

from __future__ import annotations

import os
import runpy
import sys
from contextlib import suppress

RESULT_VARIABLE = "EMOSTUDIO_RESULT"


def main() -> None:
    """``python -m emostudio.worker.sandboxed MEMORY_BYTES RESULT_FILE MODULE ARGUMENT...``."""
    memory_bytes, result_file, module, *arguments = sys.argv[1:]
    os.environ[RESULT_VARIABLE] = result_file
    with suppress(ImportError, ValueError):  # Windows has no resource limits, only the wall time
        import resource

        limit = int(memory_bytes)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
