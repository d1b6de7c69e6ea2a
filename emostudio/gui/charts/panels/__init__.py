"""The four kinds of panels of a chart, painted."""
