import time
from itertools import islice

import numpy as np
import pytest

from emostudio.core.answers import LiveReport
from emostudio.core.emotions import Emotion
from emostudio.core.errors import InputError, JobCancelled
from emostudio.core.events import Finished, LiveCounters, LiveFrame, SharedMemory, event_line
from emostudio.core.job_context import JobContext
from emostudio.core.model_info import ModelInfo, Preprocessing
from emostudio.inference.classifier import Classifier
from emostudio.vision.base import Frame, SourceError
from emostudio.vision.catalogue import ChosenSource
from emostudio.vision.counters import VariantCounter
from emostudio.vision.grabbing import Patience
from emostudio.vision.pipeline import LiveSetup, run
from emostudio.vision.shared_frames import SharedFrames

LABELS = (Emotion.ANGER, Emotion.HAPPINESS)
FACE = (8, 8, 16, 16)


class FakeSession:
    """Names happiness where the face is bright, or the opposite."""

    engine = "fake"
    kernels = "real"

    def __init__(self, log, name, is_opposite=False, wait_s=0.0):
        self.log, self.name, self.sign, self.wait_s = log, name, -1 if is_opposite else 1, wait_s

    def run(self, batch):
        self.log.append((self.name, batch.copy()))
        time.sleep(self.wait_s)
        bright = (batch.mean(axis=(1, 2, 3)) - 0.5) * self.sign
        return np.stack([-bright, bright], axis=1).astype(np.float32)

    def close(self):
        pass


class FakeFinder:
    def __init__(self, faces=(FACE,), every=1):
        self.faces, self.every, self.searches = list(faces), every, 0

    def find(self, image):
        self.searches += 1
        return self.faces


class FakeCapture:
    def __init__(self, frames, wait_s=0.002):
        self.frames, self.wait_s = iter(frames), wait_s

    def read(self):
        time.sleep(self.wait_s)
        frame = next(self.frames, None)
        if frame is None:
            raise SourceError("the fake is unplugged")
        return frame

    def close(self):
        pass


def bright_faces(count, truth=Emotion.HAPPINESS):
    image = np.full((32, 40, 3), 220, np.uint8)
    return [Frame(image, ((FACE, truth),) if truth else ()) for _ in range(count)]


def variant(log, name, labels=LABELS, **options):
    info = ModelInfo(
        name=name,
        architecture="fake",
        labels=labels,
        preprocessing=Preprocessing(height=8, width=8, channels=1),
    )
    return name, Classifier(FakeSession(log, name, **options), info)


@pytest.fixture
def setup():
    log = []

    def build(frames, *, open_capture=None, **options):
        source = ChosenSource("fake", "fake", open_capture or (lambda: FakeCapture(frames)))
        settings = {
            "finder": FakeFinder(),
            "variants": [variant(log, "a"), variant(log, "b", is_opposite=True)],
            "seconds": 0.4,
            "patience": Patience(0.5, 0.2, 0.05),
        }
        return LiveSetup(source, **{**settings, **options})

    build.log = log
    return build


@pytest.fixture
def context(tmp_path):
    return JobContext(tmp_path)


def report_of(events):
    assert isinstance(events[-1], Finished)
    return LiveReport.model_validate(events[-1].result)


def test_a_view_ends_with_its_report(setup, context):
    report = report_of(list(run(setup(bright_faces(5000)), context)))
    assert report.frames > 0
    assert report.faces == report.frames
    assert report.source == "fake"
    assert {"grab", "detect", "crop", "classify"} <= set(report.stages_ms)
    assert [v.model for v in report.variants] == ["a", "b"]
    assert all(v.inferences == report.faces for v in report.variants)
    assert all(v.latency_ms.p50 > 0 for v in report.variants)


def test_accuracy_is_against_the_truth_and_agreement_with_the_first_variant(setup, context):
    report = report_of(list(run(setup(bright_faces(5000)), context)))
    assert report.variants[0].accuracy == 1.0
    assert report.variants[1].accuracy == 0.0
    assert report.variants[0].agreement is None
    assert report.variants[1].agreement == 0.0


def test_without_truth_there_is_no_accuracy(setup, context):
    report = report_of(list(run(setup(bright_faces(5000, truth=None)), context)))
    assert report.variants[0].accuracy is None


def test_a_true_emotion_the_variant_has_no_class_for_is_not_counted(setup, context):
    report = report_of(list(run(setup(bright_faces(5000, Emotion.CONTEMPT)), context)))
    assert report.variants[0].accuracy is None


def test_agreement_is_by_name_where_label_orders_differ(setup, context):
    log = setup.log
    flipped = variant(log, "c", labels=LABELS[::-1], is_opposite=True)
    report = report_of(
        list(run(setup(bright_faces(5000), variants=[variant(log, "a"), flipped]), context))
    )
    assert report.variants[1].agreement == 1.0


