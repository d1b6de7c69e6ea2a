"""Charts as pgfplots code: one module per kind of panel, and the document around them."""
