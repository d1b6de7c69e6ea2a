import copy
import dataclasses
import hashlib
import json
import shutil
from functools import partial

import pytest
import torch
from compression_fakes import StripeFaces, finish, logits_of, toy_model, use_toy_architecture

from emostudio.compression import ledger, packing, pipeline
from emostudio.core.errors import InputError
from emostudio.core.job_context import JobContext
from emostudio.core.recipe import Recipe, RecipeStep
from emostudio.inference.catalogue import open_classifier
from emostudio.training.loop import train
from emostudio.training.objectives import Supervised
from emostudio.training.settings import TrainingSettings

DEEP = ("deep_compression", {"epochs": 2, "centroid_epochs": 1, "batch_size": 8})


def recipe(*steps):
    return Recipe(steps=tuple(RecipeStep(method=key, settings=values) for key, values in steps))


def run(teacher, wanted, folder, faces=None, name="variant", **context):
    job = JobContext(folder=folder, **context)
    return finish(pipeline.run(teacher, wanted, faces, job, name=name))


def done(events):
    return [event for event in events if event.type == "stage_done"]


def test_the_plan_lists_the_teacher_and_every_stage(teacher):
    report = pipeline.plan(teacher, recipe(DEEP))
    keys = [stage.method for stage in report.stages]
    assert keys == ["", "magnitude_pruning", "weight_sharing", "huffman"]
    assert [stage.disk_bytes_exact for stage in report.stages] == [True, True, True, False]
    assert [stage.training_epochs for stage in report.stages] == [0, 2, 1, 0]
    assert report.refusals == ()
    assert report.speedup_ceiling == 1.0


def test_costs_of_a_black_box_are_unknown(teacher):
    info = teacher.info.model_copy(update={"architecture": "onnx"})
    box = dataclasses.replace(teacher, info=info, module=None, onnx_bytes=b"unused")
    (stage,) = pipeline.plan(box, recipe()).stages
    assert (stage.parameters, stage.macs) == (None, None)


PRUNED_FC = ("magnitude_pruning", {"layers": "fc1", "epochs": 1, "batch_size": 16})
SHARED_FC = ("weight_sharing", {"layers": "fc1", "epochs": 1, "batch_size": 16})
PRUNED_CONV = ("magnitude_pruning", {"layers": "conv2", "epochs": 1, "batch_size": 16})
CP_CONV = ("cp", {"layers": "conv2", "rank": 2, "epochs": 1, "batch_size": 16})


@pytest.mark.parametrize("first", [PRUNED_FC, SHARED_FC])
@pytest.mark.parametrize("second", [PRUNED_CONV, CP_CONV])
def test_training_of_a_later_step_leaves_packed_layers_as_they_are(
    first, second, teacher, faces, tmp_path
):
    alone, _ = run(teacher, recipe(first), tmp_path / "first", faces)
    both, _ = run(teacher, recipe(first, second), tmp_path / "both", faces)
    assert torch.equal(both.model.network().fc1.weight, alone.model.network().fc1.weight)
    assert not torch.equal(both.model.network().fc2.weight, alone.model.network().fc2.weight)
    assert all(parameter.requires_grad for parameter in both.model.network().parameters())


def test_planning_leaves_the_teacher_untouched(teacher):
    before = copy.deepcopy(teacher.module.state_dict())
    pipeline.plan(teacher, recipe(("cp", {}), DEEP))
    after = teacher.module.state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())


def test_files_match_their_prediction_byte_for_byte(teacher, faces, tmp_path):
    wanted = recipe(("cp", {"rank": 5, "epochs": 1, "epochs_per_layer": 0}), DEEP)
    result, events = run(teacher, wanted, tmp_path, faces)
    planned = pipeline.plan(teacher, wanted).stages[1:]
    measured = done(events)
    for before, after in zip(planned, measured, strict=True):
        assert after.disk_bytes == after.planned_disk_bytes
        assert (before.parameters, before.macs) == (after.parameters, after.macs)
        if before.disk_bytes_exact:
            assert before.disk_bytes == after.disk_bytes
    saved = events[-1]
    assert saved.type == "variant"
    assert saved.disk_bytes == saved.planned_disk_bytes == result.file.stat().st_size


