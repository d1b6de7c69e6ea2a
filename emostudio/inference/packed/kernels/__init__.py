"""Compiled functions; numba infers their types, and takes arrays and numbers only."""
