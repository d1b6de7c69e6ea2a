"""Charts of a comparison as data: the window paints them, reports draw them, tables list them."""
