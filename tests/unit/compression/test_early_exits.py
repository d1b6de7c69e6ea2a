"""Early exits, METHODS.md 2.6: really taken, calibrated on validation images, paid for honestly."""

import copy
import dataclasses
import math
from functools import partial

import numpy as np
import pytest
import scipy.stats
import torch
from compression_fakes import (
    CLASSES,
    SIDE,
    StripeFaces,
    context_for,
    finish,
    logits_of,
    toy_model,
    use_toy_architecture,
)
from torch import nn

from emostudio.compression import exits, ledger, packing, pipeline
from emostudio.compression.catalogue import METHODS
from emostudio.compression.exit_thresholds import Answers, choose_thresholds, leaving
from emostudio.compression.graph import LayerGraph
from emostudio.compression.surgery import skeleton, weight_layers
from emostudio.core.errors import EmoStudioError, InputError
from emostudio.core.events import Note
from emostudio.core.job_context import JobContext
from emostudio.core.recipe import Recipe, RecipeStep
from emostudio.data.base import Split
from emostudio.evaluation import bench
from emostudio.evaluation.bench import Entry, bench_inputs
from emostudio.evaluation.complexity import count, total_macs
from emostudio.inference.catalogue import open_classifier, open_session
from emostudio.inference.engines.onnxruntime import ENGINE as ONNXRUNTIME
from emostudio.models.branch_points import branch_points, head_weights
from emostudio.models.branchy import ALWAYS, NEVER, BranchyNet, uncertainty
from emostudio.models.catalogue import ARCHITECTURES
from emostudio.training.heads import over_heads
from emostudio.training.objectives import Supervised

METHOD = METHODS.get("early_exits")


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    use_toy_architecture(monkeypatch)
    yield
    torch.set_num_threads(threads)


def settings(**values):
    quick = {"epochs": 0, "branch_epochs": 0, "after": "pool1 pool2", "batch_size": 8}
    return METHOD.settings_type(**{**quick, **values})


@pytest.fixture
def branchy(tmp_path):
    """A toy network with untrained exits that nothing takes."""
    model = toy_model()
    result, _ = finish(METHOD.apply(model, settings(), context_for(tmp_path / "b", model)))
    return result


def set_limits(model, *limits):
    model.module.set_thresholds(limits, 0.0)
    return model.module.eval()


def faces(count=12, seed=3):
    return torch.randn(count, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed)) * 2


def test_without_thresholds_the_answer_is_the_trunks(branchy):
    model = toy_model()
    assert torch.equal(logits_of(branchy), logits_of(model))


def test_with_an_endless_threshold_the_answer_is_the_first_exits(branchy):
    network = set_limits(branchy, ALWAYS, NEVER)
    with torch.no_grad():
        assert torch.equal(network(faces()), network.all_logits(faces())[0])


def middle_limits(network, images):
    with torch.no_grad():
        first, second, _ = network.all_logits(images)
    return float(uncertainty(first).median()), float(uncertainty(second).median())


def test_every_picture_gets_the_answer_of_the_exit_it_takes(branchy):
    images = faces()
    network = set_limits(branchy, *middle_limits(branchy.module.eval(), images))
    with torch.no_grad():
        heads = torch.stack(network.all_logits(images))
        doubts = np.stack([uncertainty(logits).numpy() for logits in heads[:-1]])
        found = network(images)
    taken = leaving(Answers(doubts, np.ones((3, len(images)), bool)), network.thresholds.tolist())
    assert len(set(taken.tolist())) == 3, "all three ways are taken"
    torch.testing.assert_close(found, heads[taken, torch.arange(len(images))])


def test_shuffled_pictures_give_shuffled_answers(branchy):
    images = faces()
    network = set_limits(branchy, *middle_limits(branchy.module.eval(), images))
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        torch.testing.assert_close(network(images[order]), network(images)[order])


