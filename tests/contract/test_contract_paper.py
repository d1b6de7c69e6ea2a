"""What holds for every experiment of the paper and every preset."""

import pytest

from emostudio.compression.catalogue import METHODS
from emostudio.core.errors import InputError
from emostudio.core.jobs import JOB_ADAPTER, CompressJob, InspectModelJob, TrainJob
from emostudio.core.recipe import Recipe
from emostudio.core.settings import parse_settings
from emostudio.data.opening import synthetic_request
from emostudio.data.synthetic.settings import SyntheticSettings
from emostudio.models.catalogue import ARCHITECTURES
from emostudio.paper.base import Findings
from emostudio.paper.catalogue import EVERYTHING, EXPERIMENTS, chosen_keys
from emostudio.paper.networks import NETWORKS, network_part
from emostudio.paper.presets import PRESETS
from emostudio.paper.study import StudySettings
from emostudio.paper.words import cell_words, footer_words, heads
from emostudio.training.settings import TrainingSettings
from emostudio.worker.execute import execute
from emostudio.workspace.seeds import ENOUGH_SEEDS
from emostudio.workspace.store import Workspace

every_experiment = pytest.mark.parametrize("key", chosen_keys(EVERYTHING))
every_preset = pytest.mark.parametrize("preset", PRESETS)


def parts(key, preset, **study):
    return EXPERIMENTS.get(key).parts(StudySettings(preset=preset, **study))


def test_experiments_come_in_the_order_of_the_paper_each_in_a_place_of_its_own():
    assert chosen_keys(EVERYTHING) == ("table1", "table2", "table3", "figures")
    places = [experiment.order for experiment in EXPERIMENTS.members().values()]
    assert len(set(places)) == len(places)


def test_an_experiment_that_is_not_there_is_refused_and_the_known_ones_named():
    with pytest.raises(InputError, match=r"no experiment of the paper called table9.*figures"):
        chosen_keys("table9")


@every_experiment
@every_preset
@pytest.mark.parametrize("study", [{}, {"teacher": "a.onnx", "pool": "faces"}, {"teacher": "net"}])
def test_parts_come_after_the_parts_they_need(key, preset, study):
    seen = set()
    for part in parts(key, preset, **study):
        assert part.key not in seen
        assert set(part.needs) <= seen, part.key
        assert part.weight > 0
        seen.add(part.key)


@every_preset
def test_a_part_that_experiments_share_is_the_same_job(preset):
    found = {}
    for key in chosen_keys(EVERYTHING):
        for part in parts(key, preset):
            assert found.setdefault(part.key, part.job) == part.job


@every_experiment
@every_preset
def test_every_job_survives_json_and_its_settings_are_known(key, preset):
    for part in parts(key, preset):
        job = part.job
        assert JOB_ADAPTER.validate_json(job.model_dump_json()) == job
        if isinstance(job, TrainJob):
            parse_settings(TrainingSettings, job.training, "training")
            architecture = ARCHITECTURES.get(job.architecture)
            parse_settings(architecture.settings_type, job.architecture_settings, "architecture")
        elif isinstance(job, CompressJob):
            for step in job.recipe.steps:
                parse_settings(METHODS.get(step.method).settings_type, step.settings, step.method)


@every_preset
def test_drawn_faces_of_a_preset_can_be_drawn_and_the_other_teacher_knows_no_contempt(preset):
    sizes = PRESETS[preset]
    for argument in (sizes.data, sizes.other_data):
        SyntheticSettings.model_validate(synthetic_request(argument).settings)
    other = SyntheticSettings.model_validate(synthetic_request(sizes.other_data).settings)
    assert "contempt" not in other.emotions
    assert len(other.emotions) == 7


def test_the_full_preset_has_enough_seeds_to_decide_table_3_and_the_quick_one_to_show_differences():
    assert PRESETS["full"].seeds >= 3
    assert PRESETS["full"].distillation_seeds >= ENOUGH_SEEDS
    assert PRESETS["quick"].distillation_seeds >= 3


@every_experiment
@every_preset
def test_an_empty_study_shows_the_paper_s_figures_and_none_of_ours(key, preset):
    table = EXPERIMENTS.get(key).table(Findings(StudySettings(preset=preset), None, {}))
    assert table.key == key
    assert table.rows
    assert table.caveats
    for row in table.rows:
        assert row.reference
        assert set(row.cells) == {column.key for column in table.columns}
        assert all(cell.ours is None for cell in row.cells.values())
        assert len(cell_words(table, row)) == len(heads(table))
    assert footer_words(table)


SIZES = {
    "vgg_s": (97_571_944, 372.2),
    "squeezenet": (726_600, 2.8),
    "cp": (556_872, 2.1),
    "hashed": (17_912_357, 68.3),
}
"""Parameters that the survey's sizes stand for, and the sizes as printed, in MiB."""


@pytest.mark.parametrize("network", SIZES)
def test_the_full_preset_has_the_survey_s_sizes_to_the_parameter(network, tmp_path):
    settings = StudySettings(preset="full")
    job = network_part(network, settings, 0).job
    parent = NETWORKS[network].parent
    base = network_part(parent, settings, 0).job if parent else job
    question = InspectModelJob(
        model=base.architecture,
        architecture_settings=base.architecture_settings,
        recipe=job.recipe if parent else Recipe(),
    )
    with Workspace.open(tmp_path) as workspace:
        answer = list(execute(question, workspace))[-1].result
    parameters, size_mib = SIZES[network]
    assert answer["parameters"] == parameters
    assert round(4 * parameters / 2**20, 1) == size_mib
