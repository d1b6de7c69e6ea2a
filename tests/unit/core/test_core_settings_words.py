from typing import Literal

import pytest

from emostudio.core.errors import InputError
from emostudio.core.settings import Settings, parse_settings


class Channels(Settings):
    channels: Literal[1, 3] = 3
    mode: Literal["1", "off"] = "off"


def test_words_become_the_numbers_a_field_lists():
    parsed = parse_settings(Channels, {"channels": "1", "mode": "1"}, "x")
    assert (parsed.channels, parsed.mode) == (1, "1")


def test_a_number_the_field_does_not_list_is_refused():
    with pytest.raises(InputError, match="channels"):
        parse_settings(Channels, {"channels": "2"}, "x")