def test_layers_behind_a_taken_exit_never_run(branchy):
    images = faces()
    network = set_limits(branchy, *middle_limits(branchy.module.eval(), images))
    seen = []
    network.conv2.register_forward_hook(lambda _m, inputs, _o: seen.append(len(inputs[0])))
    network.fc2.register_forward_hook(lambda _m, inputs, _o: seen.append(len(inputs[0])))
    with torch.no_grad():
        network(images)
    assert 0 < seen[1] < seen[0] < len(images)
    set_limits(branchy, ALWAYS, NEVER)
    seen.clear()
    with torch.no_grad():
        network(images)
    assert not seen


def test_uncertainty_is_scipys_entropy_over_that_of_chance():
    logits = torch.randn(20, 8, dtype=torch.float64) * 4
    expected = scipy.stats.entropy(torch.softmax(logits, 1).numpy(), axis=1) / math.log(8)
    np.testing.assert_allclose(uncertainty(logits).numpy(), expected, atol=1e-12)
    assert float(uncertainty(torch.zeros(1, 7))) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("limits", "way"), [((ALWAYS, NEVER), 0), ((0.001, ALWAYS), 1), ((0.001, NEVER), 2)]
)
def test_cost_of_a_way_is_what_hooks_count_on_it(branchy, limits, way):
    network = set_limits(branchy, *limits)
    expected = exits.way_macs(network, (3, SIDE, SIDE), limits)[way]
    counted = 0

    def hook(layer, inputs, output):
        nonlocal counted
        if isinstance(layer, nn.Conv2d):
            counted += output[0].numel() * layer.weight[0].numel()
        elif isinstance(layer, nn.Linear):
            counted += layer.weight.numel()

    for layer in network.modules():
        layer.register_forward_hook(hook)
    with torch.no_grad():
        network(faces(1))
    assert counted == expected


def test_complexity_counts_the_longest_way_with_every_branch(branchy):
    trunk, branches = exits.exit_macs(branchy.module, (3, SIDE, SIDE))
    for network in (branchy.module, skeleton(branchy).module):
        assert total_macs(count(network, (3, SIDE, SIDE))) == trunk[-1] + sum(branches)


def test_the_file_grows_by_the_branches(branchy):
    model = toy_model()
    added = sum(tensor.numel() for tensor in branchy.module.exits.parameters())
    assert branchy.parameter_count == model.parameter_count + added
    assert packing.predict_bytes(branchy) > packing.predict_bytes(model) + 4 * added
    branch = branchy.module.exits["pool1"]
    assert sum(tensor.numel() for tensor in branch.parameters()) == 8 * 64 * 9 + 128 + 64 * 4 + 4


def test_layers_of_the_trunk_keep_their_names_and_are_followed_through(branchy):
    names = list(weight_layers(toy_model().module))
    assert list(weight_layers(branchy.module))[: len(names)] == names
    graph = LayerGraph(branchy.module)
    assert graph.after("pool1") == ("exits.pool1.conv", "conv2")
    assert graph.before("fc2") == ("relu4",)


def random_answers(count=200, seed=0):
    random = np.random.default_rng(seed)
    doubts = random.random((2, count))
    right = random.random((3, count)) > np.stack([doubts[0], doubts[1] * 0.7, np.full(count, 0.2)])
    return Answers(doubts, right)


@pytest.mark.parametrize("tolerance", [0.0, 0.02, 0.1])
def test_chosen_thresholds_keep_the_accuracy_of_every_exit_and_of_all(tolerance):
    answers = random_answers()
    limits = choose_thresholds(answers, tolerance, [10, 30, 100], [1, 1])
    heads = leaving(answers, limits)
    right = answers.correct[heads, np.arange(len(heads))]
    floor = answers.correct[-1].mean() - tolerance - 1e-9
    assert right.mean() >= floor
    assert all(right[heads == exit_].mean() >= floor for exit_ in (0, 1) if (heads == exit_).any())
    assert (heads < 2).any()


def test_a_single_exit_gets_the_largest_threshold_that_keeps_the_accuracy():
    answers = random_answers(60)
    alone = Answers(answers.uncertainty[:1], answers.correct[[0, 2]])
    limit = choose_thresholds(alone, 0.05, [10, 100], [1])[0]
    floor = alone.correct[-1].mean() - 0.05

    def keeps(threshold):
        left = alone.uncertainty[0] < threshold
        total = np.where(left, alone.correct[0], alone.correct[1]).mean()
        return not left.any() or (alone.correct[0][left].mean() >= floor and total >= floor)

    values = np.sort(alone.uncertainty[0])
    possible = [value for value in (*values, ALWAYS) if keeps(value)]
    left = alone.uncertainty[0] < limit
    assert left.sum() == (alone.uncertainty[0] < max(possible)).sum()


