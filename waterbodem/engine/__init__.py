"""Numbers from layers and polygons: of a cell, then of a polygon; no file, no word, no colour."""
