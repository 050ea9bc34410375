"""Compilation of kernels: decorators, the cache, linking, records and vector sums; private to what is compiled."""
