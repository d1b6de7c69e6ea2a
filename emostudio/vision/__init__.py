"""The live view: sources of frames, face detectors, and several variants on the same faces."""

import emostudio.data  # noqa: F401 - sets OpenCV's pixel limit before anything loads OpenCV