def test_all_variants_get_the_same_pixels_and_take_turns_at_going_first(setup, context):
    list(run(setup(bright_faces(5000)), context))
    live = setup.log[4:]  # after two warm-up runs of each
    pairs = list(zip(live[::2], live[1::2], strict=False))
    for (name, pixels), (other, same) in pairs:
        assert name != other
        np.testing.assert_array_equal(pixels, same)
    assert {first[0] for first, _ in pairs} == {"a", "b"}


def test_frames_are_announced_placed_and_described(setup, context):
    with SharedFrames() as sink:
        events = list(run(setup(bright_faces(5000), sink=sink), context))
    assert isinstance(events[0], SharedMemory)
    frames = [event for event in events if isinstance(event, LiveFrame)]
    assert [frame.number for frame in frames] == list(range(len(frames)))
    assert (frames[0].height, frames[0].width) == (32, 40)
    assert frames[0].faces == (FACE,)
    assert frames[0].truth == ("happiness",)
    assert len(frames[0].probabilities) == 2
    assert sum(frames[0].probabilities[0][0]) == pytest.approx(1.0, abs=1e-5)
    assert all(event_line(event) for event in events)


def test_counters_come_while_it_runs(setup, context):
    events = list(run(setup(bright_faces(5000), seconds=1.2), context))
    counters = [event for event in events if isinstance(event, LiveCounters)]
    assert counters
    assert LiveReport.model_validate(counters[0].report).frames > 0


def test_at_most_eight_faces_are_classified_and_the_rest_is_mentioned(setup, context):
    faces = [(x, y, 8, 8) for x in range(0, 32, 4) for y in range(0, 24, 5)]
    finder = FakeFinder(faces)
    report = report_of(list(run(setup(bright_faces(5000), finder=finder), context)))
    assert report.faces == 8 * report.frames
    assert f"{len(faces) - 8} more" in report.message


def test_frames_without_faces_cost_no_inference(setup, context):
    report = report_of(list(run(setup(bright_faces(5000), finder=FakeFinder([])), context)))
    assert report.frames > 0
    assert report.faces == 0
    assert report.variants[0].latency_ms is None


def test_faces_stay_put_between_two_searches(setup, context):
    finder = FakeFinder(every=3)
    report = report_of(list(run(setup(bright_faces(5000), finder=finder), context)))
    assert finder.searches == -(-report.frames // 3)
    assert report.faces == report.frames


def test_a_detector_that_fails_is_reported_and_survived(setup, context):
    class Broken(FakeFinder):
        def find(self, image):
            raise RuntimeError("no such layer")

    report = report_of(list(run(setup(bright_faces(5000), finder=Broken()), context)))
    assert report.frames > 0
    assert "no such layer" in report.message


def test_slow_variants_drop_frames_instead_of_falling_behind(setup, context):
    slow = [variant(setup.log, "slow", wait_s=0.03)]
    report = report_of(list(run(setup(bright_faces(5000), variants=slow), context)))
    assert report.dropped > report.frames


def test_an_unplugged_source_comes_back_and_the_view_goes_on(setup, context):
    captures = iter([FakeCapture(bright_faces(3)), FakeCapture(bright_faces(5000))])
    view = setup([], open_capture=lambda: next(captures), seconds=0.8)
    report = report_of(list(run(view, context)))
    assert report.frames > 3
    assert report.message == ""


def test_a_view_without_a_source_fails_with_its_reason(setup, context):
    def refuse():
        raise InputError("No camera was found")

    with pytest.raises(InputError, match="No camera"):
        list(run(setup([], open_capture=refuse), context))


def test_a_view_without_variants_is_refused(setup, context):
    with pytest.raises(InputError, match="at least one variant"):
        list(run(setup([], variants=[]), context))


def test_closing_the_generator_switches_the_source_off(setup, context):
    closed = []

    class Watched(FakeCapture):
        def close(self):
            closed.append(True)

    view = setup([], open_capture=lambda: Watched(bright_faces(5000)), sink=SharedFrames())
    events = run(view, context)
    list(islice(events, 3))
    events.close()
    view.sink.close()
    assert closed == [True]


def test_a_cancelled_view_stops(setup, tmp_path):
    def report(fraction, message):
        raise JobCancelled("cancelled")

    with pytest.raises(JobCancelled):
        list(run(setup(bright_faces(5000)), JobContext(tmp_path, report=report)))


def test_solo_fps_counts_the_shared_stages_and_only_the_variants_own_time():
    counter = VariantCounter("a", "fake", LABELS)
    for _ in range(10):
        counter.add_latency(4.0)
        counter.add_frame(8.0)
    told = counter.report(shared_ms=12.0)
    assert told.fps == pytest.approx(50.0)
    assert told.latency_ms.p50 == 4.0


def test_percentiles_without_enough_faces_are_not_shown():
    counter = VariantCounter("a", "fake", LABELS)
    counter.add_latency(1.0)
    assert counter.report(1.0).latency_ms.p95 is None
    for _ in range(200):
        counter.add_latency(1.0)
    assert counter.report(1.0).latency_ms.p95 == 1.0
