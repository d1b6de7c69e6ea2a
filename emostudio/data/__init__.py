"""Datasets: readers, labels, splits, the decoded-pixel cache and the one preprocessing."""

import os

# OpenCV reads its pixel limit when its library is loaded: it has to be set before any import.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(2**24))
