"""OpenVINO reports nothing to anybody."""

import os
import subprocess
import sys

from emostudio.inference.catalogue import ENGINES

PROGRAM = """
import socket, sys
import numpy as np
from torch import nn
def refuse(*_):
    raise SystemExit("a connection was attempted")
socket.socket.connect = refuse
from emostudio.inference.engines.openvino import ENGINE
from emostudio.inference.graph import onnx_graph
network = nn.Sequential(nn.Flatten(), nn.Linear(4, 3))
session = ENGINE.open_deployed([onnx_graph(network, (1, 2, 2))], 1)
print(session.run(np.ones((2, 1, 2, 2), np.float32)).shape, sys.modules["openvino_telemetry"])
"""


def test_nothing_is_sent_and_no_consent_is_written(tmp_path):
    environment = {**os.environ, "HOME": str(tmp_path), "EMOSTUDIO_STATE": str(tmp_path / "state")}
    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert answer.stdout.strip() == "(2, 3) None", answer.stderr[-2000:]
    assert not (tmp_path / "intel").exists()


def test_it_is_part_of_every_installation():
    assert ENGINES.get("openvino").why_unavailable() == ""
