import dataclasses

import numpy as np
import pytest
import torch
from compression_fakes import CLASSES, StripeFaces, context_for, finish, logits_of

from emostudio.compression import channel_budget, ledger, packing
from emostudio.compression.catalogue import METHODS
from emostudio.compression.channel_budget import Budget, drop_worst
from emostudio.compression.channels import ChannelGraph
from emostudio.compression.rules import traits
from emostudio.core.emotions import EMOTIONS
from emostudio.core.errors import InputError
from emostudio.core.events import Note
from emostudio.core.settings import parse_settings
from emostudio.data.transforms import normalise
from emostudio.models.catalogue import build, new_info
from emostudio.models.loaded import LoadedModel

METHOD = METHODS.get("channel_pruning")
PRUNE = METHODS.get("magnitude_pruning")


def settings(**values):
    return parse_settings(METHOD.settings_type, values, "test")


def prune(teacher, tmp_path, faces=None, **values):
    context = context_for(tmp_path, teacher, faces)
    return finish(METHOD.apply(teacher, settings(**values), context))


def widths(model):
    return {
        name: model.module.get_submodule(name).weight.shape[0]
        for name in ("conv1", "conv2", "conv3", "squeeze", "fc1", "fc2")
    }


def test_every_layer_gives_the_same_share_and_small_ones_are_left_alone(teacher, tmp_path):
    result, _ = prune(teacher, tmp_path, epochs=0, criterion="magnitude")
    assert widths(result) == {
        "conv1": 8, "conv2": 8, "conv3": 8, "squeeze": 8, "fc1": 24, "fc2": 4,
    }  # fmt: skip
    assert result.module.bn2.num_features == 8
    assert traits(result)["conv2"] == {"channel_pruned"}
    assert {item.layer for item in METHOD.plan(teacher, settings()).skipped} == {
        "conv1", "squeeze", "fc2",
    }  # fmt: skip


def test_the_weakest_filters_go_where_magnitude_decides(teacher, tmp_path):
    result, _ = prune(teacher, tmp_path, epochs=0, criterion="magnitude", layers="conv3")
    norms = teacher.module.conv3.weight.detach().flatten(1).abs().mean(1)
    kept = torch.topk(norms, 8).indices.sort().values
    assert torch.equal(result.module.conv3.weight, teacher.module.conv3.weight[kept])
    assert torch.equal(result.module.squeeze.weight, teacher.module.squeeze.weight[:, kept])


def test_the_plan_is_the_file_to_the_byte(teacher, faces, tmp_path):
    wanted = settings(epochs=1, step_share=0.2, steps_between=2, batch_size=8)
    planned = METHOD.plan(teacher, wanted)
    result, _ = finish(METHOD.apply(teacher, wanted, context_for(tmp_path, teacher, faces)))
    same_text = dataclasses.replace(planned.model, info=result.info)
    assert planned.exact
    assert planned.model.info.structure == result.info.structure
    assert packing.predict_bytes(same_text) == packing.save_variant(result, tmp_path / "v.st")
    assert ledger.costs(planned.model) == ledger.costs(result)
    assert torch.equal(logits_of(packing.load_variant(tmp_path / "v.st")), logits_of(result))


def test_there_are_as_many_trainings_as_planned(teacher, faces, tmp_path, monkeypatch):
    wanted = settings(epochs=2, step_share=0.2, steps_between=3, batch_size=8)
    planned = METHOD.plan(teacher, wanted).trainings
    context, ran = context_for(tmp_path, teacher, faces), []

    def train(network, objective, dataset, info, training, job, after_step=None):
        ran.append(training)
        return context.train(network, objective, dataset, info, training, job)

    finish(METHOD.apply(teacher, wanted, dataclasses.replace(context, train=train)))
    assert ran == [training.settings for training in planned]
    assert [(training.epochs, training.max_images) for training in ran[:-1]] == [(1, 24)] * 2
    assert ran[-1].epochs == 2


