"""Receivers: who gets what is shifted, by flow and groundwater, and the ledger of it."""
