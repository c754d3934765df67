"""The type of an option in words, such as ``int >= 0`` or ``list of number | None``."""

from __future__ import annotations

import collections.abc
import types
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from retrieverkit_core.spec import RetrieverSpec

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

_LIMITS = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<", "min_length": "length >=", "max_length": "length <="}
_WORDS = {type(None): "None", float: "number", Any: "any", RetrieverSpec: "retriever"}
_LISTS = (list, tuple, set, frozenset, collections.abc.Sequence, collections.abc.Iterable)


def type_text(field: FieldInfo) -> str:
    """Return the type and the limits of an option."""
    return _limited(_text(field.annotation), field.metadata)


def _text(annotation: Any) -> str:
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _limited(_text(parts[0]), parts[1:])
    if origin is Literal:
        return " | ".join(map(repr, parts))
    if origin in (Union, types.UnionType):
        return " | ".join(_text(part) for part in parts)
    if origin in _LISTS:
        inside = " | ".join(_text(part) for part in parts if part is not Ellipsis)
        return f"list of ({inside})" if " | " in inside else f"list of {inside}"
    if annotation in _WORDS:
        return _WORDS[annotation]
    named = origin or annotation
    return named.__name__ if isinstance(named, type) else str(named)


def _limited(text: str, metadata: Iterable[Any]) -> str:
    """Return ``text`` with the limits in ``metadata``; inside of an ``Annotated`` they are a field of their own."""
    limits = []
    for entry in metadata:
        if inner := getattr(entry, "metadata", None):
            text = _limited(text, inner)
        limits += [
            f"{sign} {getattr(entry, name)}" for name, sign in _LIMITS.items() if getattr(entry, name, None) is not None
        ]
    return " ".join([text, ", ".join(limits)]) if limits else text
