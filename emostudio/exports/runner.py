#!/usr/bin/env python3
"""Classify pictures with a model exported by EmoStudio: an .onnx or .ort file, or a folder.

This file stands alone: copy it wherever Python, numpy and onnxruntime are. Pictures are read with
Pillow or OpenCV if one is installed; PGM and PPM files need neither.

    python emostudio_runner.py MODEL PICTURE...
    python emostudio_runner.py MODEL --describe

A picture should show one face, cropped. The file itself says everything else.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

MANIFEST = "manifest.json"
LARGEST_SIDE, SMALLEST_SIDE, LARGEST_RATIO, MOST_PIXELS = 256, 8, 10, 2**24
_BATCH = 32
_GREY = (9798, 19235, 3735)  # of 32768: how EmoStudio weighs red, green and blue
_MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"RIFF", b"BM", b"II*\x00", b"MM\x00*")
_MODES = {"1": "L", "LA": "RGBA", "P": "RGB", "YCbCr": "RGB", "L": "L", "RGB": "RGB"}
_MODES |= {mode: mode for mode in ("RGBA", "I;16", "I;16B")}
"""What Pillow's modes become; others, such as CMYK, EmoStudio refuses."""
_NETPBM = re.compile(rb"P[56]" + rb"(?:\s|#[^\n]*\n)+(\d+)" * 3 + rb"\s")


class ModelError(Exception):
    """The file is no model exported by EmoStudio, or a picture cannot be read."""


@dataclass(frozen=True)
class Facts:
    """What the file says about itself; `labels` are in the order of the outputs.

    `resize` is the side of the square that a picture is scaled to before its middle is taken, 0 for
    no crop; `outputs` is ``logits`` or ``probabilities``.
    """

    labels: tuple[str, ...]
    height: int
    width: int
    channels: int
    resize: int
    outputs: str

    @classmethod
    def of(cls, metadata: Mapping[str, str]) -> Facts:
        """Read them from the metadata of a file or manifest."""
        try:
            return cls(
                labels=tuple(metadata["labels"].split(",")),
                height=int(metadata["input_height"]),
                width=int(metadata["input_width"]),
                channels=int(metadata["input_channels"]),
                resize=int(metadata.get("resize", "0")),
                outputs=metadata["outputs"],
            )
        except (KeyError, ValueError) as error:
            raise ModelError(f"The file was not exported by EmoStudio: {error}") from error


