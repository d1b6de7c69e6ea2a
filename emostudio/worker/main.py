"""The worker process: serves jobs over a private channel of JSON lines.

Lines in: ``{"command": "run", "id", "job", "workspace", "run"}``, ``pause``, ``resume``,
``cancel``, ``checkpoint`` (each with ``id``). Lines out: ``{"id", "event"}``. Closed input means
that the window is gone: running jobs save a checkpoint and the process ends within five seconds.
"""

from __future__ import annotations

import importlib
import json
import os
import queue
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import ValidationError

from emostudio.core.errors import EmoStudioError
from emostudio.core.events import Event, Failed, event_line
from emostudio.core.jobs import JOB_ADAPTER, Job
from emostudio.core.settings import first_fault
from emostudio.worker.control import JobControl
from emostudio.worker.failures import explain
from emostudio.workspace.store import Workspace

EXIT_DEADLINE_S = 5.0
_WARM_UP = (
    "torch",
    "emostudio.worker.execute",
    "emostudio.worker.handlers.describe",
    "emostudio.compression.catalogue",
)
_WARM_UP_SPARE = (
    "emostudio.worker.handlers.live",
    "onnxruntime",
    "emostudio.worker.handlers.train",
    "emostudio.worker.handlers.compress",
    "emostudio.compression.coding.canonical_huffman",
)
_SPARE_NICE = 5
_LOST_WINDOW_CODE = 3


class Channel:
    """The private way to the window; writing to a closed one is not an error."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def send(self, request_id: str, event: Event) -> None:
        """Write one line."""
        line = f'{{"id": {json.dumps(request_id)}, "event": {event_line(event)}}}\n'
        with self._lock, suppress(BrokenPipeError, ValueError):
            self._stream.write(line.encode())
            self._stream.flush()


class _Request:
    """One job asked for over the channel."""

    def __init__(self, document: dict[str, Any], channel: Channel) -> None:
        self.id = str(document["id"])
        self.job: Job = JOB_ADAPTER.validate_python(document["job"])
        self.workspace = Path(str(document["workspace"]))
        self.run = str(document["run"]) if document.get("run") else None
        self.control = JobControl(lambda event: channel.send(self.id, event))


class WorkerLoop:
    """Reads requests on one thread and runs their jobs, one after the other, on another.

    Parameters
    ----------
    requests
        Lines of JSON.
    channel
        Where events go.
    is_spare
        Started before there is a job: imports more, at a low priority.
    """

    def __init__(self, requests: BinaryIO, channel: Channel, *, is_spare: bool = False) -> None:
        self._is_spare = is_spare
        self._requests = requests
        self._channel = channel
        self._waiting: queue.Queue[_Request | None] = queue.Queue()
        self._open: dict[str, _Request] = {}
        self._workspace: Workspace | None = None

    def run(self) -> None:
        """Serve until the input ends."""
        threading.Thread(target=self._read, name="requests", daemon=True).start()
        if self._is_spare:
            quiet = threading.Thread(target=self._warm_up_quietly, name="spare", daemon=True)
            quiet.start()
            quiet.join()
        else:
            self._warm_up(_WARM_UP)
        while (request := self._waiting.get()) is not None:
            self._serve(request)
        if self._workspace is not None:
            self._workspace.close()

    def _warm_up_quietly(self) -> None:
        # In a thread of its own: Linux lowers the priority of just that one, for good.
        if sys.platform == "linux":
            with suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _SPARE_NICE)
        self._warm_up((*_WARM_UP, *_WARM_UP_SPARE))
        if self._waiting.empty():
            _rehearse()

    def _warm_up(self, names: tuple[str, ...]) -> None:
        """Load the heavy libraries while nobody asks for anything."""
        for name in names:
            if not self._waiting.empty():
                return
            with suppress(ImportError):
                importlib.import_module(name)

    def _serve(self, request: _Request) -> None:
        try:
            for event in self._events(request):
                self._channel.send(request.id, event)
        except Exception as error:  # noqa: BLE001 - one broken job must not end the worker
            self._channel.send(request.id, explain(error))
        finally:
            self._open.pop(request.id, None)

    def _events(self, request: _Request) -> Iterator[Event]:
        from emostudio.worker.execute import execute

        if self._workspace is None or self._workspace.folder != request.workspace.absolute():
            if self._workspace is not None:
                self._workspace.close()
            self._workspace = Workspace.open(request.workspace)
        yield from execute(request.job, self._workspace, request.run, request.control)

    def _read(self) -> None:
        for line in self._requests:
            if not line.strip():
                continue
            try:
                self._obey(line)
            except (ValueError, KeyError, TypeError, ValidationError, EmoStudioError) as error:
                self._channel.send(_id_of(line), _not_understood(error))
        self._window_gone()

    def _obey(self, line: bytes) -> None:
        document = json.loads(line)
        command = document["command"]
        if command == "run":
            request = _Request(document, self._channel)
            self._open[request.id] = request
            self._waiting.put(request)
            return
        if command not in {"pause", "resume", "cancel", "checkpoint"}:
            raise ValueError(f"there is no command {command}")
        known = self._open.get(str(document["id"]))
        if known is not None:  # a job that has just ended needs no more orders
            getattr(known.control, command)()

    def _window_gone(self) -> None:
        for request in list(self._open.values()):
            request.control.window_gone = True
            request.control.cancel()
        self._waiting.put(None)
        deadline = threading.Timer(EXIT_DEADLINE_S - 0.5, os._exit, (_LOST_WINDOW_CODE,))
        deadline.daemon = True
        deadline.start()


def _rehearse() -> None:
    """Export a tiny network: the first export of a process loads a compiler for seconds."""
    from torch import nn

    from emostudio.inference.graph import onnx_graph

    with suppress(EmoStudioError):
        onnx_graph(nn.Sequential(nn.Conv2d(1, 1, 1), nn.Flatten()), (1, 2, 2))


def entry_point() -> None:
    """Take the private channel, then serve."""
    if hasattr(signal, "SIGINT"):  # Ctrl-C in the window's terminal is the window's business
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    private = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # prints of libraries, native ones too, go to the log
    sys.stdout = sys.stderr
    WorkerLoop(sys.stdin.buffer, Channel(private), is_spare="--spare" in sys.argv).run()
    with suppress(OSError, ValueError):
        private.flush()
    sys.stderr.flush()
    os._exit(0)  # torch takes over a second to unwind; everything is already on the disk


def _id_of(line: bytes) -> str:
    with suppress(ValueError, TypeError, AttributeError):
        return str(json.loads(line).get("id", ""))
    return ""


def _not_understood(error: Exception) -> Failed:
    if isinstance(error, ValidationError):
        reason = first_fault(error)
    elif isinstance(error, KeyError):
        reason = f"{error} is missing"
    else:
        reason = str(error)
    return Failed(
        what="The worker did not understand a request",
        why=reason[:300],
        next_step="This is a fault of the program; please report it",
        exit_code=2,
    )
