"""Files of somebody else, let in by their kind."""
