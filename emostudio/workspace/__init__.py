"""What the user owns: runs, models, datasets, measurements. No Qt, no torch."""
