"""What a live tile is told: the picture, the faces and what the variant says about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QImage

from emostudio.core.answers import LiveVariant
from emostudio.core.events import LiveFrame

Face = tuple[int, int, int, int]


@dataclass(frozen=True)
class TileFigures:
    """Numbers beside the picture; None shows a dash."""

    fps: float | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    agreement: float | None = None
    accuracy: float | None = None
    """Share of faces named rightly; known only where the source tells the truth."""
    is_reference: bool = False


@dataclass(frozen=True)
class Judgement:
    """What the variant says about the faces of a frame.

    Attributes
    ----------
    faces
        Boxes (x, y, width, height) in pixels of the frame.
    probabilities
        One mapping from emotion to probability per face; emotions the variant lacks are missing.
    differs
        Whether the teacher names another emotion for some face.
    """

    faces: tuple[Face, ...] = ()
    probabilities: tuple[dict[str, float], ...] = ()
    differs: bool = False

    @property
    def main_face(self) -> int | None:
        """Index of the largest face, the one whose probabilities are listed."""
        areas = [width * height for _, _, width, height in self.faces]
        return areas.index(max(areas)) if areas else None


@dataclass
class Picture:
    """A frame's image, scaled once for all tiles of the same size; `owner` keeps its pixels."""

    image: QImage
    owner: object = None
    _scaled: dict[tuple[int, int], QImage] = field(default_factory=dict)

    def at(self, size: QSize) -> QImage:
        """Return the image scaled to `size` in device pixels."""
        key = (size.width(), size.height())
        if key not in self._scaled:
            self._scaled[key] = self.image.scaled(
                size,
                Qt.AspectRatioMode.IgnoreAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            )
        return self._scaled[key]


def judge(event: LiveFrame, labels: Sequence[Sequence[str]]) -> list[Judgement]:
    """Return what every variant says about a frame, in the order of the job's variants.

    Parameters
    ----------
    event
        The frame with its faces and probabilities.
    labels
        Labels of every variant; the others are compared with the first.
    """
    told = []
    for variant, names in enumerate(labels):
        faces = event.probabilities[variant] if variant < len(event.probabilities) else ()
        told.append(
            tuple(
                {str(label): float(p) for label, p in zip(names, face, strict=False)}
                for face in faces
            )
        )
    best = [[max(face, key=face.__getitem__, default="") for face in faces] for faces in told]
    expected = best[0] if best else []
    return [
        Judgement(
            event.faces,
            faces,
            differs=any(a != b for a, b in zip(names, expected, strict=False)),
        )
        for faces, names in zip(told, best, strict=True)
    ]


def figures_of(variant: LiveVariant, *, is_reference: bool) -> TileFigures:
    """Return the numbers of a tile from a counter event's variant."""
    latency = variant.latency_ms
    return TileFigures(
        fps=variant.fps if variant.inferences else None,
        p50_ms=latency.p50 if latency else None,
        p95_ms=latency.p95 if latency else None,
        agreement=variant.agreement,
        accuracy=variant.accuracy,
        is_reference=is_reference,
    )
