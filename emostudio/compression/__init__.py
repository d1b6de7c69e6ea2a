"""Compression: methods (one per file), the rules for combining them, recipes and packed files."""
