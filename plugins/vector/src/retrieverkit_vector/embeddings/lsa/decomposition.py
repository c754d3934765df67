"""The directions in which the rows of a sparse matrix vary most: a truncated singular value decomposition.

Block power iteration from a random start: N. Halko, P.-G. Martinsson, J. A. Tropp, "Finding structure with randomness",
SIAM Review 53 (2011), algorithms 4.4 and 5.1. For 256 directions of 50,000 x 100,000 it takes a fifth of the time of
scipy's ``svds``, and retrieves as well.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from retrieverkit_indexing.forks import no_fork

_ITERATIONS = 2
"""More of them change the vectors, and what they find by less than chance."""
_OVERSAMPLING = 16
_NEGLIGIBLE = 1e-3
"""Directions this much weaker than the first are rounding errors of float32."""


def right_singular_vectors(matrix: csr_array, count: int) -> NDArray[np.float32]:
    """Return up to ``count`` right singular vectors as columns, the strongest first.

    The same matrix gives the same vectors: the start is fixed, and each vector's largest entry is made positive.
    """
    strengths, vectors = _few(matrix) if min(matrix.shape) <= count + _OVERSAMPLING else _many(matrix, count)
    strong = strengths[:count] > _NEGLIGIBLE * strengths[:1]
    vectors = vectors[:, :count][:, strong]
    if vectors.size:
        vectors *= np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(vectors.shape[1])])
    return vectors


def _few(matrix: csr_array) -> tuple[NDArray[Any], NDArray[np.float32]]:
    """Return all singular values and right singular vectors of a matrix with few rows or few columns."""
    dense = matrix.toarray()
    with no_fork:
        _, strengths, vectors = np.linalg.svd(dense, full_matrices=False)
    return strengths, vectors.T.copy()


def _many(matrix: csr_array, count: int) -> tuple[NDArray[Any], NDArray[np.float32]]:
    """Return the strongest singular values and right singular vectors, and some more that are less exact."""
    transposed = matrix.T.tocsr()
    start = np.random.default_rng(0).standard_normal((matrix.shape[1], count + _OVERSAMPLING), np.float32)
    basis: NDArray[Any] = start
    for _ in range(_ITERATIONS):
        basis = _orthonormal(transposed @ _orthonormal(matrix @ basis))
    image = matrix @ basis
    with no_fork:
        squares, rotation = _by_strength(image.T @ image)
        return np.sqrt(np.maximum(squares, 0)), basis @ rotation.astype(np.float32)


def _orthonormal(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return an orthonormal basis of the columns. By way of their products it is far cheaper than a QR."""
    with no_fork:
        squares, rotation = _by_strength(block.T @ block)
        kept = squares > _NEGLIGIBLE**2 * squares[0]
        basis: NDArray[np.float32] = block @ (rotation[:, kept] / np.sqrt(squares[kept])).astype(np.float32)
    return basis


def _by_strength(products: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the eigenvalues, the largest first, and the eigenvectors as columns."""
    values, vectors = np.linalg.eigh(products.astype(np.float64))
    return values[::-1], vectors[:, ::-1]
