"""The machine probe: a minute of measuring that tells which kernels are fast here."""
