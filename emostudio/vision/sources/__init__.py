"""One source of frames per file, each under the attribute ``SOURCE``; see `vision.base`."""
