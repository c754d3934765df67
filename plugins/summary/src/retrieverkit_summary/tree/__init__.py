"""A tree of summaries over the nodes of a corpus, and the modes that search it."""
