"""Reading a reranker's answer strictly: every text has one score, nothing is guessed."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any, NamedTuple, NoReturn, TypeGuard

from retrieverkit_core.errors import ModelAnswerError, shorten
from retrieverkit_llm.endpoint.strict_json import strict_json


class Scored(NamedTuple):
    """What an endpoint answered.

    Attributes:
        scores: The score of each text, in their order.
        tokens: How many tokens were read, where it says so.
    """

    scores: Sequence[float]
    tokens: int | None


def read_scores(body: bytes, count: int) -> Scored:
    """Return the scores in ``body``, in the order of the texts.

    Args:
        body: The answer, JSON with ``results``, a list of ``{"index": …, "relevance_score": …}``.
        count: How many texts were sent.

    Raises:
        ModelAnswerError: It is not such an answer, or leaves out a text.
    """
    try:
        answer = strict_json(body)
    except ValueError as error:
        _refuse(body, f"it is not JSON ({shorten(error, 100)})")
    items = answer.get("results") if isinstance(answer, dict) else None
    if not isinstance(items, list):
        _refuse(body, "it is not an object with a list called results")
    scores: dict[int, float] = {}
    for place, item in enumerate(items):
        index, score = (item.get("index"), item.get("relevance_score")) if isinstance(item, dict) else (None, None)
        if type(index) is not int or not 0 <= index < count:
            _refuse(body, f"results[{place}] has no index between 0 and {count - 1}")
        if index in scores:
            _refuse(body, f"two results have the index {index}")
        if not _is_finite(score):
            _refuse(body, f"results[{place}] has no relevance_score that is a finite number")
        scores[index] = float(score)
    if len(scores) != count:
        _refuse(body, f"{count} texts were sent and {len(scores)} scores came back")
    return Scored([scores[at] for at in range(count)], _tokens(answer))


def _is_finite(score: object) -> TypeGuard[float]:
    try:
        return not isinstance(score, bool) and isinstance(score, (int, float)) and isfinite(score)
    except OverflowError:  # a whole number beyond all floats
        return False


def _tokens(answer: dict[str, Any]) -> int | None:
    usage = answer.get("usage")
    tokens = usage.get("total_tokens") if isinstance(usage, dict) else None
    return tokens if type(tokens) is int and tokens >= 0 else None


def _refuse(body: bytes, problem: str) -> NoReturn:
    raise ModelAnswerError(
        f"the reranker's answer cannot be used: {problem}",
        answer=shorten(body.decode("utf-8", "replace"), 500),
        fix="check base_url and the model",
    )
