"""Options that take several values behind one name, as in ``--variants A B C``."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Sequence

import emostudio.inference.engines


def spread(arguments: Sequence[str]) -> list[str]:
    """Repeat the name of such an option before each of its values."""
    result: list[str] = []
    option = ""
    belongs: Callable[[str], bool] = _never
    expects_value = False
    for argument in arguments:
        if argument.startswith("-") and len(argument) > 1:
            option, belongs = argument, _OPTIONS.get(argument, _never)
            expects_value = argument in _OPTIONS
            result.append(argument)
        elif expects_value:
            expects_value = False
            result.append(argument)
        elif belongs(argument):
            result += [option, argument]
        else:
            belongs = _never
            result.append(argument)
    return result


def _never(word: str) -> bool:
    del word
    return False


def _always(word: str) -> bool:
    del word
    return True


def _is_assignment(word: str) -> bool:
    return "=" in word


def _is_engine(word: str) -> bool:
    """Tell engines from the models that may follow them, without loading any engine."""
    return any(
        word == module.name for module in pkgutil.iter_modules(emostudio.inference.engines.__path__)
    )


_OPTIONS: dict[str, Callable[[str], bool]] = {
    "--variants": _always,
    "--step": _always,
    "--set": _is_assignment,
    "--engine": _is_engine,
}
