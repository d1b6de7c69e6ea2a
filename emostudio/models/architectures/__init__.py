"""One architecture per file, each under the attribute ``ARCHITECTURE``."""
