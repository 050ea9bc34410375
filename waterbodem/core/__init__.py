"""Cells, whole files, the machine and how things fail: nothing of water."""
