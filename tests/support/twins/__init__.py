"""Slow, obvious twins of the rules of edition 2 (docs/rekenregels.md): one cell, one polygon or one plan at a time.

Plain Python in double precision, written from the text alone, in its order and with its names. A functie is a mapping
shaped as its data file, with its ``id``. ``values`` maps a layer to its number in this cell (NaN = unknown); a layer
that is not a key is not in the data.
"""
