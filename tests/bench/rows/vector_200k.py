"""Search among 200,000 vectors, and what the peers make of it."""

from pathlib import Path

import directions
import vector_search
from contest import Promise

TITLE = "Vectors, the 10 nearest of 200,000 by cosine"
UNIT = "ms"
DISTRIBUTIONS = vector_search.DISTRIBUTIONS
BUILDS = True
AGREEMENT_WITH = "numpy, raw"
PROMISES = (Promise("numpy, raw", 1.5), Promise("LlamaIndex", 0.1))
CONTENDERS = vector_search.CONTENDERS
VECTORS = 200_000


def prepare(folder: Path, scale: float) -> str:
    count = int(VECTORS * scale)
    directions.write(folder, count)
    return f"{count:,} vectors of {directions.DIMENSION} numbers"