def test_every_stage_is_measured(teacher, faces, tmp_path):
    result, _ = run(teacher, recipe(DEEP), tmp_path, faces)
    assert [stage.step for stage in result.stages] == [
        "teacher", "magnitude_pruning", "weight_sharing", "huffman",
    ]  # fmt: skip
    for stage in result.stages:
        assert 0.0 <= stage.accuracy <= 1.0
        assert stage.latency_ms > 0
        assert stage.parameters == 5348


def test_the_variant_says_where_it_comes_from(teacher, faces, tmp_path):
    result, _ = run(teacher, recipe(DEEP), tmp_path / "run-7", faces, seed=3)
    info = packing.load_variant(result.file).info
    assert info.name == "variant"
    assert info.recipe.title == "deep_compression"
    assert info.recipe.steps[0].settings["bits_conv"] == 8
    assert info.lineage.parent == teacher.info.name
    assert (info.lineage.run, info.lineage.seed) == ("run-7", 3)
    assert info.lineage.dataset == "stripes"


def test_the_teacher_s_file_stays_as_it_is(teacher, faces, tmp_path):
    file = tmp_path / "teacher.safetensors"
    packing.save_variant(teacher, file)
    before = file.read_bytes()
    result, _ = run(packing.load_variant(file), recipe(DEEP), tmp_path / "run", faces)
    assert file.read_bytes() == before
    assert result.model.info.lineage.parent_sha256 == hashlib.sha256(before).hexdigest()
    assert result.stages[0].disk_bytes == len(before)


def test_fine_tuning_keeps_what_the_teacher_learned(teacher, tmp_path):
    faces = StripeFaces(144)
    training = TrainingSettings(
        epochs=14, batch_size=8, learning_rate=3e-3, augmentation=False, ema_decay=0.0
    )
    job = JobContext(folder=tmp_path / "teacher")
    finish(train(teacher.module, Supervised(), faces, teacher.info, training, job))
    steps = (
        ("cp", {"rank": 12, "epochs": 2, "batch_size": 8, "layers": "conv3"}),
        ("deep_compression", {"epochs": 4, "batch_size": 8, "sparsity_linear": 0.8}),
    )
    result, _ = run(teacher, recipe(*steps), tmp_path / "run", faces)
    first, last = result.stages[0], result.stages[-1]
    assert first.accuracy > 0.9
    assert last.accuracy > first.accuracy - 0.1
    assert last.disk_bytes < first.disk_bytes


def weights(model):
    return {name: tensor.clone() for name, tensor in model.module.state_dict().items()}


def assert_same(first, second):
    assert list(first) == list(second)
    assert all(torch.equal(first[name], second[name]) for name in first)


WANTED = (
    ("cp", {"rank": 5, "epochs": 2, "epochs_per_layer": 1, "batch_size": 8}),
    ("magnitude_pruning", {"epochs": 3, "batch_size": 8}),
    ("weight_sharing", {"epochs": 2, "batch_size": 8}),
    ("huffman", {}),
)


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """A run that nobody disturbed; shared, so look at it only."""
    folder = tmp_path_factory.mktemp("reference")
    with pytest.MonkeyPatch.context() as patch:
        use_toy_architecture(patch)
        patch.setattr(ledger, "open_classifier", partial(open_classifier, engine="torch"))
        result, events = run(toy_model(), recipe(*WANTED), folder, StripeFaces(), seed=1)
    return result, events


@pytest.fixture
def uninterrupted(reference, tmp_path):
    """The undisturbed run, with a folder of its own to disturb."""
    shutil.copytree(reference[0].file.parent, tmp_path / "whole")
    return reference


@pytest.mark.parametrize("stop_at", [3, 20, 41, 60])
def test_an_interrupted_run_ends_bit_identical(teacher, faces, tmp_path, uninterrupted, stop_at):
    expected, events = uninterrupted
    assert len(events) > 70
    job = JobContext(folder=tmp_path / "stopped", seed=1)
    generator = pipeline.run(teacher, recipe(*WANTED), faces, job, name="variant")
    for _ in range(stop_at):
        next(generator)
    generator.close()
    result, _ = run(teacher, recipe(*WANTED), tmp_path / "stopped", faces, seed=1)
    assert_same(weights(expected.model), weights(result.model))
    assert result.model.coded.keys() == expected.model.coded.keys()


def test_finished_stages_are_not_done_again(teacher, faces, tmp_path, uninterrupted):
    result, events = run(teacher, recipe(*WANTED), tmp_path / "whole", faces, seed=1)
    assert not [event for event in events if event.type in {"step", "epoch"}]
    assert len(done(events)) == 4
    assert_same(weights(result.model), weights(uninterrupted[0].model))


