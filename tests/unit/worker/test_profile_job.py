import copy

import pytest
import torch
from torch import nn

from emostudio.compression.folding import fold, foldable
from emostudio.compression.quantised_layers import quantised_layer
from emostudio.core.comparing import ProfileReport
from emostudio.core.emotions import EMOTIONS
from emostudio.core.errors import InputError
from emostudio.core.events import Finished, Note
from emostudio.core.jobs import CompressJob, ProfileJob
from emostudio.core.recipe import Recipe, RecipeStep
from emostudio.evaluation import machine
from emostudio.evaluation.foreign_load import LoadMeter
from emostudio.evaluation.weight_error import weight_errors
from emostudio.models.catalogue import build, new_info
from emostudio.models.loaded import LoadedModel
from emostudio.statistics.medians import median_interval
from emostudio.worker.context import HandlerContext
from emostudio.worker.execute import execute
from emostudio.worker.handlers.profile import as_folded, handle, row_of
from emostudio.worker.outcome import save_model
from emostudio.workspace.charts.material import profiles
from emostudio.workspace.store import Workspace

SMALL = {"input_size": 32, "width": 0.25, "dense_width": 16}
DATA = "synthetic:identities=3,size=32,cameras=frontal,gazes=frontal"
CP = Recipe(steps=(RecipeStep(method="cp", settings={"epochs": 0, "size_only": True}),))


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """A network, its factors, and the profile of both."""
    with Workspace.open(tmp_path_factory.mktemp("ws")) as workspace:
        torch.manual_seed(0)
        info = new_info("big", "vgg_s_lite", SMALL, EMOTIONS)
        model = LoadedModel(info, module=build(info).eval())
        list(save_model(model, "big", HandlerContext(workspace, tmp_path_factory.mktemp("f")),
                        role="teacher"))  # fmt: skip
        made = list(execute(CompressJob(teacher="big", data=DATA, recipe=CP, name="cp"), workspace))
        assert isinstance(made[-1], Finished)
        done = list(execute(ProfileJob(models=("big", "cp"), blocks=6), workspace))[-1]
        yield workspace, ProfileReport.model_validate(done.result)


def test_the_state_of_the_machine_is_recorded(found):
    _, report = found
    assert report.conditions["threads"] == 1
    assert {"load_per_core", "governor", "on_battery", "foreign_share"} <= set(report.conditions)


def test_what_disturbed_a_profile_is_told(found, monkeypatch, tmp_path):
    workspace, _ = found
    shared = iter([{"on_battery": False, "throttle_count": 2}, {"throttle_count": 5}])
    quiet = machine.conditions() | {"load_per_core": 0.0, "on_battery": True, "governor": None}
    monkeypatch.setattr(machine, "conditions", lambda: quiet | next(shared))
    monkeypatch.setattr(LoadMeter, "read", lambda _: 0.4)
    handling = handle(ProfileJob(models=("big",), blocks=6), HandlerContext(workspace, tmp_path))
    report, events = answered(handling)
    words = " / ".join(report.warnings)
    assert "The machine runs on battery" in words
    assert "throttled itself 3 times" in words
    assert "Other programs used 40 % of the processors" in words
    told = [event.what for event in events if isinstance(event, Note) and event.level == "warning"]
    assert set(report.warnings) <= set(told)


def answered(handling):
    """The answer of a handler and what it said before."""
    events = []
    while True:
        try:
            events.append(next(handling))
        except StopIteration as stop:
            return stop.value, events


def test_fewer_blocks_than_an_interval_needs_are_refused():
    # the range of five medians covers the true one in 94 of 100, that of three in 75
    with pytest.raises(InputError, match="5 blocks are too few"):
        next(handle(ProfileJob(models=("big",), blocks=5), None))
    _, low, high = median_interval(range(ProfileJob(models=("big",)).blocks))
    assert (low, high) == (1, 7)


def test_the_parts_of_a_decomposed_layer_are_summed_up_under_its_name(found):
    _, report = found
    big, small = report.profiles
    before = {layer.layer: layer for layer in big.layers}
    now = {layer.layer: layer for layer in small.layers}
    changed = [name for name, layer in now.items() if layer.parts > 1]
    assert changed
    for name in changed:
        assert now[name].macs != before[name].macs
        assert now[name].weight_error > 0.01
        assert now[name].ms > 0
    assert not any("." in name for name in now)


def test_counts_agree_with_the_models(found):
    workspace, report = found
    assert [profile.model for profile in report.profiles] == ["big", "cp"]
    for profile in report.profiles:
        record = workspace.model(profile.model)
        assert sum(layer.macs for layer in profile.layers) == record.macs
        assert sum(layer.parameters for layer in profile.layers) == record.parameters
        timed = sum(layer.ms for layer in profile.layers if layer.ms)
        assert timed + profile.other_ms == pytest.approx(profile.total_ms, rel=1e-6)


def test_the_profile_is_kept_for_charts_until_a_model_is_made_anew(found):
    workspace, report = found
    records = [workspace.model(name) for name in ("big", "cp")]
    (kept,) = profiles(workspace, records)
    assert kept == report
    anew = records[1].model_copy(update={"created": workspace.runs()[0].ended})
    (older,) = profiles(workspace, [records[0], anew])
    assert [profile.model for profile in older.profiles] == ["big"]


@pytest.mark.parametrize(
    ("layer", "row"),
    [("conv2.taps", "conv2"), ("conv2", "conv2"), ("conv21", "conv21"), ("new", "new"), ("", "")],
)
def test_a_layer_belongs_to_the_row_it_is_a_part_of(layer, row):
    assert row_of(layer, ["conv2", "fc"]) == row


def test_a_folded_normalisation_is_no_weight_error():
    torch.manual_seed(0)
    info = new_info("big", "vgg_s_lite", SMALL, EMOTIONS)
    parent = build(info).eval()
    for layer in parent.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.weight, 0.5, 2.0)
    child = copy.deepcopy(parent)
    pairs = foldable(child)
    fold(child, pairs)
    shape = (parent.conv1.in_channels, 32, 32)
    assert max(weight_errors(parent, child, shape, list(pairs)).values()) > 0.3
    errors = weight_errors(as_folded(parent, child), child, shape, list(pairs))
    assert len(errors) == len(pairs)
    assert max(errors.values()) == 0
    assert as_folded(parent, parent) is parent


def test_integers_are_a_hundredth_away_from_the_weights_they_stand_for():
    parent = nn.Sequential(nn.Conv2d(3, 8, 3))
    child = nn.Sequential(quantised_layer(parent[0], 8, bias=True, rounds_output=False))
    with torch.no_grad():
        child[0].weight.copy_(parent[0].weight)
    errors = weight_errors(parent, child, (3, 16, 16), ["0"])
    assert 0 < errors["0"] < 0.02
