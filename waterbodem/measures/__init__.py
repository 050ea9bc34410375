"""What would make it a yes: measures, packages of them, and which are worth telling."""
