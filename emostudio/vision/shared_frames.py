"""Frames for the window: slots in shared memory, written by the worker, which owns them."""

from __future__ import annotations

from dataclasses import dataclass
from multiprocessing.shared_memory import SharedMemory as SharedBlock
from types import TracebackType
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from emostudio.core.events import SharedMemory

SLOTS = 3
"""One being written, one announced, one being read."""

BYTES_PER_PIXEL = 4
"""Blue, green, red, unused: what the window paints without converting."""


@dataclass(frozen=True)
class Placed:
    """Where a frame was put.

    Attributes
    ----------
    slot
        Number of the slot, from 0.
    height, width
        Size in pixels as it was put there.
    announcement
        Set when there is a new block that the reader has to open first.
    """

    slot: int
    height: int
    width: int
    announcement: SharedMemory | None = None


class FrameSink(Protocol):
    """Takes frames (H, W, 3) RGB and says where they are."""

    def __call__(self, image: NDArray[np.uint8]) -> Placed:
        """Put a frame somewhere; older frames may be overwritten."""
        ...


class SharedFrames:
    """A `FrameSink` over shared memory; use it as a context manager or close it.

    A block is made for the first frame and again for a frame that is too large for it.
    """

    def __init__(self) -> None:
        self._block: SharedBlock | None = None
        self._slot_bytes = 0
        self._next = 0

    def __call__(self, image: NDArray[np.uint8]) -> Placed:
        """Copy a frame (H, W, 3) RGB into the next slot."""
        height, width = image.shape[:2]
        size = height * width * BYTES_PER_PIXEL
        announcement = None
        if self._block is None or size > self._slot_bytes:
            self.close()
            self._block = SharedBlock(create=True, size=SLOTS * size)
            self._slot_bytes = size
            announcement = SharedMemory(name=self._block.name, slot_bytes=size, slots=SLOTS)
        slot, self._next = self._next, (self._next + 1) % SLOTS
        shape = (height, width, BYTES_PER_PIXEL)
        place: NDArray[np.uint8] = np.ndarray(
            shape, np.uint8, self._block.buf, slot * self._slot_bytes
        )
        cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2BGRA, dst=place)
        return Placed(slot, height, width, announcement)

    def close(self) -> None:
        """Delete the block; readers that have it open keep their view."""
        if self._block is not None:
            self._block.close()
            self._block.unlink()
            self._block = None

    def __enter__(self) -> SharedFrames:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
