"""The mode graph_vector: entities that are near the query in meaning, and what is around them."""
