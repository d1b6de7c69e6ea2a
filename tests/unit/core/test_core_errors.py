"""One line of an error, whatever a library put into it."""

import pytest
from pydantic import BaseModel, Field, ValidationError

from emostudio.core.errors import first_line, kind_and_line
from emostudio.core.settings import first_fault


@pytest.mark.parametrize("text", ["", "  ", "\n\n"])
def test_an_error_that_says_nothing_is_named_by_its_kind(text):
    assert first_line(RuntimeError(text)) == "RuntimeError"
    assert kind_and_line(RuntimeError(text)) == "RuntimeError"


def test_an_error_is_told_by_the_first_line_that_says_something():
    error = ValueError("\n  no such layer \nstack: a, b")
    assert first_line(error) == "no such layer"
    assert kind_and_line(error) == "ValueError: no such layer"


def test_a_line_without_an_end_is_cut():
    assert first_line(RuntimeError("x" * 1000)) == "x" * 200


class _Inner(BaseModel):
    size: int = Field(1, ge=1)


class _Outer(BaseModel):
    inner: _Inner = _Inner()


def test_the_first_fault_names_its_field_where_there_is_one():
    with pytest.raises(ValidationError) as found:
        _Outer.model_validate({"inner": {"size": 0}})
    assert first_fault(found.value) == "inner.size: Input should be greater than or equal to 1"
    with pytest.raises(ValidationError) as found:
        _Outer.model_validate_json("{")
    assert first_fault(found.value).startswith("Invalid JSON: ")
