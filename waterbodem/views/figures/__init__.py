"""Figures of an answer: maps, their labels and sheets."""