class Model:
    """An exported model: one graph, or segments that are run until one answers.

    Parameters
    ----------
    path
        The .onnx or .ort file, or the folder with a manifest.
    threads
        CPU threads within one operator.
    confidence
        For segments: stop at the first whose highest probability reaches it. None keeps the
        thresholds the model was exported with.
    """

    def __init__(self, path: Path, threads: int = 1, confidence: float | None = None) -> None:
        self.metadata, files = _parts(Path(path))
        self._sessions = [_session(file, threads) for file in files]
        if not self.metadata:
            self.metadata = self._sessions[0].get_modelmeta().custom_metadata_map
        self.facts = Facts.of(self.metadata)
        self.confidence = confidence

    @property
    def segment_count(self) -> int:
        """Number of graphs; 1 unless the model can answer early."""
        return len(self._sessions)

    def run(self, pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return outputs (N, K) and the segment that answered (N,) for pixels (N, H, W, C)."""
        slices = [pixels[start : start + _BATCH] for start in range(0, len(pixels), _BATCH)]
        found = [self._run(part) for part in slices]
        return np.concatenate([one[0] for one in found]), np.concatenate([one[1] for one in found])

    def classify(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Return probabilities (N, K) for pictures (H, W) or (H, W, 3) of any size."""
        pixels = np.stack([to_pixels(image, self.facts) for image in images])
        return self.probabilities(self.run(pixels)[0])

    def probabilities(self, outputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return probabilities (N, K) for what the model said."""
        return outputs if self.facts.outputs == "probabilities" else softmax(outputs)

    def _run(self, pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        features: NDArray[Any] = pixels.transpose(0, 3, 1, 2).astype(np.float32)
        answers = np.zeros((len(pixels), len(self.facts.labels)), dtype=np.float32)
        exits = np.full(len(pixels), len(self._sessions) - 1, dtype=np.int64)
        left = np.arange(len(pixels))
        for number, session in enumerate(self._sessions[:-1]):
            features, logits, accepted = _run(session, features)
            if self.confidence is not None:
                accepted = softmax(logits).max(axis=1) >= self.confidence
            answers[left[accepted]] = logits[accepted]
            exits[left[accepted]] = number
            features, left = features[~accepted], left[~accepted]
            if not len(left):
                return answers, exits
        answers[left] = self._in_slices(self._sessions[-1], features)
        return answers, exits

    def _in_slices(self, session: Any, features: NDArray[Any]) -> NDArray[np.float32]:
        """Run a graph, if need be in slices of the batch size it insists on."""
        size = session.get_inputs()[0].shape[0]
        if not isinstance(size, int) or size < 1 or size == len(features):
            first: NDArray[np.float32] = _run(session, features)[0]
            return first
        parts = []
        for start in range(0, len(features), size):
            part = features[start : start + size]
            padding = np.repeat(part[-1:], size - len(part), axis=0)
            full = np.concatenate([part, padding])
            parts.append(_run(session, full)[0][: len(part)])
        return np.concatenate(parts)


def softmax(logits: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Return probabilities (N, K) for logits (N, K)."""
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    shares: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return shares.astype(np.float32)


def to_pixels(image: NDArray[np.uint8], facts: Facts) -> NDArray[np.uint8]:
    """Bring a picture (H, W) or (H, W, 3) to the model's input (height, width, channels)."""
    image = image[:, :, np.newaxis] if image.ndim == 2 else image
    longest = max(image.shape[:2])
    if longest > LARGEST_SIDE:  # as EmoStudio keeps its pictures
        scale = LARGEST_SIDE / longest
        image = resized(image, *(max(1, round(side * scale)) for side in image.shape[:2]))
    if facts.channels == 1 and image.shape[2] == 3:
        grey = image.astype(np.int64) @ np.array(_GREY) + (1 << 14) >> 15
        image = grey[:, :, np.newaxis].astype(np.uint8)
    image = resized(image, facts.resize or facts.height, facts.resize or facts.width)
    top, left = (image.shape[0] - facts.height) // 2, (image.shape[1] - facts.width) // 2
    image = image[top : top + facts.height, left : left + facts.width]
    return np.repeat(image, 3, axis=2) if image.shape[2] < facts.channels else image


def resized(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Resize (H, W, C): by area where both sides shrink, else linearly."""
    if image.shape[:2] == (height, width):
        return image
    if image.shape[0] < height or image.shape[1] < width:
        return _linear(image, height, width)
    rows, columns = _area_weights(image.shape[0], height), _area_weights(image.shape[1], width)
    found = np.tensordot(rows, image.astype(np.float32), (1, 0))
    found = np.tensordot(columns, found, (1, 1)).transpose(1, 0, 2)
    # OpenCV rounds halves up where it takes the mean of four, and to even numbers elsewhere.
    is_half = image.shape[:2] == (2 * height, 2 * width)
    levels = np.floor(found + 0.5) if is_half else np.rint(found)
    return np.clip(levels, 0, 255).astype(np.uint8)


def _area_weights(old: int, new: int) -> NDArray[np.float32]:
    edges = np.arange(new + 1) * (old / new)
    cells = np.arange(old)
    upper = np.minimum(cells[np.newaxis] + 1, edges[1:, np.newaxis])
    lower = np.maximum(cells[np.newaxis], edges[:-1, np.newaxis])
    covered = np.clip(upper - lower, 0.0, None)
    weights: NDArray[np.float64] = covered / covered.sum(axis=1, keepdims=True)
    return weights.astype(np.float32)


def _linear(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Resize in OpenCV's integers, which EmoStudio's pictures went through."""
    top, down, up = _linear_taps(image.shape[0], height)
    left, right, back = _linear_taps(image.shape[1], width)
    levels = image.astype(np.int64)
    beside, below = np.minimum(left + 1, image.shape[1] - 1), np.minimum(top + 1, len(image) - 1)
    lines = levels[:, left] * back[:, np.newaxis] + levels[:, beside] * right[:, np.newaxis]
    first, second = lines[top] >> 4, lines[below] >> 4
    upper = up[:, np.newaxis, np.newaxis] * first >> 16
    lower = down[:, np.newaxis, np.newaxis] * second >> 16
    found: NDArray[np.uint8] = np.clip(upper + lower + 2 >> 2, 0, 255).astype(np.uint8)
    return found


def _linear_taps(old: int, new: int) -> tuple[NDArray[np.int64], ...]:
    """Return the first of two neighbours, and the weights of the second and first, of 2048."""
    centres = ((np.arange(new) + 0.5) * (old / new) - 0.5).astype(np.float32)
    first = np.floor(centres).astype(np.int64)
    share = np.where((first < 0) | (first >= old - 1), np.float32(0), centres - first)
    second_weight = np.rint(share * 2048).astype(np.int64)
    first_weight = np.rint((1 - share) * 2048).astype(np.int64)
    return np.clip(first, 0, old - 1), second_weight, first_weight


def read_picture(path: Path) -> NDArray[np.uint8]:
    """Return a picture's pixels, (H, W) grey or (H, W, 3) RGB, refused where EmoStudio would."""
    try:
        if not Path(path).is_file():  # opening a pipe would wait for ever
            raise ModelError("there is no such plain file")  # noqa: TRY301 - the name is added below
        content = Path(path).read_bytes()
        image = _netpbm(content) if content[:2] in {b"P5", b"P6"} else _decoded(content)
        _check_size(*image.shape[:2])
    except Exception as error:  # Pillow and OpenCV raise many types
        raise ModelError(f"{path} cannot be read: {error or type(error).__name__}") from error
    return image


def _check_size(height: int, width: int) -> None:
    short, long = sorted((height, width))
    if short < SMALLEST_SIDE or long > LARGEST_RATIO * short or long * short > MOST_PIXELS:
        raise ModelError(f"it is too small, too large or too narrow: {width} x {height} pixels")


def _decoded(content: bytes) -> NDArray[np.uint8]:
    if not content.startswith(_MAGIC):
        raise ModelError("it is not a picture of a supported format")
    check = {b"\xff\xd8": _check_jpeg, b"\x89P": _check_png}.get(content[:2])
    if check is not None:
        check(content)
    try:
        from PIL import Image, ImageOps
    except ImportError:
        return _plain(_with_opencv(content))
    with Image.open(io.BytesIO(content)) as opened:
        mode = _MODES.get(opened.mode)
        _check_size(opened.height, opened.width)
        if mode is None or (mode == "RGBA" and opened.format == "TIFF"):
            raise ModelError(
                f"it is a {opened.format} picture of mode {opened.mode}; convert to RGB"
            )
        if (mode, opened.format) == ("RGB", "PNG") and "transparency" in opened.info:
            mode = "RGBA"
        turned = ImageOps.exif_transpose(opened)
        return _plain(np.asarray(turned if turned.mode == mode else turned.convert(mode)))


def _with_opencv(content: bytes) -> NDArray[Any]:
    try:
        import cv2
    except ImportError as error:
        raise ModelError("install Pillow, or convert it to PPM") from error
    buffer = np.frombuffer(content, np.uint8)
    stored = cv2.imdecode(buffer, cv2.IMREAD_UNCHANGED)
    turned = cv2.imdecode(buffer, cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH)  # but without alpha
    is_clear = (
        stored is not None and stored.shape[2:] == (4,) and not np.all(stored[:, :, 3] == 255)
    )
    if turned is None or is_clear:
        raise ModelError("it is damaged or transparent; install Pillow to read it")
    return np.asarray(turned if turned.ndim == 2 else turned[:, :, ::-1])


def _plain(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Reduce 16 bits to 8 and lay transparency over grey."""
    if pixels.dtype == np.uint16:
        pixels = np.rint(pixels / 257.0).astype(np.uint8)
    if pixels.dtype != np.uint8:
        raise ModelError(f"it has pixels of type {pixels.dtype}; convert it to 8 bits")
    if pixels.shape[2:] != (4,):
        return pixels
    share = pixels[:, :, 3:].astype(np.float32) / 255.0
    mixed: NDArray[np.float32] = pixels[:, :, :3] * share + 128 * (1.0 - share)
    return np.rint(mixed).astype(np.uint8)


def _check_jpeg(content: bytes) -> None:
    place, marker = 2, 0
    while marker != 0xDA:
        marker, length = content[place + 1], int.from_bytes(content[place + 2 : place + 4], "big")
        if marker in {0xC0, 0xC1, 0xC2} and content[place + 9] == 4:
            raise ModelError("it is a CMYK picture; convert it to RGB")
        place += 1 if marker == 0xFF else 2 + length
    if content.rfind(b"\xff\xd9") < place:
        raise ModelError("it is truncated: its end marker is missing")


def _check_png(content: bytes) -> None:
    place, name = 8, b""
    while name != b"IEND":
        end = place + 12 + int.from_bytes(content[place : place + 4], "big")
        name, stated = content[place + 4 : place + 8], content[end - 4 : end]
        if zlib.crc32(content[place + 4 : end - 4]).to_bytes(4, "big") != stated:
            raise ModelError("it is damaged or truncated")
        place = end


def _netpbm(content: bytes) -> NDArray[np.uint8]:
    header = _NETPBM.match(content)
    width, height, largest = map(int, header.groups()) if header else (0, 0, 0)
    channels = 3 if content[:2] == b"P6" else 1
    size = width * height * channels
    if header is None or not size or largest != 255 or len(content) < header.end() + size:
        raise ModelError("it is damaged, empty, or not of 8 bits")
    shape = (height, width, 3)[: 2 + channels // 3]
    return np.frombuffer(content, np.uint8, size, header.end()).reshape(shape)


def _parts(path: Path) -> tuple[dict[str, str], list[Path]]:
    if not path.is_dir():
        return {}, [path]
    try:
        manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        files = [path / Path(part["file"]).name for part in manifest["segments"]]
        return dict(manifest["metadata"]), files
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path} has no readable {MANIFEST}") from error


def _session(file: Path, threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(
            file.read_bytes(), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime raises many types
        line = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ModelError(f"{file} cannot be loaded: {line}") from error


def _run(session: Any, features: NDArray[Any]) -> Any:
    return session.run(None, {session.get_inputs()[0].name: np.ascontiguousarray(features)})


def _answers(model: Model, pictures: Sequence[Path]) -> Iterator[dict[str, Any]]:
    for picture in pictures:
        pixels = to_pixels(read_picture(picture), model.facts)[np.newaxis]
        outputs, exits = model.run(pixels)
        probabilities = model.probabilities(outputs)[0]
        yield {
            "picture": str(picture),
            "label": model.facts.labels[int(probabilities.argmax())],
            "segment": int(exits[0]) + 1,
            "probabilities": dict(zip(model.facts.labels, probabilities.tolist(), strict=True)),
        }


def _show(answer: Mapping[str, Any], segment_count: int) -> None:
    behind = f"  (segment {answer['segment']} of {segment_count})" if segment_count > 1 else ""
    print(f"{answer['picture']}: {answer['label']}{behind}")
    for label, probability in sorted(answer["probabilities"].items(), key=lambda pair: -pair[1]):
        print(f"  {label:<12} {100 * probability:6.2f} %")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("model", type=Path, help="exported .onnx or .ort file, or folder")
    parser.add_argument("pictures", type=Path, nargs="*", help="pictures of one face each")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--describe", action="store_true", help="print what the file says")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    parser.add_argument("--confidence", type=float, help="segments: probability to stop at")
    chosen = parser.parse_args(arguments)
    try:
        model = Model(chosen.model, chosen.threads, chosen.confidence)
        if chosen.describe or not chosen.pictures:
            print(json.dumps(model.metadata, indent=2))
        answers = list(_answers(model, chosen.pictures))
    except ModelError as error:
        print(error, file=sys.stderr)
        return 2
    if chosen.json and answers:
        print(json.dumps(answers, indent=2))
    for answer in () if chosen.json else answers:
        _show(answer, model.segment_count)
    return 0


if __name__ == "__main__":
    sys.exit(main())
