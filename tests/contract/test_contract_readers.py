"""What every dataset reader keeps to, whichever file it comes from."""

import json
from itertools import islice

import numpy as np
import pytest

from emostudio.core.answers import Problem
from emostudio.core.emotions import Emotion
from emostudio.core.errors import InputError
from emostudio.data.base import ReaderSettings, Record
from emostudio.data.catalogue import READERS
from emostudio.data.importing import reader_settings
from emostudio.data.opening import SYNTHETIC

READER_LIST = list(READERS.members().values())
every_reader = pytest.mark.parametrize("reader", READER_LIST, ids=lambda reader: reader.key)


@pytest.fixture(params=["missing", "empty", "random", "csv", "odd folder"])
def bad_source(request, tmp_path):
    path = tmp_path / "source"
    if request.param == "empty":
        path.mkdir()
    if request.param == "random":
        path.write_bytes(np.random.default_rng(0).bytes(4000))
    if request.param == "csv":
        path.write_text("a,b\n1,2\n")
    if request.param == "odd folder":
        (path / "x.jpg").mkdir(parents=True)
        (path / "x.jpg" / "y.png").write_bytes(b"")
        (path / "loop").symlink_to(path)
    return path


def test_the_readers_of_the_command_line_are_there():
    assert {"folder", "fer2013_csv", "rafd", "unlabelled"} <= set(READERS.members())


@every_reader
def test_it_describes_itself(reader):
    assert reader.key.isidentifier()
    assert reader.title
    assert reader.summary
    assert isinstance(reader.reference, str)


@every_reader
def test_its_settings_have_defaults_titles_and_help(reader):
    assert issubclass(reader.settings_type, ReaderSettings)
    settings = reader_settings(reader, {})
    copy = reader.settings_type.model_validate(json.loads(settings.model_dump_json()))
    assert copy == settings
    for field in reader.settings_type.model_json_schema()["properties"].values():
        assert field["title"]
        assert field["description"]


@every_reader
def test_it_refuses_a_setting_it_does_not_know_by_name(reader):
    with pytest.raises(InputError, match="no_such_setting"):
        reader_settings(reader, {"no_such_setting": 1})
    with pytest.raises(InputError, match="validation_share"):
        reader_settings(reader, {"validation_share": 7})


@every_reader
def test_it_does_not_claim_what_is_not_its_layout(reader, bad_source):
    if bad_source.exists():
        assert reader.recognises(bad_source) < 0.5
    if not bad_source.is_dir():
        assert reader.recognises(bad_source) == 0.0


@every_reader
def test_bad_input_gives_one_clear_error_or_problems_and_nothing_else(reader, bad_source):
    if reader.key == SYNTHETIC:
        pytest.skip("draws its pictures and reads no source")
    try:
        found = list(islice(reader.read(bad_source, reader_settings(reader, {})), 50))
    except InputError:
        return
    assert all(entry is None or isinstance(entry, Record | Problem) for entry in found)
    for entry in found:
        if isinstance(entry, Record):
            assert entry.emotion is None or isinstance(entry.emotion, Emotion)
            entry.item.encode("utf-8")
