"""Formats: bytes that others read or wrote, and the names of output files."""
