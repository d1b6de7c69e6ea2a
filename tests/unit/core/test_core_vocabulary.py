import math
import pickle
import sys
import types

import pytest
from pydantic import ValidationError

from emostudio.core import events, units
from emostudio.core.catalogue import Catalogue
from emostudio.core.emotions import EMOTIONS, Emotion
from emostudio.core.errors import InputError
from emostudio.core.jobs import JOB_ADAPTER, CompressJob
from emostudio.core.model_info import ModelInfo, Preprocessing
from emostudio.core.paths import safe_name
from emostudio.core.recipe import Recipe, RecipeStep
from emostudio.core.settings import Settings, parse_settings, setting


class _Settings(Settings):
    rank: int = setting(4, title="Rank", help="Kept components", low=1, high=9)


def test_settings_read_command_line_text():
    assert parse_settings(_Settings, {"rank": "7"}, "method toy").rank == 7


@pytest.mark.parametrize("values", [{"rank": 10}, {"rank": 0}, {"rnak": 3}, {"rank": "many"}])
def test_bad_settings_are_refused_by_name(values):
    with pytest.raises(InputError, match=next(iter(values))):
        parse_settings(_Settings, values, "method toy")


def test_settings_are_frozen():
    with pytest.raises(ValidationError):
        _Settings().rank = 5


def test_settings_schema_carries_bounds_unit_and_help():
    schema = _Settings.model_json_schema()["properties"]["rank"]
    assert schema["minimum"] == 1
    assert schema["maximum"] == 9
    assert schema["description"] == "Kept components"
    assert schema["unit"] == ""


def test_event_survives_its_line_even_with_nan_loss():
    event = events.StepDone(step=3, epoch=1, loss=math.nan, learning_rate=0.1)
    line = events.event_line(event)
    assert "\n" not in line
    assert math.isnan(events.parse_event(line).loss)


def test_unknown_event_is_refused():
    with pytest.raises(ValidationError):
        events.parse_event('{"type": "surprise"}')


def test_job_survives_json_with_its_recipe():
    recipe = Recipe(steps=(RecipeStep(method="cp", settings={"rank": 3}),))
    job = CompressJob(teacher="t", data="d", recipe=recipe)
    assert JOB_ADAPTER.validate_json(job.model_dump_json()) == job


def test_error_says_what_why_and_what_next_and_survives_a_process_border():
    error = InputError("Could not open a.csv", why="it is empty", next_step="Choose another")
    assert str(error) == "Could not open a.csv: it is empty. Choose another."
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    assert error.exit_code == 2


def test_canonical_order_is_fixed():
    assert [str(emotion) for emotion in EMOTIONS] == [
        "anger",
        "disgust",
        "fear",
        "happiness",
        "sadness",
        "surprise",
        "contempt",
        "neutral",
    ]
    assert Emotion.CONTEMPT.position == 6


@pytest.mark.parametrize(
    ("text", "name"),
    [("../../evil", "evil"), ("a b\0c", "a-b-c"), ("", "unnamed"), ("x" * 99, "x" * 60)],
)
def test_names_become_safe_file_names(text, name):
    assert safe_name(text) == name


def test_numbers_print_with_units():
    assert units.format_bytes(93_400_000) == "93.4 MB"
    assert units.format_mib(390_287_776) == "372.21 MiB"
    assert units.format_count(97_571_944) == "97.6 M"
    assert units.format_duration(4320) == "72 min"
    assert units.format_duration(6000) == "1 h 40 min"


def _member(key):
    return types.SimpleNamespace(
        key=key, title=key.title(), family="toy", summary="", reference="", settings_type=_Settings
    )


@pytest.fixture
def toy_package(tmp_path, monkeypatch):
    package = tmp_path / "toy_catalogue"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "first.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    import toy_catalogue.first

    toy_catalogue.first.TOY = _member("first")
    yield package
    for name in [name for name in sys.modules if name.startswith("toy_catalogue")]:
        del sys.modules[name]


def test_catalogue_finds_members_and_describes_them(toy_package):
    catalogue = Catalogue("toy_catalogue", "TOY", "toy")
    assert list(catalogue.members()) == ["first"]
    assert catalogue.describe()[0].settings["properties"]["rank"]["maximum"] == 9


def test_catalogue_names_the_known_keys_when_asked_for_another(toy_package):
    with pytest.raises(InputError, match="Known: first"):
        Catalogue("toy_catalogue", "TOY", "toy").get("second")


@pytest.mark.parametrize(
    "values",
    [{"mean": (0.5, 0.5)}, {"std": (1.0, 1.0)}, {"std": (0.0,)}, {"std": (1.0, -1.0, 1.0)}],
)
def test_preprocessing_that_no_picture_survives_is_refused(values):
    with pytest.raises(ValidationError):
        Preprocessing(channels=3, **values)


def test_a_model_has_each_label_once():
    with pytest.raises(ValidationError, match="same emotion"):
        ModelInfo(
            name="twice",
            architecture="any",
            labels=(Emotion.FEAR, Emotion.ANGER, Emotion.FEAR),
            preprocessing=Preprocessing(),
        )
