"""Reading a question by rules: what is certain becomes a filter, everything else stays in the query."""
