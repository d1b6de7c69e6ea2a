import sys

import pytest

from emostudio.core.errors import InputError
from emostudio.worker.sandbox import run_limited


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Write a module that the sandboxed process can import by name."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def write(body):
        (tmp_path / "sandbox_subject.py").write_text(body)
        return "sandbox_subject"

    return write


def test_the_result_comes_through_a_file_and_prints_do_not_matter(module):
    name = module(
        "import json, os, sys\n"
        "print('noise')\n"
        "open(os.environ['EMOSTUDIO_RESULT'], 'w').write(json.dumps({'got': sys.argv[1:]}))\n"
    )
    assert run_limited(name, ["a", "b"], subject="x").document == {"got": ["a", "b"]}


def test_a_refusal_is_the_module_s_own_last_line(module):
    name = module("import sys\nsys.stderr.write('noise\\nx.pt was refused.\\n')\nsys.exit(2)\n")
    with pytest.raises(InputError, match=r"^x\.pt was refused\.$"):
        run_limited(name, [], subject="x.pt")


def test_an_endless_module_is_stopped(module):
    name = module("while True: pass\n")
    with pytest.raises(InputError, match="longer than"):
        run_limited(name, [], subject="x.pt", wall_s=1.5)


@pytest.mark.skipif(sys.platform == "win32", reason="no address-space limit there")
def test_a_greedy_module_is_stopped(module):
    name = module("x = bytearray(4 * 2**30)\n")
    with pytest.raises(InputError, match="memory"):
        run_limited(name, [], subject="x.pt", memory_bytes=2**30)


def test_a_crash_is_an_ordinary_error(module):
    name = module("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    with pytest.raises(InputError, match="cannot be read"):
        run_limited(name, [], subject="x.pt")
