"""Models in formats for other programs, each checked against the model before it is kept."""
