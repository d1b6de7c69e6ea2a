import threading

import pytest

from emostudio.core.errors import JobCancelled
from emostudio.worker.control import JobControl


def test_reports_reach_the_listener():
    heard = []
    JobControl(heard.append).report(0.5, "half")
    assert [(event.fraction, event.message) for event in heard] == [(0.5, "half")]


def test_frequent_reports_are_thinned_out():
    heard = []
    control = JobControl(heard.append)
    for number in range(1000):
        control.report(number / 1000, "")
    assert len(heard) < 100


def test_a_cancelled_job_learns_of_it_through_report():
    control = JobControl()
    control.cancel()
    with pytest.raises(JobCancelled):
        control.report(0.0, "")


def test_a_cancel_from_another_process_is_a_file(tmp_path):
    control = JobControl()
    request = tmp_path / "cancel.request"
    control.attach(request, lambda event: None, lambda paused: None)
    assert not control.is_cancelled
    control._next_poll_s = 0.0
    request.write_text("")
    assert control.is_cancelled
    assert not request.exists()


def test_a_paused_job_stands_still_until_it_is_resumed(tmp_path):
    states = []
    control = JobControl()
    control.attach(tmp_path / "none", lambda event: None, states.append)
    control.pause()
    released = threading.Thread(target=control.wait_while_paused)
    released.start()
    released.join(0.05)
    assert released.is_alive()
    control.resume()
    released.join(5)
    assert not released.is_alive()
    assert states == [True, False]


def test_cancel_ends_a_pause():
    control = JobControl()
    control.pause()
    control.cancel()
    control.wait_while_paused()
    assert control.is_cancelled


def test_a_checkpoint_request_is_taken_once():
    control = JobControl()
    control.checkpoint()
    assert control.take_checkpoint_request()
    assert not control.take_checkpoint_request()
