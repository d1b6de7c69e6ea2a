"""The synthetic camera: drawn people whose faces change, with the truth known."""

from __future__ import annotations

from emostudio.core.settings import Settings, setting
from emostudio.data.synthetic.animation import AnimatedScene
from emostudio.vision.base import Frame
from emostudio.vision.pacing import Pace


class SyntheticSettings(Settings):
    """Settings of the synthetic camera."""

    width: int = setting(480, title="Width", help="Frame width", unit="px", low=96, high=1920)
    height: int = setting(360, title="Height", help="Frame height", unit="px", low=96, high=1080)
    fps: float = setting(20.0, title="Frame rate", help="Frames drawn per second", low=1, high=120)
    seed: int = setting(0, title="Seed", help="Who plays, and where", low=0, high=2**31 - 1)


class SyntheticCapture:
    """The running scene."""

    def __init__(self, settings: SyntheticSettings) -> None:
        self._scene = AnimatedScene(settings.width, settings.height, settings.seed)
        self._pace = Pace(settings.fps)

    def read(self) -> Frame:
        """Draw the scene as it is now."""
        self._pace.wait()
        image, truth = self._scene.frame(self._pace.elapsed_s)
        # Drawing stands for the exposure of a camera: like a camera's wait it is no grab time.
        return Frame(image, tuple(truth))

    def close(self) -> None:
        """Nothing to let go of."""


class SyntheticSource:
    """Drawn faces, for machines without a camera."""

    key = "synthetic"
    title = "Synthetic camera"
    family = "synthetic"
    summary = "Drawn people whose faces change; the truth is known, so accuracy can be shown"
    reference = ""
    settings_type = SyntheticSettings

    def why_unavailable(self) -> str:
        """Return nothing: it works everywhere."""
        return ""

    def open(self, target: str, settings: SyntheticSettings) -> SyntheticCapture:
        """Start the scene."""
        del target
        return SyntheticCapture(settings)


SOURCE = SyntheticSource()
