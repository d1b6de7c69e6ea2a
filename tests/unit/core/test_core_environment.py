from importlib import metadata

import pytest

from emostudio.core import environment
from emostudio.core.errors import EmoStudioError


@pytest.fixture
def installed(monkeypatch):
    """Pretend that exactly these packages are installed, on Python 3.11."""

    def pretend(python=(3, 11, 7), **versions):
        named = {name.replace("_", "-"): version for name, version in versions.items()}

        def version(name):
            if name not in named:
                raise metadata.PackageNotFoundError(name)
            return named[name]

        monkeypatch.setattr(environment.metadata, "version", version)
        monkeypatch.setattr(environment.sys, "version_info", python)

    return pretend


def test_pyside_6_12_on_python_3_11_is_refused_with_the_remedy(installed):
    installed(PySide6_Essentials="6.12.0")
    with pytest.raises(EmoStudioError, match=r"6\.12\.0 cannot be used with Python 3\.11") as error:
        environment.check()
    assert "pip install" in error.value.next_step


def test_pyside_6_12_on_python_3_12_and_6_11_on_3_11_are_fine(installed):
    installed(python=(3, 12, 1), PySide6_Essentials="6.12.0")
    environment.check()
    installed(PySide6_Essentials="6.11.3")
    environment.check()


def test_a_second_opencv_is_refused_by_name(installed):
    installed(opencv_python="4.13.0", opencv_python_headless="4.13.0")
    with pytest.raises(EmoStudioError, match="opencv-python and opencv-python-headless"):
        environment.check()
