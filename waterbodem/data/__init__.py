"""Domain knowledge as data: functies, layers, rules, colours, sources and terms."""
