"""How far an answer holds: what an error of a layer does to it."""
