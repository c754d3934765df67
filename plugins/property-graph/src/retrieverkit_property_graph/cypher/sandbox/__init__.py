"""Where Cypher runs: a throw-away copy of the graph, in a process that can open no file."""
