"""The mode graph_synonym: a language model names entities that the query means, under all their names."""
