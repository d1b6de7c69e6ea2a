"""Measuring models: accuracy, complexity, latency, memory, and the machine they ran on."""
