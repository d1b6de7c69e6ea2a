"""``python -m emostudio.cli``."""

from emostudio.cli import entry_point

entry_point()