def test_exits_that_are_never_right_are_never_taken():
    answers = random_answers()
    wrong = Answers(answers.uncertainty, answers.correct.copy())
    wrong.correct[:2] = False
    assert choose_thresholds(wrong, 0.0, [10, 30, 100], [1, 1]) == (NEVER, NEVER)


class ValidationOnly(StripeFaces):
    """Fails whenever another split than validation is looked at."""

    def indices(self, split):
        assert split == Split.VALIDATION
        return super().indices(split)


def test_calibration_looks_at_validation_images_only_and_tells_the_shares(branchy, tmp_path):
    context = context_for(tmp_path, branchy, ValidationOnly())
    result, events = finish(exits.calibrated(branchy, 0.5, context))
    shares = result.info.measurements["exit_shares"]
    assert sum(shares) == pytest.approx(1.0, abs=1e-3)
    note = next(event for event in events if isinstance(event, Note))
    assert "validation images leave early" in note.what
    ways = exits.way_macs(result.module, (3, SIDE, SIDE), result.module.thresholds.tolist())
    expected = sum(share * macs for share, macs in zip(shares, ways, strict=True))
    assert result.info.measurements["exit_mean_macs"] == pytest.approx(expected, rel=1e-3)


def test_without_labelled_validation_images_nothing_leaves_early(branchy, tmp_path):
    context = context_for(tmp_path, branchy, StripeFaces(unlabelled=True))
    result, events = finish(exits.calibrated(branchy, 0.5, context))
    assert result.module.thresholds.tolist() == [NEVER, NEVER]
    assert any("could not be calibrated" in getattr(event, "what", "") for event in events)


def test_branches_learn_while_the_trunk_stays_bit_by_bit(tmp_path):
    model = toy_model()
    chosen = settings(branch_epochs=2, learning_rate=1e-2)
    context = context_for(tmp_path, model, StripeFaces())
    result, _ = finish(METHOD.apply(model, chosen, context))
    before, after = model.module.state_dict(), result.module.state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    untrained, _ = finish(METHOD.apply(model, settings(), context_for(tmp_path / "u", model)))
    weight = "exits.pool1.fc.weight"
    assert not torch.equal(after[weight], untrained.module.state_dict()[weight])


def test_joint_training_moves_the_trunk_but_not_what_is_packed(tmp_path):
    model = toy_model()
    prune = METHODS.get("magnitude_pruning")
    context = context_for(tmp_path / "p", model)
    pruned, _ = finish(prune.apply(model, prune.settings_type(epochs=0, layers="conv2"), context))
    context = context_for(tmp_path / "e", pruned, StripeFaces())
    result, _ = finish(METHOD.apply(pruned, settings(epochs=1), context))
    assert torch.equal(result.module.conv2.weight, pruned.module.conv2.weight)
    assert not torch.equal(result.module.conv1.weight, pruned.module.conv1.weight)
    path = tmp_path / "variant.safetensors"
    packing.save_variant(result, path)
    assert torch.equal(logits_of(packing.load_variant(path)), logits_of(result))


class _Batch:
    def __init__(self, count):
        self.targets = torch.arange(count) % CLASSES
        self.weights = torch.ones(count)


def test_the_loss_is_the_weighted_sum_over_all_heads(branchy):
    network = branchy.module.train()
    network.head_weights = (1.0, 0.6, 0.3)
    objective = over_heads(Supervised(0.0), network)
    batch, images = _Batch(6), faces(6)
    loss, _ = objective.outcome(network(images), batch)
    heads = network.all_logits(images)
    expected = sum(
        weight * nn.functional.cross_entropy(logits, batch.targets)
        for weight, logits in zip((1.0, 0.6, 0.3), heads, strict=True)
    )
    torch.testing.assert_close(loss, expected)
    loss.backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
    assert over_heads(objective, nn.Flatten()) is objective


