"""The main job in one go: teacher, variants, measurements, report, within a given time."""
