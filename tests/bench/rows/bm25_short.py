"""BM25 among 50,000 short nodes, beside the engine alone: where what is around the engine shows most."""

from pathlib import Path

import zipf
from contest import Promise
from rows.bm25 import ALONE, WORDS_ALONE, Alone, RetrieverKit, Tantivy, WordsAlone

TITLE = "BM25, k=10, 50,000 short nodes"
UNIT = "ms"
DISTRIBUTIONS = ("retrieverkit-bm25", "tantivy")
BUILDS = True
AGREEMENT_WITH = "tantivy, raw"
PROMISES = (
    Promise("tantivy, raw", 3.0),
    Promise("tantivy, raw", 2.0, figure="build", of=ALONE),
)
NODES = 50_000
WORDS = 12
CONTENDERS = {"RetrieverKit": RetrieverKit, ALONE: Alone, WORDS_ALONE: WordsAlone, "tantivy, raw": Tantivy}


def prepare(folder: Path, scale: float) -> str:
    nodes = int(NODES * scale)
    zipf.write(folder, nodes, words=WORDS)
    return f"{nodes:,} nodes of about {WORDS} words, no stop words"
