"""The pictures of a study: found again by name, and not watched by more than the preset allows."""

import shutil
from dataclasses import replace

import pytest

from emostudio.core.errors import EmoStudioError
from emostudio.core.jobs import SynthesiseJob
from emostudio.data.base import Split
from emostudio.data.dataset import Dataset
from emostudio.data.importing import import_dataset
from emostudio.data.opening import synthetic_request
from emostudio.paper.parts import NO_LABELS
from emostudio.worker.context import HandlerContext
from emostudio.worker.execute import execute
from emostudio.worker.paper import data as paper_data
from emostudio.worker.paper.data import StudyData, data_facts
from emostudio.workspace.store import Workspace


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Faces with RaFD names."""
    place = tmp_path_factory.mktemp("paper-data")
    settings = {"identities": 20, "size": 24, "cameras": "090", "gazes": "frontal"}
    with Workspace.open(place / "ws") as workspace:
        job = SynthesiseJob(out=str(place / "faces"), settings=settings)
        assert list(execute(job, workspace))[-1].type == "finished"
    return place / "faces"


@pytest.fixture
def context(tmp_path):
    with Workspace.open(tmp_path / "ws") as workspace:
        yield HandlerContext(workspace, tmp_path / "run")


def test_a_rafd_folder_is_told_as_such(context, folder):
    facts = data_facts(StudyData(context, 0).open(str(folder)))
    assert (facts.reader, facts.is_synthetic, facts.subjects) == ("rafd", False, 20)
    assert facts.train_images + facts.held_out_images + facts.test_images == 160


def test_the_name_opens_the_same_pictures(context, folder):
    data = StudyData(context, 0)
    name = data.name(str(folder))
    assert data.open(name).fingerprint == data.open(str(folder)).fingerprint
    assert name in [record.name for record in context.workspace.datasets()]


def test_fewer_pictures_are_kept_back_where_the_preset_says_so(context, folder):
    many = StudyData(context, 0).open(str(folder))
    few = StudyData(context, 8).open(str(folder))
    assert len(few.indices(Split.VALIDATION)) < len(many.indices(Split.VALIDATION))
    assert len(few.indices(Split.TEST)) == len(many.indices(Split.TEST))
    assert StudyData(context, 8).open(str(folder)).folder == few.folder


def test_a_dataset_named_by_the_user_is_taken_as_it_is(context, folder):
    name = StudyData(context, 0).name(str(folder))
    assert StudyData(context, 1).name(name) == name


def test_pictures_without_labels_keep_splits_and_people_and_nothing_of_the_emotions(
    context, folder
):
    data = StudyData(context, 0)
    labelled, bare = data.open(str(folder)), data.open(f"{NO_LABELS}{folder}")
    assert (labelled.emotions >= 0).all()
    assert (bare.emotions == -1).all()
    assert (bare.splits == labelled.splits).all()
    assert (bare.subjects == labelled.subjects).all()
    assert (bare.image(3) == labelled.image(3)).all()
    assert bare.fingerprint != labelled.fingerprint
    assert (bare.labels, bare.report.labels) == ((), ())
    assert StudyData(context, 0).open(f"{NO_LABELS}{folder}").folder == bare.folder


def imported(context, name, seed):
    """Drawn faces under a name, in place of those that had it before."""
    shutil.rmtree(context.workspace.datasets_folder / name, ignore_errors=True)
    drawn = f"synthetic:identities=4,size=24,cameras=090,gazes=frontal,seed={seed}"
    request = replace(synthetic_request(drawn), name=name)
    return import_dataset(request, context.workspace.datasets_folder)


def test_the_copy_without_labels_follows_pictures_replaced_under_the_same_name(context):
    imported(context, "faces", seed=1)
    old = StudyData(context, 0).open(f"{NO_LABELS}faces")
    labelled = imported(context, "faces", seed=2)
    new = StudyData(context, 0).open(f"{NO_LABELS}faces")
    assert new.folder == old.folder
    assert new.fingerprint != old.fingerprint
    assert all((new.image(n) == labelled.image(n)).all() for n in range(len(labelled)))
    assert (new.emotions == -1).all()
    assert (new.folder / "record.json").is_file()
    left = {path.name for path in context.workspace.datasets_folder.iterdir()}
    assert left == {"faces", "faces-no-labels"}


def test_a_full_disk_is_told_and_leaves_the_old_copy(context, monkeypatch):
    imported(context, "faces", seed=1)
    old = StudyData(context, 0).open(f"{NO_LABELS}faces")
    imported(context, "faces", seed=2)

    def full(source, target, **_options):
        raise shutil.Error([(source, target, "[Errno 28] No space left on device")])

    monkeypatch.setattr(shutil, "copytree", full)
    with pytest.raises(EmoStudioError, match=r"without its labels: .*No space left") as told:
        StudyData(context, 0).open(f"{NO_LABELS}faces")
    assert "Free some space" in told.value.next_step
    assert Dataset(old.folder).fingerprint == old.fingerprint


def test_the_copy_watched_by_fewer_is_one_of_the_present_pictures(context, folder, monkeypatch):
    few = StudyData(context, 8).open(str(folder))
    whole = StudyData(context, 0).open(str(folder))
    other = Dataset(whole.folder)
    other.fingerprint = "0123456789"
    monkeypatch.setattr(paper_data, "open_data", lambda argument, context: other)
    assert StudyData(context, 8).open(str(folder)).folder != few.folder
