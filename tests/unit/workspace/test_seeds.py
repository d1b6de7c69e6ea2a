from datetime import UTC, datetime
from pathlib import Path

import pytest
from scipy import stats

from emostudio.core.emotions import EMOTIONS
from emostudio.core.jobs import CompressJob, seeded
from emostudio.core.model_info import Lineage, ModelInfo, Preprocessing
from emostudio.core.recipe import Recipe, RecipeStep
from emostudio.workspace.records import ModelRecord
from emostudio.workspace.seeds import seed_groups, seed_words


def variant(name, seed, method="bwn", settings=None):
    info = ModelInfo(
        name=name,
        architecture="cnn_s",
        labels=EMOTIONS,
        preprocessing=Preprocessing(),
        recipe=Recipe(steps=(RecipeStep(method=method, settings=settings or {}),)),
        lineage=Lineage(parent="t", seed=seed),
    )
    return ModelRecord(
        name=name, role="variant", file=Path(f"{name}.safetensors"), info=info, disk_bytes=1,
        created=datetime(2026, 1, 1, tzinfo=UTC), slot=1,
    )  # fmt: skip


def test_variants_that_differ_in_their_seed_only_are_one_group():
    models = [variant("a", 1), variant("b", 0), variant("other", 2, settings={"x": 1})]
    (group,) = seed_groups(models, {"a": 0.8, "b": 0.9, "other": 0.1})
    assert (group.models, group.seeds, group.accuracies) == (("b", "a"), (0, 1), (0.9, 0.8))
    assert group.mean == pytest.approx(0.85)
    assert not group.is_enough


def test_the_interval_is_students_over_the_seeds():
    values = [0.80, 0.82, 0.79, 0.83, 0.81]
    models = [variant(f"v{seed}", seed) for seed in range(5)]
    (group,) = seed_groups(models, {m.name: v for m, v in zip(models, values, strict=True)})
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert group.interval == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert group.is_enough
    assert "over 5 seeds: 81.0 % (95 % 79.0 to 83.0), each 80.0, 82.0" in seed_words(group)
    assert "needs" not in seed_words(group)


def test_the_same_seed_twice_is_no_second_experiment():
    assert seed_groups([variant("a", 0), variant("b", 0)], {"a": 0.8, "b": 0.9}) == ()


def test_models_without_accuracy_or_seed_are_left_out():
    models = [variant("a", 0), variant("b", 1), variant("c", None)]
    assert seed_groups(models, {"a": 0.8, "b": None, "c": 0.9}) == ()


def test_few_seeds_say_how_many_a_ranking_needs():
    (group,) = seed_groups([variant("a", 0), variant("b", 1)], {"a": 0.8, "b": 0.9})
    assert seed_words(group).endswith("; a ranking needs 5 seeds")


def test_a_job_from_several_seeds_keeps_its_name_apart():
    job = CompressJob(teacher="t", data="d", recipe=Recipe(), name="small", seed=3)
    assert seeded(job, 1) == (job,)
    assert [(one.seed, one.name) for one in seeded(job, 2)] == [(3, "small-s3"), (4, "small-s4")]
    nameless = job.model_copy(update={"name": None})
    assert [one.name for one in seeded(nameless, 2)] == [None, None]
