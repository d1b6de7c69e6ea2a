"""What every compression method promises, checked for each member of the catalogue."""

import copy
import dataclasses
import json
import sys

import pytest
import torch
from compression_fakes import (
    StripeFaces,
    context_for,
    finish,
    logits_of,
    toy_model,
    use_toy_architecture,
)
from pydantic import ValidationError

from emostudio.compression import packing, pipeline
from emostudio.compression.base import Method
from emostudio.compression.catalogue import METHODS
from emostudio.compression.forecast import Forecast, Stopwatch
from emostudio.core.answers import ClaimInfo
from emostudio.core.errors import InputError
from emostudio.core.job_context import JobContext
from emostudio.core.recipe import Recipe, RecipeStep
from emostudio.core.settings import parse_settings
from emostudio.data.base import Split

KEYS = list(METHODS.members())

# What a method needs before it can do anything, and settings that keep its test short.
BEFORE = {"huffman": ("magnitude_pruning", "weight_sharing")}
QUICK = {
    "epochs": 1,
    "activation_epochs": 1,
    "rank": 3,
    "branch_epochs": 1,
    "batch_size": 8,
    "centroid_epochs": 1,
    "epochs_per_layer": 0,
    "sweeps": 10,
    "hint_epochs": 1,
    "step_share": 0.25,
}
ARCHITECTURE = {"architecture": "toy"}


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    use_toy_architecture(monkeypatch)
    yield
    torch.set_num_threads(threads)


def quick_settings(method):
    fields = method.settings_type.model_fields
    wanted = {name: value for name, value in {**QUICK, **ARCHITECTURE}.items() if name in fields}
    if "architecture" in wanted:
        wanted.pop("sweeps", None)
    return parse_settings(method.settings_type, wanted, method.key)


def start_for(method, folder):
    """Return a model the method can work on."""
    model = toy_model()
    for key in BEFORE.get(method.key, ()):
        before = METHODS.get(key)
        settings = before.settings_type(epochs=0)
        model = finish(before.apply(model, settings, context_for(folder / key, model)))[0]
    return model


def apply(method, model, folder, seed=0):
    context = context_for(folder, model, StripeFaces(), seed)
    return finish(method.apply(model, quick_settings(method), context))[0]


@pytest.fixture(params=KEYS)
def method(request):
    return METHODS.get(request.param)


def test_the_catalogue_has_the_methods_of_this_release():
    assert {
        "magnitude_pruning", "weight_sharing", "huffman", "deep_compression", "cp",
        "svd", "tucker2",
        "distill_labels", "distill_softmax", "distill_hinton", "distill_combined",
        "fitnets",
    } <= set(KEYS)  # fmt: skip


def test_the_method_introduces_itself(method):
    assert isinstance(method, Method)
    for text in (method.title, method.family, method.summary, method.reference):
        assert text.strip()
    assert method.claim is None or isinstance(method.claim, ClaimInfo)
    assert type(method).__module__.rpartition(".")[2] == method.key
    assert sys.modules[type(method).__module__].__doc__.strip()


def test_settings_survive_json(method):
    settings = quick_settings(method)
    document = json.loads(json.dumps(settings.model_dump(mode="json")))
    assert method.settings_type.model_validate(document) == settings


def test_every_setting_has_a_title_and_a_help(method):
    for name, schema in method.settings_type.model_json_schema()["properties"].items():
        assert schema.get("title"), name
        assert schema.get("description"), name


def test_settings_out_of_range_are_refused_by_name(method):
    tried = 0
    properties = method.settings_type.model_json_schema()["properties"]
    for name, schema in properties.items():
        if "maximum" not in schema:
            continue
        tried += 1
        with pytest.raises(InputError, match=name):
            parse_settings(method.settings_type, {name: schema["maximum"] + 1}, method.key)
    has_numbers = any(schema.get("type") in {"number", "integer"} for schema in properties.values())
    assert tried or not has_numbers
    with pytest.raises(InputError, match="no_such_setting"):
        parse_settings(method.settings_type, {"no_such_setting": 1}, method.key)


def test_settings_are_frozen(method):
    settings = quick_settings(method)
    name = next(iter(method.settings_type.model_fields))
    with pytest.raises(ValidationError):
        setattr(settings, name, getattr(settings, name))


def test_planning_reads_no_values_and_changes_nothing(method, tmp_path):
    model = start_for(method, tmp_path)
    before = copy.deepcopy(model.module.state_dict())
    planned = method.plan(model, quick_settings(method))
    assert planned.layers or not method.needs_layers, "nothing is changed, so nothing is tested"
    assert all(tensor.is_meta for tensor in planned.model.module.state_dict().values())
    after = model.module.state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())


