"""Batch runs: a province in parts that survive a crash."""
