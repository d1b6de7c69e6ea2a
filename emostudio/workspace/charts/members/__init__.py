"""One chart per module, each as ``CHART``."""