def test_the_input_model_is_untouched(method, tmp_path):
    model = start_for(method, tmp_path)
    before, coded = copy.deepcopy(model.module.state_dict()), dict(model.coded)
    apply(method, model, tmp_path / "run")
    after = model.module.state_dict()
    assert list(before) == list(after)
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    assert model.coded == coded
    assert not any(layer._forward_hooks for layer in model.module.modules())


def test_outputs_keep_their_shape_and_are_finite(method, tmp_path):
    model = start_for(method, tmp_path)
    result = apply(method, model, tmp_path / "run")
    logits = logits_of(result)
    assert logits.shape == logits_of(model).shape
    assert bool(torch.isfinite(logits).all())
    assert all(parameter.device.type == "cpu" for parameter in result.module.parameters())


def test_the_same_seed_gives_the_same_weights(method, tmp_path):
    model = start_for(method, tmp_path)
    first = apply(method, model, tmp_path / "a").module.state_dict()
    second = apply(method, model, tmp_path / "b").module.state_dict()
    assert list(first) == list(second)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_the_file_matches_the_plan_and_reads_back_the_same(method, tmp_path):
    model = start_for(method, tmp_path)
    planned = method.plan(model, quick_settings(method))
    result = apply(method, model, tmp_path / "run")
    path = tmp_path / "variant.safetensors"
    predicted = packing.predict_bytes(result)
    assert packing.save_variant(result, path) == path.stat().st_size == predicted
    if planned.exact:
        info = result.info
        same_text = dataclasses.replace(planned.model, info=info)
        assert packing.predict_bytes(same_text) == predicted
    assert planned.model.info.structure == result.info.structure
    loaded = packing.load_variant(path)
    assert torch.equal(logits_of(loaded), logits_of(result))
    assert set(loaded.coded) == set(result.coded)


def test_k1_the_file_is_the_packed_data_and_a_small_header(method, tmp_path):
    result = apply(method, start_for(method, tmp_path), tmp_path / "run")
    written = packing.save_variant(result, tmp_path / "variant.safetensors")
    statistics = sum(
        buffer.numel() * buffer.element_size()
        for name, buffer in result.module.named_buffers()
        if name in result.module.state_dict() and name not in result.coded
    )
    assert 0 < written - packing.parameter_bytes(result) - statistics < 64 * 1024


class SealedFaces(StripeFaces):
    """The test split is not to be looked at while a network is made."""

    def indices(self, split):
        assert split != Split.TEST, "the test split was looked at"
        return super().indices(split)


def test_l1_the_test_split_is_never_looked_at(method, tmp_path):
    model = start_for(method, tmp_path)
    context = context_for(tmp_path / "run", model, SealedFaces())
    finish(method.apply(model, quick_settings(method), context))


def test_refusals_carry_reasons(method):
    model = toy_model()
    box = dataclasses.replace(
        model,
        module=None,
        onnx_bytes=b"x",
        info=model.info.model_copy(update={"architecture": "onnx"}),
    )
    step = RecipeStep(method=method.key, settings=quick_settings(method).model_dump(mode="json"))
    report = pipeline.plan(box, Recipe(steps=(step,)))
    assert bool(report.refusals) == (method.needs_layers or bool(method.refuses_black_box))
    assert all(refusal.reason for refusal in report.refusals)
    for skipped in method.plan(model, quick_settings(method)).skipped:
        assert skipped.reason


def test_a_cancel_midway_leaves_no_file_but_checkpoints(method, tmp_path):
    model = start_for(method, tmp_path)
    context = context_for(tmp_path / "run", model, StripeFaces())
    generator = method.apply(model, quick_settings(method), context)
    next(generator)
    generator.close()
    left = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert all("checkpoints" in path.parts for path in left)
    assert not [path for path in left if path.suffix == ".part"]


def test_its_trainings_can_be_timed_without_values(method, tmp_path):
    model = start_for(method, tmp_path)
    settings = quick_settings(method)
    planned = method.plan(model, settings)
    labels = dict.fromkeys(model.info.labels, 8)
    oracle = Forecast(model, {"train": labels}, JobContext(folder=tmp_path), Stopwatch())
    for whole in planned.trainings:
        training = dataclasses.replace(whole, asks_teacher=False)  # opening a teacher takes long
        assert oracle.seconds(training.model or planned.model, training) > 0


def test_methods_of_other_packages_join_by_entry_point(monkeypatch):
    from importlib import metadata

    class Entry:
        @staticmethod
        def load():
            return dataclasses.make_dataclass("Foreign", [("key", str)])(key="foreign")

    def entry_points(group):
        assert group == "emostudio.methods"
        return [Entry]

    monkeypatch.setattr(metadata, "entry_points", entry_points)
    METHODS.refresh()
    try:
        assert "foreign" in METHODS.members()
    finally:
        monkeypatch.undo()
        METHODS.refresh()
