"""Comparisons as files: HTML, PDF, SVG, PNG, CSV, LaTeX and JSON."""
