"""The fictitious landscape: layers and plans of any size for examples and tests."""
