"""How often which term stands in which text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from retrieverkit_indexing.analysis import Analyzer


def count_terms(texts: Iterable[str], analyzer: Analyzer) -> tuple[list[str], csr_array]:
    """Return the terms of ``texts`` in their order of appearance, and the counts, a row a text and a column a term."""
    columns: dict[str, int] = {}
    indices: list[NDArray[np.int32]] = []
    counts: list[NDArray[np.float32]] = []
    ends = [0]
    for text in texts:
        counted = Counter(analyzer.terms(text))
        indices.append(np.array([columns.setdefault(term, len(columns)) for term in counted], np.int32))
        counts.append(np.fromiter(counted.values(), np.float32, len(counted)))
        ends.append(ends[-1] + len(counted))
    joined = (np.concatenate(counts), np.concatenate(indices), np.array(ends)) if indices else ((), (), ends)
    return list(columns), csr_array(joined, shape=(len(ends) - 1, len(columns)), dtype=np.float32)


def most_widespread(terms: Sequence[str], counts: csr_array, limit: int) -> tuple[list[str], csr_array]:
    """Keep the ``limit`` terms that stand in most texts; among equals those that appear first."""
    if len(terms) <= limit:
        return list(terms), counts
    spread = np.bincount(counts.indices, minlength=len(terms))
    kept = np.sort(np.argsort(-spread, kind="stable")[:limit])
    return [terms[column] for column in kept], counts[:, kept]
