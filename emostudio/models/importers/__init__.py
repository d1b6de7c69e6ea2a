"""Bringing foreign models in: formats told apart by content, never by name; code never run."""
