import threading
import time

import numpy as np
import pytest

from emostudio.core.errors import InputError
from emostudio.vision.base import Frame, SourceError
from emostudio.vision.grabbing import Grabber, Patience

QUICK = Patience(first_s=0.4, next_s=0.1, retry_s=0.02)


def picture(value):
    return Frame(np.full((8, 8, 3), value % 256, np.uint8))


class FakeCapture:
    """Plays a script: a number is a frame, an exception is raised, an event is waited for."""

    def __init__(self, script):
        self.script = iter(script)
        self.is_closed = False

    def read(self):
        entry = next(self.script, None)
        if entry is None:
            time.sleep(0.01)
            return picture(255)
        if isinstance(entry, threading.Event):
            entry.wait(5)
            return picture(99)
        if isinstance(entry, Exception):
            raise entry
        return picture(entry)

    def close(self):
        self.is_closed = True


def take_one(grabber, timeout_s=3.0):
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        frame = grabber.take(0.02)
        if frame is not None:
            return frame
    raise AssertionError("no frame came")


@pytest.fixture
def start():
    grabbers = []

    def build(*captures, patience=QUICK):
        opened = iter(captures)

        def open_next():
            capture = next(opened, None) or FakeCapture([])
            if isinstance(capture, Exception):
                raise capture
            return capture

        grabber = Grabber(open_next, patience)
        grabbers.append(grabber)
        grabber.start()
        return grabber

    yield build
    for grabber in grabbers:
        grabber.close()


def test_the_newest_frame_wins_and_overtaken_ones_are_counted(start):
    held = threading.Event()
    grabber = start(FakeCapture([1, 2, 3, held]))
    while grabber.dropped < 2:
        time.sleep(0.001)
    assert grabber.take(1.0).image[0, 0, 0] == 3
    assert grabber.dropped == 2
    held.set()


def test_a_taken_frame_is_not_handed_out_twice(start):
    held = threading.Event()
    grabber = start(FakeCapture([1, held]))
    assert grabber.take(1.0) is not None
    assert grabber.take(0.02) is None
    held.set()


def test_a_source_that_cannot_be_opened_says_why(start):
    grabber = start(InputError("No camera was found"))
    with pytest.raises(InputError, match="No camera"):
        take_one(grabber)


def test_a_source_that_never_gives_a_first_frame_is_given_up(start):
    broken = [FakeCapture([SourceError("it gives empty pictures")]) for _ in range(5)]
    with pytest.raises(SourceError, match="empty pictures"):
        take_one(start(*broken))


def test_an_unplugged_source_is_reported_and_opened_again(start):
    first = FakeCapture([1, SourceError("the camera gives no picture", why="unplugged")])
    gone = InputError("No camera was found")
    grabber = start(first, gone, gone, FakeCapture([7]))
    assert take_one(grabber) is not None
    messages = set()
    deadline = time.monotonic() + 3
    while (frame := grabber.take(0.02)) is None and time.monotonic() < deadline:
        messages.add(grabber.message)
    assert frame is not None
    assert any("unplugged" in message for message in messages)
    assert grabber.message == ""
    assert first.is_closed


def test_a_hundred_unplugs_leave_no_threads_behind(start):
    before = threading.active_count()
    captures = [FakeCapture([1, SourceError("gone")]) for _ in range(100)]
    grabber = start(*captures, FakeCapture([]), patience=Patience(0.4, 0.1, 0.0))
    while not all(capture.is_closed for capture in captures):
        grabber.take(0.005)
    assert take_one(grabber) is not None
    assert threading.active_count() <= before + 2
    grabber.close()
    assert threading.active_count() <= before


def test_a_read_that_hangs_is_left_behind_and_the_source_opened_again(start):
    hanging = threading.Event()
    grabber = start(FakeCapture([1, hanging]), InputError("still held"), FakeCapture([7]))
    assert take_one(grabber).image[0, 0, 0] == 1
    messages = set()
    while (frame := grabber.take(0.02)) is None:
        messages.add(grabber.message)
    assert frame.image[0, 0, 0] in {7, 255}
    assert "still held. Trying again" in messages
    assert "The source gives no picture. Trying again" in messages
    hanging.set()


def test_a_late_frame_of_a_thread_that_was_given_up_is_ignored(start):
    hanging, second = threading.Event(), threading.Event()
    grabber = start(FakeCapture([1, hanging]), FakeCapture([7, second]))
    take_one(grabber)
    assert take_one(grabber).image[0, 0, 0] == 7
    hanging.set()
    time.sleep(0.05)
    assert grabber.take(0.02) is None
    second.set()


def test_closing_lets_go_of_the_source(start):
    capture = FakeCapture([])
    grabber = start(capture)
    take_one(grabber)
    grabber.close()
    assert capture.is_closed
