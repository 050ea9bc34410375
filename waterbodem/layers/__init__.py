"""Layers: from lagen.toml, or polygons in any form, to float32 on a grid and checked polygons; the only door in."""
