"""One file per family of kernels; each defines ``rows(timing) -> list[Row]``."""
