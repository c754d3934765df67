"""Cypher over the graph: what may run (`allowing`), where it runs (`sandbox`), and the modes that ask."""
