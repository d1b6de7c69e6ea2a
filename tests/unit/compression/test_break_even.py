import json

import pytest
import torch
from compression_fakes import context_for, finish
from torch import nn

from emostudio.compression import outlook, timed_layers
from emostudio.compression.break_even import Contest, input_shapes, measure_all
from emostudio.compression.layer_times import LayerTimes, keep
from emostudio.compression.methods import cp, svd, tucker2
from emostudio.compression.pipeline import plan
from emostudio.core.emotions import EMOTIONS
from emostudio.core.low_rank import RankTime
from emostudio.core.recipe import Recipe, RecipeStep
from emostudio.core.settings import parse_settings
from emostudio.models.catalogue import build, new_info
from emostudio.models.loaded import LoadedModel


def settings(**values):
    return parse_settings(cp.METHOD.settings_type, {"layers": "conv2", "epochs": 0, **values}, "t")


def contest_of(model, values, method=cp.METHOD, name="conv2"):
    layer = model.network().get_submodule(name)
    shape = input_shapes(model, [name])[name]
    return Contest(name, layer, shape, method, values)


def remember(model, values, shares, grid=1, **options):
    """Keep times of conv2 as if they had been measured."""
    contest = contest_of(model, values, **options)
    found = tuple(RankTime(rank=rank, ms=share, share=share) for rank, share in shares.items())
    times = LayerTimes(
        machine="m", threads=1, geometry=contest.geometry, dense_ms=1.0, times=found, grid=grid
    )
    keep(times, contest.chain)


def notes_of(events):
    return [event for event in events if event.type == "note"]


def test_a_rank_measured_slower_is_refused(teacher):
    remember(teacher, settings(), {2: 0.5, 6: 1.5})
    planned = cp.METHOD.plan(teacher, settings(layers="conv2 conv3", rank=6))
    assert planned.layers == ("conv3",)
    reasons = {item.layer: item.reason for item in planned.skipped}
    assert reasons["conv2"].startswith("slower here: factors of rank 6 take 1.50 times")
    assert "break-even at rank 4" in reasons["conv2"]


def test_size_only_decomposes_it_all_the_same(teacher):
    remember(teacher, settings(), {2: 0.5, 6: 1.5})
    planned = cp.METHOD.plan(teacher, settings(rank=6, size_only=True))
    assert planned.layers == ("conv2",)


def test_a_rank_below_the_break_even_is_not_refused(teacher):
    remember(teacher, settings(), {2: 0.5, 6: 1.5})
    assert cp.METHOD.plan(teacher, settings(rank=4)).layers == ("conv2",)


def test_a_run_leaves_slow_layers_alone_and_says_so(teacher, tmp_path):
    remember(teacher, settings(), {2: 0.5, 6: 1.5})
    values = settings(layers="conv2 conv3", rank=6)
    result, events = finish(cp.METHOD.apply(teacher, values, context_for(tmp_path, teacher)))
    assert [record.layer for record in result.info.structure] == ["conv3"]
    assert "conv2 is left as it is" in {note.what for note in notes_of(events)}


def test_without_measurement_a_run_says_so_and_goes_on(teacher, tmp_path):
    result, events = finish(
        cp.METHOD.apply(teacher, settings(rank=4), context_for(tmp_path, teacher))
    )
    assert [record.layer for record in result.info.structure] == ["conv2"]
    assert notes_of(events)[0].what == "Speed not measured here: conv2"


def test_what_is_measured_meanwhile_does_not_change_a_run_taken_up(teacher, tmp_path):
    values = settings(layers="conv2 conv3", rank=6)
    first, _ = finish(timed_layers.decide(cp.METHOD, teacher, values, tmp_path))
    remember(teacher, settings(), {2: 0.5, 6: 1.5})
    again, _ = finish(timed_layers.decide(cp.METHOD, teacher, values, tmp_path))
    assert list(again) == list(first) == ["conv2", "conv3"]
    assert json.loads((tmp_path / timed_layers.CHOSEN_FILE).read_text()) == ["conv2", "conv3"]


def test_a_rank_found_in_the_values_is_judged_when_it_is_known(teacher, tmp_path):
    values = parse_settings(
        svd.METHOD.settings_type,
        {"layers": "fc1", "rank_from": "energy", "energy": 0.5, "epochs": 0, "size_only": False},
        "t",
    )
    remember(teacher, values, {1: 2.0, 40: 2.0}, method=svd.METHOD, name="fc1")
    assert svd.METHOD.plan(teacher, values).layers == ("fc1",)
    steps = svd.METHOD.apply(teacher, values, context_for(tmp_path, teacher))
    told = []
    with pytest.raises(Exception, match="No layer"):
        told.extend(iter(lambda: next(steps), None))
    assert any(note.what == "fc1 is left as it is" for note in notes_of(told))


