"""One face detector per file, each under the attribute ``DETECTOR``; see `vision.base`."""
