"""Are the synthetic faces faces: detectors, foreign classifiers, a small CNN, and speed.

Networks are read from ``--models DIR`` (``face_detection_yunet*.onnx``,
``big_xception_fer2013.onnx``, ``mini_xception_fer2013.onnx``); what is not there is left out.
The CNN shows that drawings of unseen people can be learnt; it says nothing about photographs.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import torch
from harness import Row, run
from numpy.typing import NDArray
from torch import nn

from emostudio.core.emotions import EMOTIONS, Emotion
from emostudio.data.base import Split
from emostudio.data.synthetic.dataset import draw_faces, encode_picture
from emostudio.data.synthetic.renderer import GAZES, Camera, FaceRequest, render_cameras
from emostudio.data.synthetic.settings import SyntheticSettings

SEED = 2026
STRONG = (0.75, 1.0)
CANVAS, PORTRAIT = 320, 6.0
FOREIGN_ORDER = tuple(emotion for emotion in EMOTIONS if emotion is not Emotion.CONTEMPT)
CHANCE = 100 / len(FOREIGN_ORDER)
VIEWS: dict[str, tuple[Camera, ...]] = {
    "frontal": ("090",),
    "45 degrees": ("045", "135"),
    "profile": ("000", "180"),
}


def share_row(key: str, hits: int, total: int) -> Row:
    """Return a share in percent with its 95 % Wilson interval."""
    share, z = hits / total, 1.96
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    width = (
        z / (1 + z * z / total) * math.sqrt(share * (1 - share) / total + (z / (2 * total)) ** 2)
    )
    return Row(key, 100 * share, "%", (100 * (middle - width), 100 * (middle + width)))


def portraits(people: Sequence[int], camera: Camera) -> list[NDArray[np.uint8]]:
    """Draw one portrait per person, emotions in turn, face about 125 px wide."""
    return [
        render_cameras(
            FaceRequest(
                person, EMOTIONS[person % 8], seed=SEED, size=CANVAS, field_of_view=PORTRAIT,
                intensity=STRONG,
            ),
            (camera,),
        )[0]
        for person in people
    ]  # fmt: skip


def has_face(box: Sequence[float]) -> bool:
    """Whether a found box is the drawn face: its centre lies in the middle of the canvas."""
    x, y, width, height = box[:4]
    off = math.hypot(x + width / 2 - CANVAS / 2, y + height / 2 - CANVAS / 2)
    return off < CANVAS * 0.2 and 60 < width < 260


def haar_finders() -> dict[str, Callable[[NDArray[np.uint8]], bool]]:
    """Return the two frontal Haar cascades that come with OpenCV."""

    def finder(name: str) -> Callable[[NDArray[np.uint8]], bool]:
        cascade = cv2.CascadeClassifier(
            f"{cv2.data.haarcascades}haarcascade_frontalface_{name}.xml"
        )

        def find(image: NDArray[np.uint8]) -> bool:
            grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
            found = cascade.detectMultiScale(grey, 1.1, 3, minSize=(60, 60))
            return any(has_face(box) for box in found)

        return find

    return {"Haar default": finder("default"), "Haar alt2": finder("alt2")}


def yunet_finder(models: Path | None) -> dict[str, Callable[[NDArray[np.uint8]], bool]]:
    """Return YuNet if its file is there."""
    files = sorted(models.glob("face_detection_yunet*.onnx")) if models else []
    if not files:
        return {}
    content = np.frombuffer(files[0].read_bytes(), np.uint8)
    detector = cv2.FaceDetectorYN.create(
        "onnx", content, np.zeros(0, np.uint8), (CANVAS, CANVAS), 0.6
    )

    def find(image: NDArray[np.uint8]) -> bool:
        _, found = detector.detect(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        return found is not None and any(has_face(box) for box in found)

    return {"YuNet": find}


def detection_rows(models: Path | None, people: int) -> list[Row]:
    """Share of portraits found by each detector, by camera."""
    finders = haar_finders() | yunet_finder(models)
    rows = []
    for view, cameras in VIEWS.items():
        images = [image for camera in cameras for image in portraits(range(people), camera)]
        rows += [
            share_row(f"{name} finds {view}", sum(map(find, images)), len(images))
            for name, find in finders.items()
        ]
    return rows


def agreement_rows(models: Path | None, people: int) -> list[Row]:
    """Share of frontal faces to which networks trained on photographs give the drawn label."""
    rows: list[Row] = []
    for name in ("big_xception", "mini_xception"):
        file = models / f"{name}_fer2013.onnx" if models else None
        if file is None or not file.is_file():
            continue
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(file.read_bytes(), options)
        hits = {emotion: _hits(session, emotion, people) for emotion in FOREIGN_ORDER}
        mean = 100 * float(np.mean([count / people for count in hits.values()]))
        spread = (
            1.96
            * 100
            * math.sqrt(
                sum(n / people * (1 - n / people) / people for n in hits.values()) / len(hits) ** 2
            )
        )
        rows.append(Row(f"{name} agrees, class mean", mean, "%", (mean - spread, mean + spread)))
        rows += [share_row(f"{name} agrees, {e.value}", n, people) for e, n in hits.items()]
    if rows:
        rows.append(Row("agreement by chance", CHANCE, "%"))
    return rows


def _hits(session: onnxruntime.InferenceSession, emotion: Emotion, people: int) -> int:
    faces = [
        render_cameras(FaceRequest(p, emotion, seed=SEED, intensity=STRONG), ("090",))[0]
        for p in range(people)
    ]
    grey = np.stack([cv2.cvtColor(face, cv2.COLOR_RGB2GRAY) for face in faces])
    batch = grey[:, None].astype(np.float32) / 127.5 - 1
    answer = session.run(None, {session.get_inputs()[0].name: batch})[0]
    return int(np.count_nonzero(answer.argmax(axis=1) == FOREIGN_ORDER.index(emotion)))


def speed_rows(repeats: int) -> list[Row]:
    """Faces per second of processor time (one core), 64 x 64: median and quartiles.

    Processor time, because the drawing has one thread and waits for nothing: other programs then
    disturb through the caches only.
    """

    def rate(draw: Callable[[int], int], key: str) -> Row:
        rates = []
        for index in range(repeats):
            start = time.process_time()
            count = draw(index)
            rates.append(count / (time.process_time() - start))
        low, middle, high = np.percentile(rates, (25, 50, 75)).tolist()
        return Row(key, middle, "faces/s of one core", (low, high))

    def request(index: int, person: int) -> FaceRequest:
        return FaceRequest(person, EMOTIONS[index % 8], take=index, seed=SEED)

    for index in range(8):
        render_cameras(request(index, 0))
    return [
        rate(lambda i: len(render_cameras(request(i, 0))), "five-camera sets"),
        rate(lambda i: len(render_cameras(request(i, 0), ("090",))), "single views, same person"),
        rate(
            lambda i: len(render_cameras(request(i, i + 10**6), ("090",))),
            "single views, new people",
        ),
    ]


def learnability_rows(people: int, epochs: int) -> list[Row]:
    """Accuracy of a small CNN on people it never saw, eight classes, frontal and 45 degrees."""
    settings = SyntheticSettings(seed=SEED, identities=people, size=48, test_share=0.25)
    faces = list(draw_faces(settings))
    pixels = torch.from_numpy(np.stack([face.image for face in faces])).permute(0, 3, 1, 2)
    batch = pixels.float() / 127.5 - 1
    labels = torch.tensor([face.emotion.position for face in faces])
    is_test = torch.tensor([face.split is Split.TEST for face in faces])
    torch.manual_seed(0)
    network = _small_network()
    _train(network, batch[~is_test], labels[~is_test], epochs)
    network.eval()
    with torch.inference_mode():
        predicted = torch.cat([network(part).argmax(1) for part in batch[is_test].split(256)])
    right = int((predicted == labels[is_test]).sum())
    train_people = len({face.subject for face in faces if face.split is not Split.TEST})
    row = share_row("small CNN on unseen people", right, int(is_test.sum()))
    return [row, Row("small CNN, people trained on", train_people, "people")]


def _small_network() -> nn.Sequential:
    layers: list[nn.Module] = []
    channels = 3
    for width in (16, 32, 64, 96):
        layers += [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)]
        layers += [nn.ReLU(inplace=True), nn.MaxPool2d(2)]
        channels = width
    return nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.3), nn.Linear(96 * 9, 8))


def _train(network: nn.Module, batch: torch.Tensor, labels: torch.Tensor, epochs: int) -> None:
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=1e-3)
    steps = math.ceil(len(batch) / 64) * epochs
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=4e-3, total_steps=steps)
    loss_of = nn.CrossEntropyLoss()
    for _ in range(epochs):
        for chosen in torch.randperm(len(batch)).split(64):
            loss = loss_of(network(batch[chosen]), labels[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()


def contact_sheet(size: int = 96) -> NDArray[np.uint8]:
    """Draw eight emotions of six people, and two people from five sides with three gazes."""
    rows = [
        np.hstack(
            [
                render_cameras(
                    FaceRequest(person, e, seed=SEED, size=size, intensity=STRONG), ("090",)
                )[0]
                for e in EMOTIONS
            ]
        )
        for person in range(6)
    ]
    for person in (6, 7):
        views = render_cameras(
            FaceRequest(person, EMOTIONS[person - 3], seed=SEED, size=size, field_of_view=4.4)
        )
        gazes = [
            render_cameras(
                FaceRequest(person, Emotion.NEUTRAL, gaze=gaze, seed=SEED, size=size), ("090",)
            )[0]
            for gaze in GAZES
        ]
        rows.append(np.hstack(views + gazes))
    return np.vstack(rows)


def measure(arguments: argparse.Namespace) -> list[Row]:
    """Run all four parts on one thread."""
    cv2.setNumThreads(1)
    if arguments.sheet:
        arguments.sheet.write_bytes(encode_picture(contact_sheet()))
    torch.set_num_threads(1)
    quick = arguments.quick
    rows = speed_rows(60 if quick else 300)
    rows += detection_rows(arguments.models, 40 if quick else 100)
    rows += agreement_rows(arguments.models, 40 if quick else 100)
    rows += learnability_rows(*((40, 6) if quick else (100, 8)))
    return rows


def options(parser: argparse.ArgumentParser) -> None:
    """Add the folder of foreign networks."""
    parser.add_argument("--sheet", type=Path, help="also write a contact sheet (JPEG) here")
    shared = Path(__file__).resolve().parents[2] / "shared" / "models"
    parser.add_argument(
        "--models",
        type=Path,
        default=shared if shared.is_dir() else None,
        help="folder with the detector and classifiers (default: shared/models beside the project)",
    )


if __name__ == "__main__":
    run("synthetic_faces", __doc__, measure, options)
