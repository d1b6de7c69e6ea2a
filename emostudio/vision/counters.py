"""Running figures of a live view."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from emostudio.core.answers import LiveReport, LiveVariant
from emostudio.core.emotions import Emotion
from emostudio.statistics.blocks import percentiles

_KEPT = 2000
"""Newest samples a figure is made of; older ones are forgotten, so memory stays flat."""

_SHARED_STAGES = ("grab", "detect", "crop")


class VariantCounter:
    """Figures of one variant.

    Parameters
    ----------
    model, engine, labels
        What the report says about the variant.
    """

    def __init__(self, model: str, engine: str, labels: Sequence[Emotion]) -> None:
        self.model = model
        self.engine = engine
        self.labels = tuple(labels)
        self.inferences = 0
        self._latencies_ms: deque[float] = deque(maxlen=_KEPT)
        self._frames_ms: deque[float] = deque(maxlen=_KEPT)
        self._right = self._judged = self._agreeing = self._compared = 0

    def add_latency(self, milliseconds: float) -> None:
        """Count one face that was classified."""
        self.inferences += 1
        self._latencies_ms.append(milliseconds)

    def add_frame(self, milliseconds: float) -> None:
        """Count one frame: the time for all its faces together."""
        self._frames_ms.append(milliseconds)

    def compare(
        self,
        named: Sequence[Emotion],
        reference: Sequence[Emotion] | None,
        truth: Sequence[Emotion | None],
    ) -> None:
        """Count agreement with the first variant (None for itself) and with the truth.

        Faces whose true emotion the variant has no class for are not counted.
        """
        for emotion, true in zip(named, truth, strict=True):
            if true in self.labels:
                self._judged += 1
                self._right += emotion == true
        for emotion, other in zip(named, reference or (), strict=False):
            self._compared += 1
            self._agreeing += emotion == other

    def report(self, shared_ms: float) -> LiveVariant:
        """Return the figures; `shared_ms` is what a frame costs before any variant."""
        mean_ms = shared_ms + (float(np.mean(self._frames_ms)) if self._frames_ms else 0.0)
        return LiveVariant(
            model=self.model,
            engine=self.engine,
            labels=self.labels,
            inferences=self.inferences,
            fps=1e3 / mean_ms if self._frames_ms and mean_ms > 0 else 0.0,
            latency_ms=percentiles(_array(self._latencies_ms)) if self._latencies_ms else None,
            accuracy=self._right / self._judged if self._judged else None,
            agreement=self._agreeing / self._compared if self._compared else None,
        )


class Counters:
    """Figures of the whole view.

    Parameters
    ----------
    source, detector
        Names for the report.
    variants
        One counter per variant, in order.
    """

    def __init__(self, source: str, detector: str, variants: Sequence[VariantCounter]) -> None:
        self._source = source
        self._detector = detector
        self.variants = tuple(variants)
        self.frames = 0
        self.faces = 0
        self._stages_ms: dict[str, deque[float]] = {}
        self._done_s: deque[float] = deque(maxlen=120)

    def add_stage(self, stage: str, milliseconds: float) -> None:
        """Count one frame's time in a stage."""
        self._stages_ms.setdefault(stage, deque(maxlen=_KEPT)).append(milliseconds)

    def frame_done(self, faces: int) -> None:
        """Count one frame and the faces that were classified in it."""
        self.frames += 1
        self.faces += faces
        self._done_s.append(time.monotonic())

    def report(self, dropped: int, message: str) -> LiveReport:
        """Return all figures as they are now."""
        means = {stage: float(np.mean(times)) for stage, times in self._stages_ms.items()}
        shared_ms = sum(means.get(stage, 0.0) for stage in _SHARED_STAGES)
        medians = {
            stage: float(np.median(_array(times))) for stage, times in self._stages_ms.items()
        }
        if "detect" in means:  # searched every few frames only: its median would be nothing
            medians["detect"] = means["detect"]
        return LiveReport(
            source=self._source,
            detector=self._detector,
            frames=self.frames,
            dropped=dropped,
            faces=self.faces,
            fps=self._fps(),
            stages_ms=medians,
            variants=tuple(variant.report(shared_ms) for variant in self.variants),
            message=message,
        )

    def _fps(self) -> float:
        """Frames per second over the newest frames, all variants on each."""
        if len(self._done_s) < 2:
            return 0.0
        return (len(self._done_s) - 1) / max(self._done_s[-1] - self._done_s[0], 1e-9)


def _array(times: deque[float]) -> NDArray[np.float64]:
    return np.array(times, dtype=np.float64)
