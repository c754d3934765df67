"""Creates a corpus, or opens the one that another process created meanwhile."""

import sys

from retrieverkit.corpus import SQLiteCorpus

print("ready", flush=True)
with SQLiteCorpus.open(sys.argv[1]) as corpus:
    print(corpus.corpus_id)
