"""Intervals, paired tests, block timing, verdicts and Pareto fronts: numpy and scipy only."""
