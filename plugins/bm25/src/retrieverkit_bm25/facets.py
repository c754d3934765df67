"""Metadata as terms, so that the engine can tell which nodes pass a filter.

For each key of a node there is a term that says whether its value is empty, one for the value as a whole, and one for
each element of a list. Two values have the same term exactly if they are equal by the rules of
`retrieverkit_core.filters` (``1`` and ``1.0`` are, ``1`` and ``true`` are not, dates are compared as instants). Long
terms are replaced by their 128-bit hash.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any

from retrieverkit_core.filters import DOC_ID, NODE_ID, canonical
from retrieverkit_core.nodes import Node

_LONGEST = 64
_MAX_KNOWN = 200_000
_KEYS = 1024


def value_term(key: str, value: Any) -> str | None:
    """Return the term of nodes whose value of ``key`` equals ``value``; None where nothing equals it."""
    text = _canonical_text(*canonical(value))
    return None if text is None else _term("e", key, text)


def element_term(key: str, value: Any) -> str | None:
    """Return the term of nodes whose value of ``key`` is a list that holds ``value``."""
    text = _canonical_text(*canonical(value))
    return None if text is None else _term("m", key, text)


@lru_cache(_KEYS)
def full_term(key: str) -> str:
    """Return the term of nodes whose value of ``key`` is something, and not an empty text, list or object."""
    return _term("f", key, "")


def hollow_term(key: str) -> str:
    """Return the term of nodes whose value of ``key`` is an empty text, list or object."""
    return _term("h", key, "")


def object_term(key: str) -> str:
    """Return the term of nodes whose value of ``key`` is an object."""
    return _term("o", key, "")


class FacetTerms:
    """Returns the terms of nodes, remembering those of single values of metadata."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, type, Any], list[str]] = {}

    def of(self, node: Node) -> list[str]:
        """Return each term of a node's metadata and ids once."""
        terms = _terms(NODE_ID, node.id) + _terms(DOC_ID, node.ref_doc_id)  # nearly each is met once alone
        for key, value in node.metadata.items():
            if isinstance(value, (list, tuple, dict)):
                terms += set(_terms(key, value))
                continue
            place = (key, type(value), value)
            known = self._known.get(place)
            if known is None:
                if len(self._known) >= _MAX_KNOWN:
                    self._known.clear()
                known = self._known[place] = _terms(key, value)
            terms += known
        return terms


def _terms(key: str, value: Any) -> list[str]:
    kind, comparable = canonical(value)
    if kind == "null":
        return []
    terms = [hollow_term(key) if value in ("", [], (), {}) else full_term(key)]
    if kind == "object":
        terms.append(object_term(key))
    if kind == "list":
        texts = [_canonical_text(*element) for element in comparable]
        terms += [_term("m", key, text) for text in texts if text is not None]
    text = _canonical_text(kind, comparable)
    if text is not None:
        terms.append(_term("e", key, text))
    return terms


def _canonical_text(kind: str, comparable: Any) -> str | None:
    """Return a text that is equal exactly for equal values; None for what no filter value equals."""
    if kind == "string":
        return f"s{comparable}"
    if kind == "number":
        return None if comparable != comparable else f"n{_number_text(comparable)}"
    if kind == "date":
        return f"d{comparable}"
    if kind == "bool":
        return "t" if comparable else "f"
    if kind == "null":
        return "0"
    if kind == "list" and comparable is not None:
        parts = [_canonical_text(*element) for element in comparable]
        return None if None in parts else "l" + "".join(f"{len(part)}:{part}" for part in parts if part is not None)
    return None


def _number_text(number: int | float) -> str:
    if isinstance(number, float) and not number.is_integer():
        return number.hex()
    return f"{int(number):x}"


def _term(what: str, key: str, text: str) -> str:
    term = f"{what}{len(key)}:{key}{text}"
    if len(term) <= _LONGEST:
        return term
    return "#" + hashlib.blake2b(term.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
