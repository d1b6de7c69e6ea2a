"""QtCore adapters between jobs and widgets; no widgets here."""