def test_a_network_can_be_copied_between_a_training_pass_and_its_loss(branchy):
    network = branchy.module.train()
    logits = network(faces(2))
    assert copy.deepcopy(network).take_training_logits() == ()
    assert len(network.take_training_logits()) == 2
    assert logits.requires_grad


def test_weights_of_heads_follow_the_preset():
    assert head_weights("equal", 2) == (1.0, 1.0, 1.0)
    assert head_weights("early-heavy", 2) == (1.0, 0.6, 0.3)
    assert head_weights("early-heavy", 1) == (1.0, 0.3)


def test_exits_go_where_the_method_text_says():
    def points(key, **values):
        member = ARCHITECTURES.get(key)
        with torch.device("meta"):
            trunk = member.build(member.settings_type(**values))
        side = member.settings_type(**values).input_size
        return branch_points(trunk, member.family, "auto", (3, side, side))

    assert points("vgg_s_paper") == {"pool2": 256, "relu4": 512}
    assert points("squeezenet1_1") == {"fire4": 256, "fire6": 384}
    assert list(points("pvanet")) == ["conv3_1", "conv4_2"]  # 0.314 and 0.667 of the work
    assert len(points("tiny_darknet")) == 2


def test_exits_in_impossible_places_are_refused():
    model = toy_model()
    for after in ("fc1", "nowhere", "squeeze pool9"):
        with pytest.raises(InputError, match="Exits cannot be added there"):
            METHOD.plan(model, settings(after=after))
    odd = dataclasses.replace(model, module=nn.ModuleList([model.module]))
    assert "not a chain" in METHOD.plan(odd, settings(after="auto")).skipped[0].reason


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"exits": {}, "classes": 4, "weights": "equal"},
        {"exits": {"pool1": 10**9}, "classes": 4, "weights": "equal"},
        {"exits": {"pool1": True}, "classes": 4, "weights": "equal"},
        {"exits": {"nowhere": 8}, "classes": 4, "weights": "equal"},
        {"exits": {"pool1": 8}, "classes": 10**9, "weights": "equal"},
        {"exits": {"pool1": 8}, "classes": 4, "weights": [1, 1]},
        {"exits": {f"pool{n}": 8 for n in range(99)}, "classes": 4, "weights": "equal"},
    ],
)
def test_forged_descriptions_are_refused(arguments):
    with pytest.raises(InputError):
        METHOD.rebuild(toy_model().module, arguments)


def test_onnx_runtime_stops_at_the_exit_and_agrees_with_torch(branchy):
    images = faces()
    set_limits(branchy, *middle_limits(branchy.module.eval(), images))
    session = open_session(branchy, "onnxruntime")
    assert len(session.segments) == 3
    torch_session = open_session(branchy, "torch")
    expected = torch_session.run(images.numpy())
    np.testing.assert_allclose(session.run(images.numpy()), expected, atol=1e-4)
    ran = []

    def watched(number, segment):
        def run(features):
            ran.append((number, len(features)))
            return segment(features)

        return run

    session.segments = [watched(*pair) for pair in enumerate(session.segments)]
    session.run(images.numpy())
    assert [number for number, _ in ran] == [0, 1, 2]
    assert ran[0][1] > ran[1][1] > ran[2][1] > 0
    with torch.no_grad():
        sure = uncertainty(branchy.module.all_logits(images)[0]).argmin()
    ran.clear()
    session.run(images[sure : sure + 1].numpy())
    assert ran == [(0, 1)]
    with pytest.raises(EmoStudioError, match="the picture decides which layers run"):
        ONNXRUNTIME.graph(branchy)


def test_one_graph_holds_the_trunk_while_no_exit_is_taken(branchy):
    (whole,) = branchy.module.segments()
    with torch.no_grad():
        assert torch.equal(whole.body(faces()), toy_model().module(faces()))
    assert whole.head is None


def run(model, folder, *steps, dataset=None):
    recipe = Recipe(steps=tuple(RecipeStep(method=key, settings=values) for key, values in steps))
    job = JobContext(folder=folder)
    return finish(pipeline.run(model, recipe, dataset, job, name="variant"))


