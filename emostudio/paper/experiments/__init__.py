"""The experiments: one file each, found by the catalogue."""
