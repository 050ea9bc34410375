"""Numba kernels: arrays in, ``out`` filled; they know nothing else of the package."""
