"""The paper's experiments in the worker: part after part through the studio's own jobs."""
