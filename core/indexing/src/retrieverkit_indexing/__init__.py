"""What index-keeping modes are made of.

- `derived`: indexes that follow a corpus, caught up before they answer, and rebuilt when in doubt;
- `metadata`: any filter tree to the nodes that pass it (needs numpy);
- `analysis`: text to terms by language;
- `embeddings`: checked vectors, a cache of them, and probes that tell models apart (needs numpy);
- `sentences`: a text's sentences and where they stand (needs sentencex);
- `forks`: products of matrices that a fork of the process waits for.

Importing this package imports none of them.
"""
