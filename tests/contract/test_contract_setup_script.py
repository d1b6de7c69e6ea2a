"""The set-up script: half-made environments, changed requirements, folders with spaces."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "packaging" / "setup.sh"
PYTHON = """#!/bin/sh
# Stands for a Python: notes what it is asked for and makes environments of itself.
echo "$*" >> "$NOTES"
case "$*" in
  *ensurepip*) exit "${NO_VENV:-0}" ;;
  "-m venv --clear .venv") rm -rf .venv && mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
esac
"""
WITHOUT_PIP = "#!/bin/sh\nexit 1\n"

pytestmark = pytest.mark.skipif(
    sys.platform == "win32" or shutil.which("bash") is None, reason="the script is for bash"
)


def program(file, text):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    file.chmod(0o755)
    return file


@pytest.fixture
def checkout(tmp_path):
    folder = tmp_path / "a checkout"
    (folder / "packaging").mkdir(parents=True)
    shutil.copy(SCRIPT, folder / "packaging")
    (folder / "pyproject.toml").write_text("first", encoding="utf-8")
    (folder / "packaging" / "constraints.txt").write_text("", encoding="utf-8")
    return folder


@pytest.fixture
def prepare(checkout, tmp_path):
    tools = tmp_path / "tools"
    program(tools / "dpkg-query", "#!/bin/sh\necho install ok installed\n")
    python = program(tools / "some-python", PYTHON)
    notes = tmp_path / "notes"

    def run(mode="run", **more):
        notes.write_text("", encoding="utf-8")
        environment = os.environ | {
            "PATH": f"{tools}:{os.environ['PATH']}",
            "EMOSTUDIO_PYTHON": str(python),
            "NOTES": str(notes),
        }
        done = subprocess.run(
            ["bash", str(checkout / "packaging" / "setup.sh"), mode],
            env=environment | more,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return (
            done,
            [line for line in notes.read_text("utf-8").splitlines() if "venv" in line],
            [line for line in notes.read_text("utf-8").splitlines() if "pip install" in line],
        )

    return run


def test_a_fresh_checkout_is_set_up_once(prepare):
    done, _, installs = prepare()
    assert done.returncode == 0, done.stderr
    assert len(installs) == 1
    assert installs[0].endswith("--editable .")
    assert prepare()[2] == []


def test_an_environment_without_pip_is_made_anew(prepare, checkout):
    program(checkout / ".venv" / "bin" / "python", WITHOUT_PIP)
    done, made, installs = prepare()
    assert done.returncode == 0, done.stderr
    assert "-m venv --clear .venv" in made
    assert len(installs) == 1


def test_changed_requirements_are_installed_also_when_they_change_back(prepare, checkout):
    prepare()
    (checkout / "pyproject.toml").write_text("second", encoding="utf-8")
    assert len(prepare()[2]) == 1
    (checkout / "pyproject.toml").write_text("first", encoding="utf-8")
    assert len(prepare()[2]) == 1


def test_what_developers_have_installed_is_enough_to_run(prepare):
    assert prepare("dev")[2][0].endswith("--editable .[dev]")
    assert prepare("run")[2] == []


def test_without_the_venv_module_nothing_half_made_is_left(prepare, checkout):
    done, _, installs = prepare(NO_VENV="1")
    assert done.returncode == 1
    assert "virtual environment" in done.stderr
    assert installs == []
    assert not (checkout / ".venv").exists()
