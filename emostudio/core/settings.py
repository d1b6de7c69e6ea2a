"""Settings with bounds, units and help: the source of forms, command line and documentation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from emostudio.core.errors import InputError


class Settings(BaseModel):
    """Base of every settings model: frozen, nothing unknown accepted."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


SettingsT = TypeVar("SettingsT", bound=BaseModel)


def setting(
    default: Any,
    *,
    title: str,
    help: str,  # noqa: A002 - the word users see
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    advanced: bool = False,
) -> Any:
    """Declare one field of a `Settings` model.

    Parameters
    ----------
    default
        Value used when the user says nothing.
    title
        Two or three words, sentence case: the label in forms.
    help
        One line: what it does and when to change it.
    unit
        Unit shown behind the field, empty for pure numbers.
    low, high
        Inclusive bounds.
    advanced
        Whether forms fold the field away.
    """
    return Field(
        default,
        title=title,
        description=help,
        ge=low,
        le=high,
        json_schema_extra={"unit": unit, "advanced": advanced},
    )


def parse_settings(
    settings_type: type[SettingsT], values: Mapping[str, Any], owner: str
) -> SettingsT:
    """Build settings from JSON values or command-line strings.

    Parameters
    ----------
    settings_type
        The model to fill.
    values
        Field name to value; strings are converted to the field's type.
    owner
        Name shown in errors, such as ``method cp``.

    Raises
    ------
    InputError
        Naming each field that is unknown or out of bounds.
    """
    try:
        return settings_type.model_validate(_with_numbers(settings_type, values))
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'settings'}: "
            + ("there is no such setting" if fault["type"] == "extra_forbidden" else fault["msg"])
            for fault in error.errors(include_url=False)
        )
        known = ", ".join(settings_type.model_fields) or "none"
        raise InputError(
            f"Bad settings for {owner}", why=faults, next_step=f"Settings of {owner}: {known}"
        ) from error


def first_fault(error: ValidationError) -> str:
    """Return the first thing pydantic found wrong, behind the name of its field if it has one."""
    fault = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, fault["loc"]))
    return f"{place}: {fault['msg']}" if place else fault["msg"]


def settings_from_text(text: str, owner: str) -> dict[str, str]:
    """Return the settings written as ``bn=false stem_stride=1``, separated by blanks or commas.

    Raises
    ------
    InputError
        Naming the part without an equals sign.
    """
    pairs = [pair for pair in re.split(r"[\s;,+|]+", text) if pair]
    for pair in pairs:
        if "=" not in pair:
            raise InputError(f"{pair} is no setting of {owner}", next_step="Write it as name=value")
    return dict(pair.split("=", 1) for pair in pairs)


def _with_numbers(settings_type: type[BaseModel], values: Mapping[str, Any]) -> dict[str, Any]:
    """Turn words into the numbers of fields that list them, which pydantic leaves to us."""
    converted = dict(values)
    for name, value in values.items():
        field = settings_type.model_fields.get(name)
        if field is None or get_origin(field.annotation) is not Literal:
            continue
        choices = {str(choice): choice for choice in get_args(field.annotation)}
        converted[name] = choices.get(value.strip(), value) if isinstance(value, str) else value
    return converted
