import numpy as np

from emostudio.data.scanning import Scan


def test_sample_pictures_come_from_all_over_the_source():
    scan = Scan()
    for number in range(600):
        scan._sample(0, f"{number:03d}", np.zeros((8, 8, 1), dtype=np.uint8))
    items = sorted(int(item) for item, _ in scan.samples[0])
    assert len(items) == 12
    assert items[-1] > 300
    assert len(set(items)) == 12


def test_few_pictures_are_all_kept_in_order():
    scan = Scan()
    for item in "abc":
        scan._sample(3, item, np.zeros((8, 8, 1), dtype=np.uint8))
    assert [item for item, _ in scan.samples[3]] == ["a", "b", "c"]
