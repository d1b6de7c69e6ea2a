"""Charts drawn with matplotlib: one module per kind of panel, and the sheet around them."""