def test_a_damaged_stage_is_done_again(teacher, faces, tmp_path, uninterrupted):
    stage = tmp_path / "whole" / "stages" / "03-weight_sharing.safetensors"
    content = bytearray(stage.read_bytes())
    content[-3] ^= 1
    stage.write_bytes(bytes(content))
    result, events = run(teacher, recipe(*WANTED), tmp_path / "whole", faces, seed=1)
    assert [event for event in events if event.type == "epoch"]
    assert_same(weights(result.model), weights(uninterrupted[0].model))


def test_another_recipe_in_the_same_folder_takes_nothing_over(teacher, tmp_path):
    steps = ("magnitude_pruning", {"epochs": 0})
    run(teacher, recipe(steps), tmp_path)
    harder = ("magnitude_pruning", {"epochs": 0, "sparsity_conv": 0.9})
    result, _ = run(teacher, recipe(harder), tmp_path)
    record = json.loads((tmp_path / "stages" / "01-magnitude_pruning.json").read_text())
    assert record["ledger"]["disk_bytes"] == result.stages[-1].disk_bytes
    assert result.model.coded["conv3.weight"].header["survivors"] == round(0.1 * 2304)


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        ([("magnitude_pruning", {}), ("cp", {})], "restore zeros"),
        ([("huffman", {})], "prune or share"),
        ([("weight_sharing", {}), ("magnitude_pruning", {})], "prune first"),
        ([("cp", {}), ("distill_hinton", {"architecture": "toy"})], "put it first"),
        ([("cp", {"layers": "fc1"})], "not a convolution"),
        ([("cp", {"layers": "fire99"})], "fire99"),
        ([("distill_labels", {"architecture": "no_such_net"})], "no_such_net"),
        ([("distill_labels", {"architecture": "toy", "input_size": 20})], "input_size"),
    ],
)
def test_impossible_recipes_are_refused_with_the_reason(teacher, tmp_path, steps, reason):
    report = pipeline.plan(teacher, recipe(*steps))
    assert len(report.refusals) == 1
    assert reason in report.refusals[0].reason
    assert report.refusals[0].step == len(steps) - 1
    with pytest.raises(InputError, match=reason):
        run(teacher, recipe(*steps), tmp_path / "run", StripeFaces())
    assert not (tmp_path / "run").exists()


def test_unknown_methods_and_settings_are_named(teacher):
    with pytest.raises(InputError, match="quantum"):
        pipeline.plan(teacher, recipe(("quantum", {})))
    with pytest.raises(InputError, match="sparsity_conv"):
        pipeline.plan(teacher, recipe(("magnitude_pruning", {"sparsity_conv": 1.5})))


def test_training_without_data_is_refused_before_any_work(teacher, tmp_path):
    with pytest.raises(InputError, match="training images"):
        run(teacher, recipe(("cp", {})), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_an_empty_recipe_is_refused(teacher, tmp_path):
    with pytest.raises(InputError, match="no steps"):
        run(teacher, Recipe(), tmp_path / "run")


def test_a_black_box_can_only_be_distilled(teacher):
    info = teacher.info.model_copy(update={"architecture": "onnx"})
    box = dataclasses.replace(teacher, info=info, module=None, onnx_bytes=b"123")
    refused = pipeline.plan(box, recipe(("cp", {})))
    assert "distil it first" in refused.refusals[0].reason
    allowed = pipeline.plan(box, recipe(("distill_softmax", {"architecture": "toy"}), ("cp", {})))
    assert allowed.refusals == ()
    assert allowed.stages[0].disk_bytes == 3


def test_a_cancel_leaves_no_half_written_variant(teacher, faces, tmp_path):
    job = JobContext(folder=tmp_path / "run")
    generator = pipeline.run(teacher, recipe(DEEP), faces, job, name="variant")
    for event in generator:
        if event.type == "step":
            break
    generator.close()
    assert not (tmp_path / "run" / pipeline.VARIANT_FILE).exists()
    assert not list((tmp_path / "run").rglob("*.part"))


def test_the_logits_of_the_result_are_those_of_its_file(teacher, faces, tmp_path):
    result, _ = run(teacher, recipe(DEEP), tmp_path, faces)
    assert torch.equal(logits_of(packing.load_variant(result.file)), logits_of(result.model))
