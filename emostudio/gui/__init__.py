"""Widgets only: show state, forward intentions. No files, no numbers, no torch."""
