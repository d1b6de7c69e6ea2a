"""Kernels on packed weights, and the programs that run a network on them."""
