"""Kernels of the fictitious landscape."""
