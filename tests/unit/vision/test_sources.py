import cv2
import numpy as np
import pytest

from emostudio.core.emotions import EMOTIONS
from emostudio.core.errors import InputError
from emostudio.vision.base import SourceError
from emostudio.vision.catalogue import SOURCES, choose_source
from emostudio.vision.sources import camera
from emostudio.vision.sources.camera import Camera, CameraCapture, find_camera


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for value in (10, 20):
        image = np.full((300, 400, 3), value, np.uint8)
        (folder / f"{value}.png").write_bytes(cv2.imencode(".png", image)[1].tobytes())
    (folder / "15.png").write_bytes(b"broken")
    return folder


@pytest.fixture
def video(tmp_path):
    path = tmp_path / "video.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 100, (64, 48))
    for value in (40, 120, 200):
        writer.write(np.full((48, 64, 3), value, np.uint8))
    writer.release()
    return path


def read(argument, count):
    capture = choose_source(argument).open()
    try:
        return [capture.read() for _ in range(count)]
    finally:
        capture.close()


def test_the_sources_are_there():
    assert {"synthetic", "camera", "video_file", "image_folder", "stream"} <= set(SOURCES.members())


@pytest.mark.parametrize("source", SOURCES.members().values(), ids=lambda source: source.key)
def test_every_source_describes_itself(source):
    assert source.title
    assert source.summary
    assert isinstance(source.why_unavailable(), str)
    for field in source.settings_type.model_json_schema()["properties"].values():
        assert field["title"]
        assert field["description"]


def test_the_synthetic_camera_knows_the_truth():
    (frame,) = read("synthetic:width=160,height=120,seed=2,fps=60", 1)
    assert frame.image.shape == (120, 160, 3)
    assert frame.truth
    (left, top, width, height), emotion = frame.truth[0]
    assert 0 <= left < left + width <= 160
    assert 0 <= top < top + height <= 120
    assert emotion in EMOTIONS


def test_a_folder_of_pictures_goes_round_and_passes_over_broken_ones(pictures):
    frames = read(f"image_folder:{pictures}", 1)
    capture = SOURCES.get("image_folder").open(
        str(pictures), SOURCES.get("image_folder").settings_type(fps=120)
    )
    values = [int(capture.read().image[0, 0, 0]) for _ in range(5)]
    assert values == [10, 20, 10, 20, 10]
    assert frames[0].image.shape == (300, 400, 3)


def test_a_path_is_enough_for_a_folder_a_picture_and_a_video(pictures, video):
    assert choose_source(str(pictures)).key == "image_folder"
    assert choose_source(str(pictures / "10.png")).key == "image_folder"
    assert choose_source(str(video)).key == "video_file"


def test_a_single_picture_is_shown_over_and_over(pictures):
    source = SOURCES.get("image_folder")
    capture = source.open(str(pictures / "20.png"), source.settings_type(fps=120))
    assert [int(capture.read().image[0, 0, 0]) for _ in range(3)] == [20, 20, 20]


def test_a_folder_of_broken_pictures_ends_with_a_message(tmp_path):
    (tmp_path / "a.png").write_bytes(b"broken")
    with pytest.raises(SourceError, match="can be decoded"):
        read(str(tmp_path), 1)


def test_a_video_plays_in_rgb_and_begins_again(video):
    frames = read(str(video), 4)
    levels = [int(frame.image.mean()) for frame in frames]
    assert levels[0] < levels[1] < levels[2]
    assert abs(levels[3] - levels[0]) <= 1


def test_a_file_that_is_no_video_is_refused(tmp_path):
    path = tmp_path / "x.mp4"
    path.write_bytes(b"garbage" * 50)
    with pytest.raises(InputError, match="cannot be played"):
        read(str(path), 1)


@pytest.mark.parametrize(
    "argument", ["nowhere", "video_file:/nowhere.mp4", "image_folder:/nowhere"]
)
def test_a_source_that_is_not_there_is_refused(argument):
    with pytest.raises(InputError):
        read(argument, 1)


@pytest.mark.parametrize(
    "argument", ["file:///etc/passwd", "pipe://0", "stream:nowhere", "rtsp://host/\u4e2d\ud800"]
)
def test_only_addresses_of_streams_are_opened(argument):
    with pytest.raises(InputError, match="no address of a stream"):
        read(argument, 1)


def test_an_address_may_hold_any_sign_of_a_query():
    assert choose_source("http://127.0.0.1:1/video?size=320,240").key == "stream"


def test_a_host_that_does_not_answer_is_said_so():
    with pytest.raises(InputError, match="could not be opened"):
        read("http://127.0.0.1:1/video?size=320", 1)


def test_bad_settings_of_a_source_are_refused():
    with pytest.raises(InputError, match="width"):
        choose_source("synthetic:width=3")
    with pytest.raises(InputError, match="Bad settings"):
        choose_source("synthetic:width=300,fast")


def test_no_camera_is_said_in_plain_words(monkeypatch):
    monkeypatch.setattr(camera, "cameras", list)
    assert SOURCES.get("camera").why_unavailable() == "no camera was found"
    with pytest.raises(InputError, match="No camera was found"):
        choose_source("camera").open()


def test_a_camera_is_found_by_index_and_by_name():
    found = [Camera(0, "Laptop Camera"), Camera(2, "Logitech C920")]
    assert find_camera("", found).index == 0
    assert find_camera("2", found).name == "Logitech C920"
    assert find_camera("logitech", found).index == 2
    with pytest.raises(InputError, match="no camera 1"):
        find_camera("1", found)


def test_a_camera_that_cannot_be_opened_is_said_to_be_busy_or_denied(monkeypatch):
    class Closed:
        def isOpened(self):  # noqa: N802 - OpenCV's name
            return False

    monkeypatch.setattr(camera, "cameras", lambda: [Camera(77, "Fake")])
    monkeypatch.setattr(camera.cv2, "VideoCapture", lambda *args: Closed())
    with pytest.raises(InputError, match="Fake could not be opened"):
        choose_source("camera").open()


class FakeDevice:
    def __init__(self, images):
        self.images = list(images)
        self.is_released = False

    def grab(self):
        return bool(self.images)

    def retrieve(self):
        image = self.images.pop(0)
        return image is not None, image

    def release(self):
        self.is_released = True


def test_a_cameras_picture_becomes_rgb():
    blue = np.zeros((48, 64, 3), np.uint8)
    blue[:, :, 0] = 255
    frame = CameraCapture(FakeDevice([blue]), "Fake").read()
    assert frame.image[0, 0].tolist() == [0, 0, 255]


@pytest.mark.parametrize("images", [[], [None]])
def test_an_unplugged_camera_is_noticed(images):
    with pytest.raises(SourceError, match="Fake gives"):
        CameraCapture(FakeDevice(images), "Fake").read()


def test_a_camera_that_repeats_its_last_picture_is_noticed():
    same = np.full((48, 64, 3), 7, np.uint8)
    clock = iter(range(100))
    capture = CameraCapture(FakeDevice([same] * 10), "Fake", clock=lambda: float(next(clock)))
    with pytest.raises(SourceError, match="repeats"):
        list(iter(capture.read, None))


def test_a_camera_before_a_changing_scene_is_not_suspected():
    images = [np.full((48, 64, 3), value, np.uint8) for value in range(1, 21)]
    clock = iter(range(100))
    capture = CameraCapture(FakeDevice(images), "Fake", clock=lambda: float(next(clock)))
    assert len([capture.read() for _ in range(20)]) == 20
