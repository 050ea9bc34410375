"""Views: an answer or a map in words, figures, pages, web map, notebook and console; nothing is computed here."""
