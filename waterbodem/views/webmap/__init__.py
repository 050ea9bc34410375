"""The interactive map: its page and codes."""
