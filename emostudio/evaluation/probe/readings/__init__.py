"""One reading per file; each declares ``READING``."""
