"""How often which term stands in which text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from retrieverkit_indexing.analysis import Analyzer
from retrieverkit_vector.embeddings.lsa.model import of_length_one


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


def count_known(texts: Iterable[str], analyzer: Analyzer, columns: Mapping[str, int]) -> csr_array:
    """Return the counts of the terms that have a column, a row a text."""
    indices: list[NDArray[np.int32]] = []
    counts: list[NDArray[np.float32]] = []
    ends = [0]
    for text in texts:
        counted = Counter(analyzer.terms(text))
        known = [(columns[term], count) for term, count in counted.items() if term in columns]
        row = np.array(known, np.int32).reshape(-1, 2)
        indices.append(row[:, 0])
        counts.append(row[:, 1].astype(np.float32))
        ends.append(ends[-1] + len(known))
    joined = (np.concatenate(counts), np.concatenate(indices), np.array(ends)) if indices else ((), (), ends)
    return csr_array(joined, shape=(len(ends) - 1, len(columns)), dtype=np.float32)


def folded_in(counts: csr_array, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return each text's vector: the sum of its terms' rows by ``log(1 + count)``, of length 1; or 0 without a term.

    A text's vector does not depend on the texts beside it: its terms are added one by one, in the order of ``rows``.

    Args:
        counts: A row a text, a column a term.
        rows: A row a term.
    """
    values = csr_array((np.log1p(counts.data), counts.indices, counts.indptr), shape=counts.shape)
    values.sort_indices()
    return of_length_one(values @ rows)


def most_widespread(terms: Sequence[str], counts: csr_array, limit: int) -> tuple[list[str], csr_array]:
    """Keep the ``limit`` terms that stand in most texts; among equals those that appear first."""
    if len(terms) <= limit:
        return list(terms), counts
    spread = np.bincount(counts.indices, minlength=len(terms))
    kept = np.sort(np.argsort(-spread, kind="stable")[:limit])
    return [terms[column] for column in kept], counts[:, kept]
