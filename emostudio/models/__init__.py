"""Networks: architectures, the in-memory model, and the one file format models live in."""
