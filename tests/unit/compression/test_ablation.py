import math

import pytest
from compression_fakes import finish

from emostudio.compression.ablation import ablate
from emostudio.core.errors import InputError
from emostudio.core.job_context import JobContext
from emostudio.core.recipe import Recipe, RecipeStep

QUICK = {"epochs": 0}
DEEP = Recipe(
    steps=(
        RecipeStep(method="magnitude_pruning", settings=QUICK),
        RecipeStep(method="weight_sharing", settings=QUICK),
        RecipeStep(method="huffman"),
    )
)


def by_steps(report):
    return {subset.steps: subset for subset in report.subsets}


def test_every_subset_is_measured_and_the_shares_sum_to_the_whole(teacher, faces, tmp_path):
    report, _ = finish(ablate(teacher, DEEP, faces, JobContext(folder=tmp_path)))
    subsets = by_steps(report)
    assert len(subsets) == 8
    first, last = subsets[()].ledger, subsets[0, 1, 2].ledger
    total = last.disk_bytes - first.disk_bytes
    assert sum(share.disk_bytes for share in report.shares) == pytest.approx(total, abs=1e-6)
    accuracy = sum(share.accuracy for share in report.shares)
    assert accuracy == pytest.approx(last.accuracy - first.accuracy, abs=1e-12)
    factor = math.prod(share.size_factor for share in report.shares)
    assert factor == pytest.approx(first.disk_bytes / last.disk_bytes)
    assert all(share.size_factor > 1 for share in report.shares[:2])


def test_a_step_that_needs_another_one_is_worth_nothing_without_it(teacher, faces, tmp_path):
    report, _ = finish(ablate(teacher, DEEP, faces, JobContext(folder=tmp_path)))
    alone = by_steps(report)[2,]
    assert alone.left_out == (2,)
    assert alone.ledger == by_steps(report)[()].ledger


def test_stages_are_shared_among_subsets_and_kept_for_a_resumed_run(teacher, faces, tmp_path):
    first, events = finish(ablate(teacher, DEEP, faces, JobContext(folder=tmp_path)))
    ran = [event for event in events if event.type == "stage_started"]
    assert len(ran) == 6  # seven subsets that do something, less Huffman alone
    files = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.safetensors")}
    again, _ = finish(ablate(teacher, DEEP, faces, JobContext(folder=tmp_path)))
    assert again == first
    assert {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.safetensors")} == files


def test_the_whole_is_what_the_recipe_gives(teacher, faces, tmp_path):
    from emostudio.compression import pipeline

    report, _ = finish(ablate(teacher, DEEP, faces, JobContext(folder=tmp_path / "a")))
    job = JobContext(folder=tmp_path / "b")
    result, _ = finish(pipeline.run(teacher, DEEP, faces, job, name="whole"))
    whole = by_steps(report)[0, 1, 2].ledger
    assert whole.accuracy == result.stages[-1].accuracy
    # names inside the file differ in length
    assert abs(whole.disk_bytes - result.stages[-1].disk_bytes) < 200


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        ((RecipeStep(method="huffman"),), "2 to 5 steps"),
        (
            (
                RecipeStep(method="weight_sharing", settings=QUICK),
                RecipeStep(method="magnitude_pruning", settings=QUICK),
            ),
            "prune first",
        ),
    ],
)
def test_recipes_that_cannot_be_taken_apart_say_why(teacher, faces, tmp_path, steps, why):
    with pytest.raises(InputError, match=why):
        finish(ablate(teacher, Recipe(steps=steps), faces, JobContext(folder=tmp_path)))
