import numpy as np
import pytest
from training_fakes import StripeDataset, info_of

from emostudio.core.emotions import EMOTIONS
from emostudio.core.errors import InputError
from emostudio.core.job_context import JobContext
from emostudio.data.base import Split
from emostudio.data.transforms import normalise, transformed
from emostudio.training.batches import Batches
from emostudio.training.settings import TrainingSettings


def batches_of(tmp_path, dataset=None, needs_labels=True, seed=0, labels=EMOTIONS[:4], **settings):
    return Batches(
        dataset or StripeDataset(),
        info_of(labels),
        TrainingSettings(**{"batch_size": 16, **settings}),
        JobContext(folder=tmp_path, seed=seed),
        needs_labels=needs_labels,
    )


def test_epoch_shows_every_training_picture_once(tmp_path):
    dataset = StripeDataset()
    batches = batches_of(tmp_path, dataset)
    seen = np.concatenate(batches.order(3))
    assert sorted(seen) == sorted(dataset.indices(Split.TRAIN))
    assert batches.steps_per_epoch == len(batches.order(0))


def test_order_depends_on_epoch_and_seed_only(tmp_path):
    def order(seed, epoch):
        return np.concatenate(batches_of(tmp_path, seed=seed).order(epoch)).tolist()

    assert order(1, 2) == order(1, 2)
    assert order(1, 2) != order(1, 3)
    assert order(1, 2) != order(2, 2)


def test_test_split_is_never_asked_for(tmp_path):
    dataset = StripeDataset()
    batches_of(tmp_path, dataset).validation_batches()
    assert set(dataset.asked) == {Split.TRAIN, Split.VALIDATION}


def test_limit_takes_another_part_in_each_epoch(tmp_path):
    batches = batches_of(tmp_path, max_images=20)
    first, second = (set(np.concatenate(batches.order(epoch))) for epoch in (0, 1))
    assert len(first) == len(second) == 20
    assert first != second
    assert batches.steps_per_epoch == 2


def test_single_left_over_picture_is_dropped(tmp_path):
    batches = batches_of(tmp_path, max_images=33)
    assert [len(items) for items in batches.order(0)] == [16, 16]


def test_rare_emotions_weigh_more_and_the_mean_weight_is_one(tmp_path):
    dataset = StripeDataset()
    train = dataset.indices(Split.TRAIN)
    rare = train[dataset.emotions[train] == 0]
    dataset.emotions[rare[2:]] = 1
    batches = batches_of(tmp_path, dataset)
    batch = batches.training_batch(train, 0)
    weights, targets = batch.weights.numpy(), batch.targets.numpy()
    counts = np.bincount(targets)
    assert weights.mean() == pytest.approx(1.0)
    ratio = weights[targets == 0][0] / weights[targets == 1][0]
    assert ratio == pytest.approx(np.sqrt(counts[1] / counts[0]))
    plain = batches_of(tmp_path, dataset, class_balance="none").training_batch(train, 0)
    assert set(plain.weights.tolist()) == {1.0}


def test_targets_follow_the_label_names(tmp_path):
    labels = (EMOTIONS[3], EMOTIONS[0], EMOTIONS[2], EMOTIONS[1])
    dataset = StripeDataset()
    batch = batches_of(tmp_path, dataset, labels=labels).training_batch(np.arange(4), 0)
    assert batch.targets.tolist() == [1, 3, 2, 0]


def test_pictures_without_a_label_are_left_out_only_where_labels_are_needed(tmp_path):
    labels = EMOTIONS[:3]
    dataset = StripeDataset()
    with_label = np.concatenate(batches_of(tmp_path, dataset, labels=labels).order(0))
    assert set(dataset.emotions[with_label]) == {0, 1, 2}
    everything = batches_of(tmp_path, dataset, labels=labels, needs_labels=False)
    assert len(np.concatenate(everything.order(0))) == len(dataset.indices(Split.TRAIN))


def test_nothing_to_train_on_is_refused(tmp_path):
    with pytest.raises(InputError, match="nothing to train on"):
        batches_of(tmp_path, StripeDataset(unlabelled=True))


def test_validation_and_plain_batches_show_the_pictures_as_they_are(tmp_path):
    dataset, info = StripeDataset(), info_of()
    batches = batches_of(tmp_path, dataset, augmentation=False)
    items = np.array([5, 0, 10])
    expected = normalise(dataset.pixels(info.preprocessing)[items], info.preprocessing)
    found = batches.training_batch(items, 4).inputs(info.preprocessing).numpy()
    assert np.array_equal(found, expected)
    validation = batches_of(tmp_path, dataset).validation_batches()
    pixels = np.concatenate([batch.pixels(info.preprocessing) for batch in validation])
    held_out = dataset.indices(Split.VALIDATION)
    assert np.array_equal(pixels, dataset.pixels(info.preprocessing)[held_out])


def test_teacher_and_student_sizes_show_the_same_crop(tmp_path):
    batch = batches_of(tmp_path, rotation_degrees=0.0).training_batch(np.arange(10), 0)
    small = batch.pixels(info_of(side=12).preprocessing)
    large = batch.pixels(info_of(side=48).preprocessing)
    shrunk = large.reshape(10, 12, 4, 12, 4, 3).mean(axis=(2, 4))
    correlation = np.corrcoef(small.ravel(), shrunk.ravel())[0, 1]
    assert correlation > 0.97


def test_number_of_views_is_bounded_on_request(tmp_path):
    info = info_of()

    def pixels(batches, epoch):
        return batches.training_batch(np.arange(8), epoch).pixels(info.preprocessing)

    two = batches_of(tmp_path, views=2)
    assert np.array_equal(pixels(two, 0), pixels(two, 2))
    assert not np.array_equal(pixels(two, 0), pixels(two, 1))
    endless = batches_of(tmp_path)
    assert not np.array_equal(pixels(endless, 0), pixels(endless, 2))


def test_faces_are_varied_before_they_are_transformed(tmp_path):
    batches = batches_of(tmp_path)
    plain = info_of().preprocessing
    patterns = plain.model_copy(update={"transform": "mapped_lbp"})
    batch = batches.training_batch(batches.order(0)[0], 0)
    expected = transformed(batch.pixels(plain), patterns)
    np.testing.assert_array_equal(batch.pixels(patterns), expected)
