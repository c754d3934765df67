"""Reading an endpoint's answer strictly: nothing is guessed, nothing is left out."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from retrieverkit_core.errors import InvalidEmbeddingError, shorten


def read_vectors(body: bytes, count: int) -> list[list[float]]:
    """Return the vectors in ``body``, in the order of the texts that were asked for.

    Args:
        body: The answer, JSON in the form of OpenAI's embeddings endpoint.
        count: How many texts were asked for.

    Raises:
        InvalidEmbeddingError: It is not such an answer, or not one for so many texts.
    """
    answer = _parsed(body)
    items = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(items, list):
        _refuse("it is no JSON object with a list called data")
    if len(items) != count:
        _refuse(f"{count} texts were sent and {len(items)} vectors came back")
    vectors: dict[int, list[float]] = {}
    for place, item in enumerate(items):
        index, vector = (item.get("index"), item.get("embedding")) if isinstance(item, dict) else (None, None)
        if type(index) is not int or not 0 <= index < count:
            _refuse(f"data[{place}] has no index between 0 and {count - 1}")
        if index in vectors:
            _refuse(f"two vectors have the index {index}")
        if not isinstance(vector, list) or not set(map(type, vector)) <= {int, float}:
            _refuse(f"data[{place}] has no embedding that is a list of numbers")
        vectors[index] = vector
    return [vectors[index] for index in range(count)]


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_no_constant, object_pairs_hook=_no_duplicates)
    except (ValueError, RecursionError) as error:
        _refuse(f"it is not JSON ({shorten(error, 100)})", error)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return result


def _refuse(problem: str, cause: Exception | None = None) -> NoReturn:
    raise InvalidEmbeddingError(
        f"the endpoint's answer cannot be used: {problem}", fix="nothing was stored; check base_url and the model"
    ) from cause
