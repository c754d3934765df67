"""Cypher over the graph: what may run (`allowing`), where it runs (`ladybug`, `neo4j`), and the modes that ask."""
