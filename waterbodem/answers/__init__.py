"""Answers: what was asked and what was found, as values; kept in a file and brought back."""
