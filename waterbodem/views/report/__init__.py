"""The dossier: its page, lines and receivers."""
