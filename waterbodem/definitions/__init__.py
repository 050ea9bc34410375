"""Definitions that a hydrologist signs: models and loaders of the data files, with their words, units and colours."""
