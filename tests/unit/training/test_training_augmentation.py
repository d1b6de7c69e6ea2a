import numpy as np

from emostudio.training.augmentation import draw_variations, uniform_draws
from emostudio.training.settings import TrainingSettings

ITEMS = np.arange(40)
ALL = TrainingSettings()
NONE = {"flip": False, "crop_area": 1.0, "rotation_degrees": 0.0, "brightness": 0.0}


def pictures(count=40, side=16, channels=3, seed=0):
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, size=(count, 4, 4, channels)).astype(np.uint8)
    return coarse.repeat(side // 4, axis=1).repeat(side // 4, axis=2)


def test_same_seed_pass_and_picture_give_the_same_variation():
    first = draw_variations(ALL, 1, 2, ITEMS).apply(pictures())
    assert np.array_equal(first, draw_variations(ALL, 1, 2, ITEMS).apply(pictures()))


def test_seed_and_pass_change_the_variation():
    first = draw_variations(ALL, 1, 2, ITEMS).apply(pictures())
    for seed, epoch in ((2, 2), (1, 3)):
        assert not np.array_equal(first, draw_variations(ALL, seed, epoch, ITEMS).apply(pictures()))


def test_variation_of_a_picture_does_not_depend_on_its_company():
    whole = draw_variations(ALL, 1, 2, ITEMS).apply(pictures())
    some = np.array([31, 4, 9])
    alone = draw_variations(ALL, 1, 2, some).apply(pictures()[some])
    assert np.array_equal(whole[some], alone)


def test_switched_off_parts_leave_the_picture_alone():
    settings = TrainingSettings(**NONE)
    assert np.array_equal(draw_variations(settings, 0, 0, ITEMS).apply(pictures()), pictures())


def test_flip_mirrors_about_half_of_the_pictures_exactly():
    settings = TrainingSettings(**{**NONE, "flip": True})
    varied = draw_variations(settings, 0, 0, ITEMS).apply(pictures())
    is_same = np.array([np.array_equal(a, b) for a, b in zip(varied, pictures(), strict=True)])
    mirrored = pictures()[:, :, ::-1]
    is_mirrored = np.array([np.array_equal(a, b) for a, b in zip(varied, mirrored, strict=True)])
    assert (is_same ^ is_mirrored).all()
    assert 10 <= is_mirrored.sum() <= 30


def test_crops_keep_at_least_the_chosen_area_and_stay_inside():
    settings = TrainingSettings(**{**NONE, "crop_area": 0.6})
    matrices = draw_variations(settings, 0, 0, np.arange(2000)).matrices
    width, height = matrices[:, 0, 0], matrices[:, 1, 1]
    assert (width * height).min() >= 0.6 * 0.92
    assert (width * height).min() < 0.65
    for scale, shift in ((width, matrices[:, 0, 2]), (height, matrices[:, 1, 2])):
        assert (np.abs(shift) + scale / 2 <= 0.5 + 1e-9).all()


def test_same_variation_at_two_sizes_shows_the_same_picture():
    settings = TrainingSettings(
        **{**NONE, "flip": True, "rotation_degrees": 30.0, "crop_area": 0.7}
    )
    smooth = np.linspace(0, 255, 64)[None, :, None] * np.linspace(0.2, 1, 64)[:, None, None]
    large = np.broadcast_to(smooth, (20, 64, 64, 1)).astype(np.uint8)
    small = large.reshape(20, 32, 2, 32, 2, 1).mean(axis=(2, 4)).astype(np.uint8)
    variations = draw_variations(settings, 3, 1, np.arange(20))
    shrunk = variations.apply(large).reshape(20, 32, 2, 32, 2, 1).mean(axis=(2, 4))
    difference = np.abs(shrunk - variations.apply(small))[:, 4:-4, 4:-4]
    assert difference.mean() < 2.0


def test_brightness_changes_levels_but_not_places():
    settings = TrainingSettings(**{**NONE, "brightness": 0.3})
    varied = draw_variations(settings, 0, 0, ITEMS).apply(pictures(channels=1))
    assert not np.array_equal(varied, pictures(channels=1))
    for before, after in zip(pictures(channels=1), varied, strict=True):
        order = np.argsort(before.ravel(), kind="stable")
        assert (np.diff(after.ravel()[order].astype(int)) >= 0).all()


def test_draws_are_uniform_and_unrelated():
    draws = uniform_draws(7, 3, np.arange(20_000), 3)
    assert draws.min() >= 0
    assert draws.max() < 1
    np.testing.assert_allclose(draws.mean(axis=0), 0.5, atol=0.01)
    np.testing.assert_allclose(draws.std(axis=0), 12**-0.5, atol=0.01)
    assert np.abs(np.corrcoef(draws.T) - np.eye(3)).max() < 0.03
    neighbours = np.corrcoef(draws[:-1, 0], draws[1:, 0])[0, 1]
    assert abs(neighbours) < 0.03
