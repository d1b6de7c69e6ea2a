"""The live feed: shared memory to pictures, newest frame wins, the worker owns the block."""

import subprocess
import sys
from multiprocessing import shared_memory

import numpy as np
import pytest
from PySide6.QtGui import QImage

from emostudio.core.events import (
    Cancelled,
    Finished,
    LiveCounters,
    LiveFrame,
    Note,
    SharedMemory,
)
from emostudio.qt.live_feed import FrameReader, LiveFeed, attach

HEIGHT, WIDTH = 6, 8
SLOT_BYTES = HEIGHT * WIDTH * 4


@pytest.fixture
def block():
    memory = shared_memory.SharedMemory(create=True, size=SLOT_BYTES * 3)
    yield memory
    memory.close()
    memory.unlink()


def _announce(block, slots=3):
    return SharedMemory(name=block.name, slot_bytes=SLOT_BYTES, slots=slots)


def _write(block, slot, blue, green, red):
    view = np.ndarray((3, HEIGHT, WIDTH, 4), np.uint8, block.buf)
    view[slot] = (blue, green, red, 255)
    del view


def _frame(number, slot, height=HEIGHT, width=WIDTH):
    return LiveFrame(number=number, slot=slot, height=height, width=width, captured_s=0.0)


@pytest.fixture
def feed(qapp):
    return LiveFeed()


def test_a_frame_arrives_with_the_colours_the_worker_wrote(qtbot, feed, block):
    _write(block, 1, blue=10, green=20, red=200)
    feed.accept(_announce(block))
    with qtbot.waitSignal(feed.frame_arrived) as arrived:
        feed.accept(_frame(5, slot=1))
    frame = arrived.args[0]
    assert frame.event.number == 5
    assert frame.image.pixelColor(3, 2).getRgb()[:3] == (200, 20, 10)
    assert frame.image.format() == QImage.Format.Format_RGB32


def test_a_frame_keeps_its_pixels_when_the_slot_is_written_again(qtbot, feed, block):
    _write(block, 0, 1, 2, 3)
    feed.accept(_announce(block))
    with qtbot.waitSignal(feed.frame_arrived) as arrived:
        feed.accept(_frame(1, slot=0))
    _write(block, 0, 99, 99, 99)
    assert arrived.args[0].image.pixelColor(0, 0).getRgb()[:3] == (3, 2, 1)


def test_of_a_backlog_only_the_newest_frame_is_delivered(qtbot, feed, block):
    received = []
    feed.frame_arrived.connect(lambda frame: received.append(frame.event.number))
    feed.accept(_announce(block))
    with qtbot.waitSignal(feed.frame_arrived):
        for number in range(50):
            feed.accept(_frame(number, slot=number % 3))
    assert received == [49]
    assert feed.skipped == 49


@pytest.mark.parametrize(
    ("slot", "height", "width"), [(3, HEIGHT, WIDTH), (-1, HEIGHT, WIDTH), (0, 600, 800), (0, 0, 4)]
)
def test_a_frame_that_does_not_fit_the_block_is_refused(block, slot, height, width):
    reader = FrameReader(_announce(block))
    try:
        assert reader.read(_frame(1, slot, height, width)) is None
    finally:
        reader.close()


def test_a_block_that_is_gone_is_reported_not_raised(qtbot, feed):
    with qtbot.waitSignal(feed.noted) as noted:
        feed.accept(SharedMemory(name="emostudio-no-such-block", slot_bytes=4, slots=1))
    assert isinstance(noted.args[0], Note)


def test_counters_arrive_as_a_report(qtbot, feed):
    report = {"source": "synthetic", "frames": 7, "dropped": 1, "stages_ms": {}, "variants": []}
    with qtbot.waitSignal(feed.counters_changed) as changed:
        feed.accept(LiveCounters(report=report))
    assert changed.args[0].frames == 7


def test_malformed_counters_are_ignored(qtbot, feed):
    with qtbot.assertNotEmitted(feed.counters_changed):
        feed.accept(LiveCounters(report={"frames": "many"}))


def test_nothing_follows_the_terminal_event(qtbot, feed, block):
    feed.accept(_announce(block))
    feed.accept(_frame(1, slot=0))
    with qtbot.waitSignal(feed.ended) as ended:
        feed.accept(Cancelled())
    assert isinstance(ended.args[0], Cancelled)
    with qtbot.assertNotEmitted(feed.frame_arrived, wait=30):
        feed.accept(_frame(2, slot=0))


def test_a_worker_that_does_not_stop_is_killed_within_a_second(qtbot, feed):
    with qtbot.waitSignal(feed.stop_requested):
        feed.stop()
    with qtbot.waitSignal(feed.kill_requested, timeout=1000):
        pass


def test_a_worker_that_stops_in_time_is_not_killed(qtbot, feed):
    feed.stop()
    feed.accept(Finished())
    with qtbot.assertNotEmitted(feed.kill_requested, wait=1000):
        pass


def test_a_reader_that_exits_leaves_the_block_to_its_owner(block):
    script = "import sys\nfrom emostudio.qt.live_feed import attach\nattach(sys.argv[1]).close()\n"
    done = subprocess.run(
        [sys.executable, "-c", script, block.name], capture_output=True, text=True, check=True
    )
    assert "resource_tracker" not in done.stderr
    attach(block.name).close()
