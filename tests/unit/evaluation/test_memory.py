import json
import subprocess
import sys

import numpy as np
import pytest

from emostudio.core.errors import EmoStudioError
from emostudio.evaluation.memory import probe, resident_bytes

PROBE = """
import json, sys
import numpy as np
from emostudio.evaluation.memory import probe

class Session:
    def __init__(self):
        self.weights = np.ones(int(sys.argv[1]), dtype=np.uint8)
    def run(self, batch):
        return batch
    def close(self):
        pass

print("words before the report")
print(json.dumps(probe(Session, np.zeros((1, 1, 8, 8), dtype=np.float32))))
"""

ANEW = """
import json
import numpy as np
from emostudio.evaluation.memory import forget_peak, peak_bytes

high = np.ones(60_000_000, dtype=np.uint8)
before = peak_bytes()
del high
assert forget_peak()
after = peak_bytes()
again = np.ones(90_000_000, dtype=np.uint8)
print(json.dumps([before, after, peak_bytes()]))
"""


def _argv(count: int) -> list[str]:
    return [sys.executable, "-c", PROBE, str(count)]


def test_a_bigger_model_holds_more_memory_by_about_its_size():
    small, big = resident_bytes(_argv(1), repeats=1), resident_bytes(_argv(60_000_000), repeats=1)
    assert big.loaded_bytes - small.loaded_bytes == pytest.approx(60_000_000, rel=0.1)
    assert big.loaded_bytes - big.base_bytes == pytest.approx(60_000_000, rel=0.1)
    assert big.peak_bytes >= big.loaded_bytes


def test_repeats_agree():
    assert resident_bytes(_argv(40_000_000), repeats=3).spread <= 0.03


def test_probe_reports_this_process():
    class Session:
        def run(self, batch):
            return batch

    report = probe(Session, np.zeros((1, 1, 8, 8), dtype=np.float32))
    assert 0 < report["base_bytes"] <= report["peak_bytes"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("raise SystemExit('no such model')", "no such model"),
        ("print('hello')", "answered"),
        ("import os; os._exit(7)", "code 7"),
        ("print('{\"base_bytes\": 1}')", "answered"),
    ],
)
def test_a_failing_process_is_explained(code, words):
    with pytest.raises(EmoStudioError, match=words):
        resident_bytes([sys.executable, "-c", code], repeats=1)


def test_a_program_that_does_not_exist_is_explained():
    with pytest.raises(EmoStudioError, match="could not be measured"):
        resident_bytes(["no-such-program-anywhere"], repeats=1)


def test_a_process_that_hangs_is_stopped():
    sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
    with pytest.raises(EmoStudioError, match="timed out"):
        resident_bytes(sleeper, repeats=1, timeout_s=0.5)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux counts peaks anew")
def test_a_forgotten_peak_is_counted_anew():
    # In a process of its own: this one may give back at any moment what other tests left.
    done = subprocess.run(
        [sys.executable, "-c", ANEW], capture_output=True, text=True, check=True, timeout=120
    )
    before, after, again = json.loads(done.stdout)
    assert after < before - 40_000_000
    assert again > after + 60_000_000