def test_a_network_of_half_the_channels_learns_the_stripes(teacher, faces, tmp_path):
    result, events = prune(
        teacher, tmp_path, faces, epochs=12, step_share=0.25, steps_between=5, batch_size=8,
        learning_rate=0.02,
    )  # fmt: skip
    seen = result.info.preprocessing
    with torch.no_grad():
        answers = result.module(torch.from_numpy(normalise(faces.pixels(seen), seen))).argmax(1)
    assert np.mean(answers.numpy() == faces.emotions) > 0.9
    assert any("channels are left" in event.what for event in events if isinstance(event, Note))


def test_multiply_adds_come_down_to_their_target(teacher, tmp_path):
    before = ledger.costs(teacher)[1]
    for allocation in ("uniform", "global"):
        result, _ = prune(
            teacher, tmp_path, epochs=0, criterion="magnitude", mac_target=0.5, least=2,
            round_to=1, allocation=allocation,
        )  # fmt: skip
        assert 0.4 * before < ledger.costs(result)[1] <= 0.5 * before


def test_an_impossible_target_is_refused(teacher):
    with pytest.raises(InputError, match="cannot be reached"):
        METHOD.plan(teacher, settings(mac_target=0.01))


def test_a_global_plan_says_that_it_is_an_estimate(teacher):
    planned = METHOD.plan(teacher, settings(allocation="global"))
    assert not planned.exact
    assert "the weights decide" in planned.notes[-1]


def graph_of(model):
    return ChannelGraph(model.copy().network(), model.input_shape)


def test_the_least_important_channels_go_wherever_they_are(teacher):
    graph = graph_of(teacher)
    blocks = tuple(block for block in graph.blocks if not block.reason)
    scores = np.random.default_rng(0).random(graph.count)
    budget = Budget(pruning_ratio=0.3, least=1, round_to=1)
    alive = drop_worst(graph, blocks, budget, scores, np.ones(graph.count, bool), 1.0)
    channels = np.concatenate([block.channels for block in blocks])
    order = channels[np.argsort(scores[channels])]
    gone = round(0.3 * len(channels))
    assert set(np.flatnonzero(~alive)) == set(order[:gone])


def test_no_layer_is_emptied_and_wide_ones_keep_a_multiple(teacher):
    graph = graph_of(teacher)
    blocks = tuple(block for block in graph.blocks if not block.reason)
    scores = np.zeros(graph.count)
    scores[graph.layers["conv1"].outputs] = 1.0
    budget = Budget(pruning_ratio=0.6, least=8, round_to=8)
    alive = drop_worst(graph, blocks, budget, scores, np.ones(graph.count, bool), 1.0)
    left = {block.producers[0]: int(alive[block.channels].sum()) for block in blocks}
    assert left == {"conv1": 8, "conv2": 8, "conv3": 8, "squeeze": 8, "fc1": 8}


@pytest.mark.parametrize(
    ("channels", "kept"), [(96, 48), (64, 32), (24, 16), (40, 24), (16, 8), (12, 8), (9, 8), (6, 6)]
)
def test_half_of_a_layer_is_rounded(channels, kept):
    assert Budget(pruning_ratio=0.5).kept(channels, 0.5) == kept


def test_a_price_of_multiply_adds_protects_cheap_layers(teacher, tmp_path):
    def left(penalty):
        result, _ = prune(
            teacher, tmp_path, epochs=0, criterion="magnitude", allocation="global",
            mac_penalty=penalty, least=1, round_to=1,
        )  # fmt: skip
        return widths(result)

    assert left(100.0)["conv1"] < left(0.0)["conv1"]
    assert left(100.0)["fc1"] > left(0.0)["fc1"]


def test_masks_of_the_layers_that_change_are_dropped_and_the_plan_says_so(teacher, tmp_path):
    masked = finish(
        PRUNE.apply(teacher, PRUNE.settings_type(epochs=0), context_for(tmp_path, None))
    )[0]
    planned = METHOD.plan(masked, settings(layers="conv3", epochs=0))
    result, _ = prune(masked, tmp_path, epochs=0, layers="conv3", criterion="magnitude")
    assert masked.coded.keys() - result.coded.keys() == {"conv3.weight", "squeeze.weight"}
    assert planned.model.coded.keys() == result.coded.keys()
    assert any("conv3, squeeze" in note for note in planned.notes)
    packing.save_variant(result, tmp_path / "v.st")


