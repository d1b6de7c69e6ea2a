"""``python -m emostudio.worker``."""

from emostudio.worker.main import entry_point

entry_point()
