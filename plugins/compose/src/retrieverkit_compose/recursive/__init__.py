"""Index nodes that lead to nodes of the same corpus."""
