from multiprocessing.shared_memory import SharedMemory as SharedBlock

import numpy as np
import pytest

from emostudio.vision.shared_frames import BYTES_PER_PIXEL, SLOTS, SharedFrames


@pytest.fixture
def frames():
    with SharedFrames() as sink:
        yield sink


def look(announcement, placed):
    block = SharedBlock(name=announcement.name)
    try:
        shape = (placed.height, placed.width, BYTES_PER_PIXEL)
        start = placed.slot * announcement.slot_bytes
        return np.ndarray(shape, np.uint8, block.buf, start).copy()
    finally:
        block.close()


def test_the_first_frame_announces_the_block(frames):
    placed = frames(np.zeros((6, 8, 3), np.uint8))
    assert placed.announcement.slots == SLOTS
    assert placed.announcement.slot_bytes == 6 * 8 * BYTES_PER_PIXEL
    assert frames(np.zeros((6, 8, 3), np.uint8)).announcement is None


def test_a_frame_arrives_blue_first(frames):
    image = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    placed = frames(image)
    seen = look(placed.announcement, placed)
    np.testing.assert_array_equal(seen[:, :, :3], image[:, :, ::-1])


def test_slots_take_turns(frames):
    slots = [frames(np.zeros((6, 8, 3), np.uint8)).slot for _ in range(5)]
    assert slots == [0, 1, 2, 0, 1]


def test_a_larger_frame_gets_a_new_block_and_a_smaller_one_the_old(frames):
    first = frames(np.zeros((6, 8, 3), np.uint8))
    assert frames(np.zeros((4, 4, 3), np.uint8)).announcement is None
    image = np.full((20, 30, 3), 50, np.uint8)
    second = frames(image)
    assert second.announcement.name != first.announcement.name
    assert np.all(look(second.announcement, second)[:, :, :3] == 50)


def test_closing_deletes_the_block():
    with SharedFrames() as sink:
        name = sink(np.zeros((6, 8, 3), np.uint8)).announcement.name
    with pytest.raises(FileNotFoundError):
        SharedBlock(name=name)