def test_channels_that_a_coded_layer_reads_stay(teacher, tmp_path):
    share = METHODS.get("weight_sharing")
    wanted = share.settings_type(epochs=0, layers="squeeze", bits_conv=2)
    shared = finish(share.apply(teacher, wanted, context_for(tmp_path, teacher)))[0]
    planned = METHOD.plan(shared, settings(layers="conv2 conv3"))
    assert planned.layers == ("conv2",)
    assert "squeeze reads its channels" in planned.skipped[0].reason


def test_without_images_the_size_of_the_weights_decides_and_a_note_says_so(teacher, tmp_path):
    result, events = prune(teacher, tmp_path, epochs=0)
    expected, _ = prune(teacher, tmp_path, epochs=0, criterion="magnitude")
    assert torch.equal(logits_of(result), logits_of(expected))
    assert any("size of their weights" in event.what for event in events if isinstance(event, Note))


def test_taylor_scores_of_images_decide_otherwise(teacher, faces, tmp_path):
    result, _ = prune(teacher, tmp_path, faces, epochs=0, batch_size=8)
    other, _ = prune(teacher, tmp_path, epochs=0, criterion="magnitude")
    assert widths(result) == widths(other)
    assert not torch.equal(logits_of(result), logits_of(other))


def test_channels_can_be_pruned_again(teacher, tmp_path):
    once, _ = prune(teacher, tmp_path, epochs=0, criterion="magnitude", pruning_ratio=0.2)
    twice, _ = prune(once, tmp_path, epochs=0, criterion="magnitude", layers="fc1")
    packing.save_variant(twice, tmp_path / "v.st")
    assert torch.equal(logits_of(packing.load_variant(tmp_path / "v.st")), logits_of(twice))
    assert widths(twice)["fc1"] == 16


def test_a_run_that_was_stopped_goes_on_to_the_same_network(teacher, faces, tmp_path):
    wanted = settings(epochs=2, step_share=0.2, steps_between=4, batch_size=8)
    whole = finish(METHOD.apply(teacher, wanted, context_for(tmp_path / "a", teacher, faces)))[0]
    stopped = METHOD.apply(teacher, wanted, context_for(tmp_path / "b", teacher, faces))
    for _ in range(20):
        next(stopped)
    stopped.close()
    assert len(list((tmp_path / "b").iterdir())) >= 2, "it was stopped behind the first removal"
    resumed = finish(METHOD.apply(teacher, wanted, context_for(tmp_path / "b", teacher, faces)))[0]
    assert torch.equal(logits_of(resumed), logits_of(whole))


def test_a_teacher_without_labels_to_follow_leaves_no_slope_and_a_note_says_so(teacher, tmp_path):
    faces = StripeFaces(unlabelled=True)
    _, events = prune(teacher, tmp_path, faces, epochs=0, batch_size=8)
    whys = [event.why for event in events if isinstance(event, Note)]
    assert "the loss has no slope" in whys


def test_exits_are_pruned_with_their_trunk(tmp_path):
    values = {
        "trunk": "vgg_s_lite",
        "trunk_settings": "width=0.125 dense_width=16",
        "input_size": 32,
    }
    info = new_info("branchy", "branchy", values, EMOTIONS[:CLASSES])
    model = LoadedModel(info, module=build(info).eval())
    result, _ = prune(model, tmp_path, epochs=0, criterion="magnitude", layers="conv2")
    assert result.module.conv2.out_channels == 16
    assert result.module.get_submodule("exits.pool2.conv").in_channels == 16
    assert bool(torch.isfinite(logits_of(result)).all())


def test_budgets_know_the_multiply_adds_outside_the_graph(teacher):
    graph = graph_of(teacher)
    whole = graph.macs(np.ones(graph.count, bool))
    assert whole == ledger.costs(teacher)[1]
    budget = channel_budget.Budget(pruning_ratio=0.0, mac_target=0.5, fixed_macs=whole)
    assert budget.mac_limit(graph) == 0
