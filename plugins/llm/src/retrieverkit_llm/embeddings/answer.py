"""Reading an endpoint's answer strictly: nothing is guessed, nothing is left out."""

from __future__ import annotations

from typing import Any, NoReturn

from retrieverkit_core.errors import InvalidEmbeddingError, shorten
from retrieverkit_llm.endpoint.strict_json import strict_json


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
        return strict_json(body)
    except ValueError as error:
        _refuse(f"it is not JSON ({shorten(error, 100)})", error)


def _refuse(problem: str, cause: Exception | None = None) -> NoReturn:
    raise InvalidEmbeddingError(
        f"the endpoint's answer cannot be used: {problem}", fix="nothing was stored; check base_url and the model"
    ) from cause
