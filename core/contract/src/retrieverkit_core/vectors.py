"""`checked`: the door that every vector passes before it is stored or compared; and vectors as text."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrieverkit_core.errors import InvalidEmbeddingError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray


def checked(vectors: ArrayLike, count: int, dimension: int, *, allow_zero: bool = False) -> NDArray[np.float32]:
    """Return ``vectors`` as float32 if they can be stored and compared.

    A vector whose squared length is 0 or infinite in float32 has no direction and is refused. Only a model fitted to
    a corpus (`CorpusEmbedder`) may say by a zero vector that it knows nothing of a text: pass ``allow_zero`` for
    those, and never return such a node as a hit.

    Args:
        vectors: What the model gave for ``count`` texts.
        count: How many texts it was given.
        dimension: The length that each vector must have.
        allow_zero: Let vectors of nothing but zeros pass.

    Returns:
        The vectors, shape ``(count, dimension)``, C-contiguous. They are copied only where they must be.

    Raises:
        InvalidEmbeddingError: The count, the shape, the type or a value is wrong; names the first row that is.
    """
    import numpy as np

    array = _numbers(vectors, dimension)
    if array.ndim == 0 or len(array) != count:
        raise _refused(f"{count} texts were embedded and {len(array) if array.ndim else 'no'} vectors came back")
    if count == 0:
        return np.empty((0, dimension), np.float32)
    if array.ndim != 2:
        raise _refused(f"vectors of shape {array.shape} are not {count} rows of numbers")
    if array.shape[1] != dimension:
        raise _refused(f"row 0 has {array.shape[1]} numbers, not {dimension}")
    with np.errstate(over="ignore"):
        rows = np.ascontiguousarray(array, np.float32)
        squares = np.einsum("ij,ij->i", rows, rows)
    usable = np.isfinite(squares) & (squares > 0)
    if not usable.all():
        for row in np.flatnonzero(~usable):
            _explain(rows[row], int(row), allow_zero)
    return rows


def as_texts(vectors: NDArray[np.float32]) -> list[str]:
    """Return each row as text: base64 of little-endian float32."""
    return [base64.b64encode(row.astype("<f4").tobytes()).decode("ascii") for row in vectors]


def from_texts(texts: Sequence[str], dimension: int) -> NDArray[np.float32]:
    """Return the rows that `as_texts` wrote, shape ``(len(texts), dimension)``.

    Raises:
        InvalidEmbeddingError: A row has another length.
    """
    import numpy as np

    rows = [np.frombuffer(base64.b64decode(text, validate=True), "<f4") for text in texts]
    if any(len(row) != dimension for row in rows):
        raise _refused(_ragged(rows, dimension))
    return np.array(rows, np.float32).reshape(len(rows), dimension)


def _numbers(vectors: ArrayLike, dimension: int) -> NDArray[Any]:
    import numpy as np

    try:
        array = np.asarray(vectors)
    except (ValueError, TypeError, OverflowError) as error:
        raise _refused(_ragged(vectors, dimension)) from error
    if array.dtype.kind not in "fiu":
        raise _refused(f"numbers are needed, not {array.dtype}")
    return array


def _ragged(vectors: object, dimension: int) -> str:
    for row, vector in enumerate(vectors if isinstance(vectors, (list, tuple)) else ()):
        length = len(vector) if hasattr(vector, "__len__") else None
        if length != dimension:
            return f"row {row} has {'no' if length is None else length} numbers, not {dimension}"
    return "the vectors are not rows of numbers"


def _explain(vector: NDArray[np.float32], row: int, allow_zero: bool) -> None:
    """Raise what is wrong with a row whose squared length is not a positive number."""
    import numpy as np

    if np.isnan(vector).any():
        raise _refused(f"row {row} holds NaN")
    if np.isinf(vector).any():
        raise _refused(f"row {row} holds an infinite number, or one too large for float32")
    if not vector.any():
        if allow_zero:
            return
        raise _refused(f"row {row} is a zero vector, which is like no text at all")
    raise _refused(f"row {row} is too {'long' if np.abs(vector).max() > 1 else 'short'} to be compared in float32")


def _refused(problem: str) -> InvalidEmbeddingError:
    return InvalidEmbeddingError(
        f"the embedding cannot be used: {problem}", fix="nothing was stored; check the model behind it"
    )