def test_measuring_keeps_times_once_for_layers_of_the_same_geometry(teacher):
    contest = contest_of(teacher, settings(rank=5))
    events = list(measure_all([(contest, 5), (contest, 5)], threads=1, budget_s=30))
    assert {event.message for event in events} == {"Timing conv2 against its factors"}
    known = contest.known()
    assert 5 in {time.rank for time in known.times}
    assert known.dense_ms > 0
    assert list(measure_all([(contest, 5)], threads=1, budget_s=30)) == []


def test_a_rank_beside_the_grid_is_added_to_what_is_known(teacher):
    remember(teacher, settings(), {2: 0.5, 6: 1.5}, grid=2)
    contest = contest_of(teacher, settings())
    assert list(measure_all([(contest, 4)], threads=1, budget_s=30)) == []
    list(measure_all([(contest, 5)], threads=1, budget_s=30))
    assert [time.rank for time in contest.known().times] == [2, 5, 6]
    list(measure_all([(contest, 5)], threads=1, budget_s=30, again=True))
    assert contest.known().grid == 1


def test_methods_share_times_only_where_their_graphs_are_the_same(teacher):
    three = parse_settings(cp.METHOD.settings_type, {"scheme": "three"}, "t")
    tucker = parse_settings(tucker2.METHOD.settings_type, {}, "t")
    merged = contest_of(teacher, settings()).chain
    assert merged == contest_of(teacher, three).chain
    assert merged != contest_of(teacher, tucker, method=tucker2.METHOD).chain


def test_no_layer_is_begun_behind_the_budget(teacher):
    contest = contest_of(teacher, settings())
    assert list(measure_all([(contest, 5)], threads=1, budget_s=-1.0)) == []
    assert contest.known() is None


def test_tucker_ranks_there_and_back():
    layer = nn.Conv2d(96, 256, 5, device="meta")
    arguments = tucker2.METHOD.at_rank(layer, 128, None)
    assert arguments == {"out_rank": 128, "in_rank": 48}
    assert tucker2.METHOD.rank_of(layer, arguments) == 128
    thin = tucker2.METHOD.thin_layers(layer, arguments)
    assert [part.out_channels for part in thin] == [48, 128, 256]


def test_the_outlook_gives_the_ceilings_of_touching_only_these_layers(teacher):
    values = settings(rank=4)
    before = outlook.outlook(cp.METHOD, teacher, values)
    assert before.not_measured == ("conv2",)
    assert before.macs_ceiling > 1
    assert before.time_ceiling is None
    list(outlook.measure(cp.METHOD, teacher, values, budget_s=60))
    after = outlook.outlook(cp.METHOD, teacher, values)
    assert after.not_measured == ()
    assert after.network_ms > 0
    assert after.layers[0].planned_share > 0
    assert 4 in {time.rank for time in after.layers[0].times}


def test_ceiling_and_promise_follow_from_the_times(teacher, monkeypatch):
    remember(teacher, settings(), {2: 0.5, 6: 1.5})
    monkeypatch.setattr(outlook, "_network_ms", lambda model, threads: 2.0)
    found = outlook.outlook(cp.METHOD, teacher, settings(rank=2))
    assert found.time_ceiling == pytest.approx(2.0)
    assert found.expected_speedup == pytest.approx(2.0 / 1.5)


def test_a_plan_holds_the_outlook_of_refused_steps_too(teacher):
    remember(teacher, settings(), {2: 0.5, 6: 1.5})
    step = RecipeStep(method="cp", settings={"layers": "conv2", "rank": 6, "epochs": 0})
    report = plan(teacher, Recipe(steps=(step,)))
    assert "slower here" in report.refusals[0].reason
    assert report.low_rank[0].layers[0].is_slower


def test_the_survey_s_layers_can_give_1_23_at_most():
    info = new_info("t", "squeezenet1_1", {"input_size": 224, "channels": 3}, EMOTIONS)
    with torch.device("meta"):
        model = LoadedModel(info, module=build(info))
    found = outlook.outlook(cp.METHOD, model, parse_settings(cp.METHOD.settings_type, {}, "t"))
    assert found.not_measured == ("fire8.expand3x3", "fire9.expand3x3")
    assert found.macs_ceiling == pytest.approx(1.23, abs=0.005)
