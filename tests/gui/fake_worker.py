"""A worker for window tests: the real protocol, no engine. Run as a program, not imported."""

from __future__ import annotations

import json
import os
import sys
import threading
import time

READERS = [
    {
        "key": "synthetic",
        "title": "Synthetic faces",
        "settings": {
            "properties": {
                "identities": {
                    "type": "integer", "title": "Identities", "minimum": 3, "maximum": 100,
                    "default": 6, "description": "How many people",
                },
            }
        },
    },
    {"key": "folder", "title": "Folders", "settings": {"properties": {}}},
]  # fmt: skip
CATALOGUE = {
    "methods": [],
    "architectures": [{"key": "tiny", "title": "Tiny net", "settings": {"properties": {}}}],
    "engines": [],
    "readers": READERS,
    "training": {
        "properties": {"epochs": {"type": "integer", "title": "Epochs", "minimum": 1, "default": 2}}
    },
}
DOCTOR = {
    "machine": {"cpu": "Test CPU", "physical_cores": 4, "vector_units": ["AVX2"],
                "memory_bytes": 8 * 2**30},
    "versions": {"torch": "0"},
    "checks": [
        {"name": "Camera", "works": False, "next_step": "Plug one in"},
        {"name": "Engine", "works": True, "details": "fine"},
    ],
}  # fmt: skip
_LOCK = threading.Lock()
_CONTROLS: dict[str, dict[str, bool]] = {}


def send(request_id: str, event: dict[str, object]) -> None:
    with _LOCK:
        sys.stdout.write(json.dumps({"id": request_id, "event": event}) + "\n")
        sys.stdout.flush()


def data_report(path: str) -> dict[str, object]:
    return {
        "name": "faces", "path": path, "reader": "folder", "samples": 30,
        "counts": {"train": {"anger": 10, "fear": 10}, "test": {"anger": 5, "fear": 5}},
        "labels": ["anger", "fear"], "label_map": {"angry": "anger", "odd": None},
        "problem_count": 1, "problems": [{"item": "x.png", "what": "cut off"}],
        "leak_counts": {"duplicate": 2},
    }  # fmt: skip


def answer(job: dict[str, object]) -> dict[str, object]:
    kind = job["kind"]
    if kind == "describe":
        return {"type": "finished", "result": CATALOGUE}
    if kind == "doctor":
        return {"type": "finished", "result": DOCTOR}
    if kind == "machine_card":
        return {"type": "finished", "result": {}}
    if kind == "inspect_data" and "broken" in str(job["path"]):
        return {"type": "failed", "what": "No pictures found", "why": "the folder is empty",
                "next_step": "Choose another folder", "exit_code": 2}  # fmt: skip
    if kind == "inspect_data":
        return {"type": "finished", "result": data_report(str(job["path"]))}
    return {"type": "failed", "what": f"no answer to {kind}"}


def train(request_id: str, job: dict[str, object]) -> None:
    control = _CONTROLS[request_id]
    epochs = int(job["training"].get("epochs", 2))  # type: ignore[union-attr]
    for epoch in range(1, epochs + 1):
        while control["paused"] and not control["cancelled"]:
            time.sleep(0.01)
        if control["cancelled"]:
            send(request_id, {"type": "cancelled"})
            return
        send(request_id, {
            "type": "epoch", "epoch": epoch, "epochs": epochs, "train_loss": 1.0 / epoch,
            "train_error": 0.5 / epoch, "validation_loss": 1.1 / epoch,
            "validation_error": 0.6 / epoch, "learning_rate": 0.1, "seconds": 0.1,
            "seconds_left": 1.0,
        })  # fmt: skip
        time.sleep(0.02)
    send(request_id, {"type": "finished", "result": {}})


def run(document: dict[str, object]) -> None:
    request_id, job = str(document["id"]), document["job"]
    assert isinstance(job, dict)
    if job.get("name") == "die":
        os._exit(9)
    if job["kind"] == "train":
        train(request_id, job)
    else:
        send(request_id, answer(job))


def main() -> None:
    for line in sys.stdin:
        document = json.loads(line)
        if document["command"] == "run":
            _CONTROLS[str(document["id"])] = {"paused": False, "cancelled": False}
            threading.Thread(target=run, args=(document,), daemon=True).start()
            continue
        control = _CONTROLS.get(str(document["id"]), {})
        if document["command"] in {"pause", "resume"}:
            control["paused"] = document["command"] == "pause"
        elif document["command"] == "cancel":
            control["cancelled"] = True
    os._exit(0)


if __name__ == "__main__":
    main()
