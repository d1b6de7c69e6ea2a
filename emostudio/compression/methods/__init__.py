"""One method per file, each under the attribute ``METHOD``."""
