"""Measures behind "ja, mits": what they change, ask and cost, as data."""