def test_thresholds_are_chosen_again_after_a_step_that_changes_weights(tmp_path, monkeypatch):
    on_torch = partial(open_classifier, engine="torch")  # nothing has to be exported
    monkeypatch.setattr(ledger, "open_classifier", on_torch)
    quick = settings(branch_epochs=1, tolerance=0.3, after="pool2").model_dump()
    steps = (
        ("early_exits", quick),
        ("magnitude_pruning", {"epochs": 0, "layers": "conv2"}),
    )
    result, events = run(toy_model(), tmp_path, *steps, dataset=StripeFaces())
    notes = [event.what for event in events if isinstance(event, Note)]
    assert sum("validation images leave early" in what for what in notes) == 2
    network = packing.load_variant(result.file).module
    assert isinstance(network, BranchyNet)
    assert not network.is_stale
    assert float(network.tolerance) == pytest.approx(0.3)


def test_stale_thresholds_are_reported_where_they_cannot_be_chosen_again(branchy, tmp_path):
    set_limits(branchy, 0.5, NEVER)
    assert not branchy.module.is_stale
    with torch.no_grad():
        branchy.module.conv1.weight.mul_(1.5)
    result, events = finish(exits.recalibrated(branchy, context_for(tmp_path, branchy)))
    assert result is branchy
    assert [event.what for event in events] == ["exit thresholds are stale, recalibrate"]


def test_the_step_on_a_network_with_exits_only_calibrates(branchy, tmp_path):
    context = context_for(tmp_path, branchy, StripeFaces())
    planned = METHOD.plan(branchy, settings(epochs=5, branch_epochs=5))
    assert planned.epochs == 0
    result, _ = finish(METHOD.apply(branchy, settings(epochs=5, tolerance=0.5), context))
    assert result.info.structure == branchy.info.structure
    weights = [name for name, _ in result.module.named_parameters()]
    before = branchy.module.state_dict()
    assert all(torch.equal(result.module.state_dict()[name], before[name]) for name in weights)
    assert result.module.thresholds.max() > 0


def test_a_network_can_be_trained_with_exits_from_the_start():
    member = ARCHITECTURES.get("branchy")
    values = {"trunk": "squeezenet1_1", "trunk_settings": "bn=true", "class_count": 4}
    network = member.build(member.settings_type(**values, input_size=40))
    assert list(network.exits) == ["fire4", "fire6"]
    assert isinstance(network.bn1, nn.BatchNorm2d)
    assert network.eval()(torch.zeros(2, 3, 40, 40)).shape == (2, 4)
    with pytest.raises(InputError, match="own trunk"):
        member.build(member.settings_type(trunk="branchy"))
    with pytest.raises(InputError, match="no architecture called"):
        member.build(member.settings_type(trunk="resnet"))


def test_bench_times_drawn_faces_where_the_picture_decides(branchy):
    entry = Entry(model=branchy, engine="torch")
    noise = bench_inputs(branchy.info.preprocessing)
    assert np.array_equal(bench._inputs_for(entry), noise)
    set_limits(branchy, 0.5, NEVER)
    faces_shown = bench._inputs_for(entry)
    assert faces_shown.shape == noise.shape
    assert len({face.tobytes() for face in faces_shown}) == len(faces_shown)
    neighbours = np.abs(np.diff(faces_shown, axis=3)).mean()
    assert neighbours < 0.3 * np.abs(np.diff(noise, axis=3)).mean(), (
        "faces are smooth, noise is not"
    )
    assert "as early as the picture lets it" in bench._early_warnings({"b": entry})[0]


def test_ledger_times_pictures_of_the_data_where_the_picture_decides(branchy):
    data = StripeFaces()
    assert len(ledger._pictures(branchy, data)) == 4
    set_limits(branchy, 0.5, NEVER)
    shown = ledger._pictures(branchy, data)
    test_faces = data.pixels(branchy.info.preprocessing)[data.indices(Split.TEST)]
    assert {face.tobytes() for face in shown} == {face.tobytes() for face in test_faces}
