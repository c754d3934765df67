"""Filters and trees of filters: what people, configs and language models write.

They are checked when they are made and never change. Two filters are equal if they mean the same by the same
words: ``1`` and ``1.0`` are one value, ``1`` and ``True`` are not.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    field_validator,
    model_serializer,
    model_validator,
)

from retrieverkit_core.errors import FilterError, near_matches, shorten
from retrieverkit_core.filters._ids import RESERVED_FIELDS, filterable
from retrieverkit_core.filters._matching import Matcher, combined, leaf_matcher
from retrieverkit_core.filters._operators import (
    MEMBERSHIP,
    ORDERING,
    TEXT,
    FilterCondition,
    FilterOperator,
    condition_named,
    operator_named,
)
from retrieverkit_core.filters._text import leaf_text, tree_text, value_text
from retrieverkit_core.filters._values import kind_of
from retrieverkit_core.nodes import IndexNode, Node

MAX_DEPTH = 64
"""How deep trees may be nested."""

MAX_LEAVES = 10_000
"""How many filters a tree may hold."""

Scalar = str | int | float | bool | None
FilterValue = Scalar | tuple[Scalar, ...]


@contextmanager
def _as_filter_errors() -> Iterator[None]:
    try:
        yield
    except ValidationError as error:
        raise _filter_error(error) from None


class _Checked(BaseModel):
    """A frozen model whose problems are all `FilterError`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:
        """Return the filter that plain data describes.

        Raises:
            FilterError: It describes none.
        """
        with _as_filter_errors():
            return super().model_validate(obj, **options)

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """Return the filter that JSON describes.

        Raises:
            FilterError: It describes none.
        """
        with _as_filter_errors():
            return super().model_validate_json(json_data, **options)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return this filter with ``update`` applied and checked."""
        del deep  # nothing in it can change
        return type(self)(**{name: getattr(self, name) for name in type(self).model_fields} | dict(update or {}))

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).model_validate, (self.model_dump(),)


class MetadataFilter(_Checked):
    """One question about one metadata field; `matching` states the rules.

    Attributes:
        key: The field's name, literally: dots, quotes and brackets mean nothing.
        value: What to compare with; a list is kept as a tuple. None for ``is_empty``.
        operator: What to ask.

    Raises:
        FilterError: The value cannot be used with the operator, or a part is not what it must be.
    """

    key: str
    value: FilterValue = None
    operator: FilterOperator = FilterOperator.EQ

    def __init__(
        self, key: str, value: Any = None, operator: FilterOperator | str = FilterOperator.EQ, **unknown: Any
    ) -> None:
        with _as_filter_errors():
            BaseModel.__init__(self, key=key, value=value, operator=operator, **unknown)

    # Only a constructor that pydantic does not take for a custom one leaves nested validation to it.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    @field_validator("key", mode="plain", json_schema_input_type=str)
    @classmethod
    def _check_key(cls, key: Any) -> str:
        if not isinstance(key, str):
            raise FilterError(f"a filter's key is a string, not {type(key).__name__}")
        return _encodable(key)

    @field_validator("operator", mode="before")
    @classmethod
    def _check_operator(cls, operator: Any) -> FilterOperator:
        return operator_named(operator)

    @field_validator("value", mode="plain", json_schema_input_type=Scalar | list[Scalar])
    @classmethod
    def _check_value(cls, value: Any) -> FilterValue:
        return tuple(map(_scalar, value)) if isinstance(value, (list, tuple)) else _scalar(value)

    @model_validator(mode="after")
    def _check_shape(self) -> Self:
        problem = _shape_problem(self.operator, self.value)
        if problem:
            raise FilterError(f"filter on {shorten(self.key)!r}: {problem[0]}", fix=problem[1])
        return self

    @model_serializer(mode="plain")
    def _plain(self) -> dict[str, Any]:
        value = list(self.value) if isinstance(self.value, tuple) else self.value
        return {"key": self.key, "operator": str(self.operator), "value": value}

    def matches(self, metadata: Mapping[str, Any]) -> bool:
        """Return whether a node with ``metadata`` passes."""
        return self.matcher(metadata)

    @property
    def asks_ids(self) -> bool:
        """Whether it asks for a node's or a document's id, which metadata does not hold."""
        return self.key in RESERVED_FIELDS

    @cached_property
    def matcher(self) -> Matcher:
        """The compiled `matches`."""
        return leaf_matcher(self.key, self.operator, self.value)

    @cached_property
    def _identity(self) -> tuple[Any, ...]:
        value = self.value
        typed = tuple((kind_of(v), v) for v in value) if isinstance(value, tuple) else (kind_of(value), value)
        return self.key, self.operator, isinstance(value, tuple), typed

    def __eq__(self, other: object) -> bool:
        return self._identity == other._identity if isinstance(other, MetadataFilter) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._identity)

    def __str__(self) -> str:
        return leaf_text(self.key, self.operator, self.value)


def _leaf_or_tree(data: Any) -> str | None:
    if isinstance(data, MetadataFilter):
        return "leaf"
    if isinstance(data, MetadataFilters):
        return "tree"
    if isinstance(data, Mapping):
        return "tree" if "filters" in data or "condition" in data else "leaf"
    return None


class MetadataFilters(_Checked):
    """Filters under a condition, nested to any depth up to 64 and 10,000 filters.

    Nothing under ``and`` or ``not`` matches every node, nothing under ``or`` matches none.

    Attributes:
        filters: Filters and trees; a list is kept as a tuple.
        condition: Whether all, at least one or none of them must match.

    Raises:
        FilterError: A part is not what it must be.
    """

    filters: Annotated[
        tuple[
            Annotated[
                Annotated[MetadataFilter, Tag("leaf")] | Annotated[MetadataFilters, Tag("tree")],
                Discriminator(
                    _leaf_or_tree,
                    custom_error_type="filter",
                    custom_error_message="a filter is a MetadataFilter, a MetadataFilters or a mapping",
                ),
            ],
            ...,
        ],
        Field(max_length=MAX_LEAVES),
    ]
    condition: FilterCondition = FilterCondition.AND

    def __init__(
        self,
        filters: Sequence[MetadataFilter | MetadataFilters | Mapping[str, Any]],
        condition: FilterCondition | str = FilterCondition.AND,
        **unknown: Any,
    ) -> None:
        with _as_filter_errors():
            BaseModel.__init__(self, filters=filters, condition=condition, **unknown)

    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    @classmethod
    def of(cls, filters: FiltersLike) -> MetadataFilters:
        """Return the tree for what people write.

        Args:
            filters: A tree or a filter; filter text such as ``"year >= 1960"``; a mapping of fields to values that
                they must be equal to, a list standing for any of its values, such as ``{"tenant": "a"}``; or a filter
                or tree as plain data, with the keys ``key`` and ``value`` or ``filters``.

        Raises:
            FilterError: It describes no filter.
        """
        if isinstance(filters, MetadataFilters):
            return filters
        if isinstance(filters, MetadataFilter):
            return cls(filters=[filters])
        if isinstance(filters, str):
            return cls.parse(filters)
        if not isinstance(filters, Mapping):
            raise FilterError(
                f"filters are text, a mapping or MetadataFilters, not {type(filters).__name__}",
                fix="write \"year >= 1960\", {'tenant': 'a'} or MetadataFilters.parse(…)",
            )
        if "filters" in filters:
            return cls.model_validate(filters)
        if "key" in filters and filters.keys() <= {"key", "value", "operator"} and len(filters) > 1:
            return cls(filters=[filters])
        return cls(
            filters=[
                MetadataFilter(key=key, operator="in" if isinstance(value, (list, tuple)) else "==", value=value)
                for key, value in filters.items()
            ]
        )

    @classmethod
    def parse(cls, text: str) -> MetadataFilters:
        """Read a filter text such as ``year >= 1960 and not (lang == 'de')``; `parse` has the grammar.

        Raises:
            FilterSyntaxError: The text cannot be read; it names the column.
        """
        from retrieverkit_core.filters._parse import parse

        return parse(text)

    @classmethod
    def and_(cls, *trees: MetadataFilters | None) -> MetadataFilters | None:
        """Return the tree that matches where every one of ``trees`` does; None where none is given."""
        given = [tree for tree in trees if tree is not None]
        if len(given) < 2:
            return given[0] if given else None
        last, *others = given[0]._joined_last[0] or (None,)
        if last is not None and len(others) == len(given) - 1 and all(map(operator.is_, others, given[1:])):
            return last
        parts: dict[MetadataFilter | MetadataFilters, None] = {}
        for tree in given:
            parts.update(dict.fromkeys(tree.filters if tree.condition is FilterCondition.AND else (tree,)))
        joined = cls(filters=list(parts))
        given[0]._joined_last[0] = (joined, *given[1:])
        return joined

    @cached_property
    def _joined_last(self) -> list[tuple[MetadataFilters, ...]]:
        """What came of joining this tree the last time, and with which others: every leg of a call joins the same."""
        return [()]

    @field_validator("condition", mode="before")
    @classmethod
    def _check_condition(cls, condition: Any) -> FilterCondition:
        return condition_named(condition)

    @model_validator(mode="after")
    def _check_size(self) -> Self:
        depth, leaves = self._size
        if depth > MAX_DEPTH:
            raise FilterError(f"filters are nested deeper than {MAX_DEPTH}")
        if leaves > MAX_LEAVES:
            raise FilterError(f"a tree holds more than {MAX_LEAVES} filters", fix="put many values into one 'in'")
        return self

    @model_serializer(mode="plain")
    def _plain(self) -> dict[str, Any]:
        return {"condition": str(self.condition), "filters": [child._plain() for child in self.filters]}

    def matches(self, metadata: Mapping[str, Any]) -> bool:
        """Return whether a node with ``metadata`` passes."""
        return self.matcher(metadata)

    def admits(self, node: Node) -> bool:
        """Return whether ``node`` passes: by its metadata and ids, or because it leads on.

        An index node that holds its object passes here; what it leads to is checked in its place.
        """
        if isinstance(node, IndexNode) and node.obj is not None:
            return True
        return self.matcher(filterable(node) if self.asks_ids else node.metadata)

    @cached_property
    def asks_ids(self) -> bool:
        """Whether a filter asks for a node's or a document's id, which metadata does not hold."""
        return any(leaf.asks_ids for leaf in self.leaves())

    @cached_property
    def matcher(self) -> Matcher:
        """The compiled `matches`, for tight loops."""
        return combined(self.condition, [child.matcher for child in self.filters])

    def leaves(self) -> Iterator[MetadataFilter]:
        """Yield every single filter, in the order written."""
        for child in self.filters:
            if isinstance(child, MetadataFilters):
                yield from child.leaves()
            else:
                yield child

    @cached_property
    def _size(self) -> tuple[int, int]:
        trees = [child._size for child in self.filters if isinstance(child, MetadataFilters)]
        leaves = len(self.filters) - len(trees) + sum(count for _, count in trees)
        return 1 + max((depth for depth, _ in trees), default=0), leaves

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MetadataFilters):
            return NotImplemented
        return self.condition is other.condition and self.filters == other.filters

    @cached_property
    def _hash(self) -> int:
        return hash((self.condition, self.filters))

    def __hash__(self) -> int:
        return self._hash

    def __str__(self) -> str:
        return self._as_text

    @cached_property
    def _as_text(self) -> str:
        texts = [f"({child})" if _needs_brackets(child) else str(child) for child in self.filters]
        return tree_text(self.condition, texts)


def _needs_brackets(child: MetadataFilter | MetadataFilters) -> bool:
    return isinstance(child, MetadataFilters) and child.condition is not FilterCondition.NOT and bool(child.filters)


def _scalar(value: Any) -> Scalar:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _encodable(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise FilterError(
                f"a filter's value is a finite number, not {value!r}", fix="compare with null for no value"
            )
        return float(value)
    fix = "write a date as its ISO text, such as '2024-01-05'" if hasattr(value, "isoformat") else ""
    raise FilterError(
        f"a filter's value is a string, number, bool, null or a list of these, not {type(value).__name__}",
        fix=fix,
    )


def _encodable(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise FilterError(f"half a surrogate pair is not text: {shorten(ascii(text))}") from None
    return str.__str__(text)


def _shape_problem(asked: FilterOperator, value: FilterValue) -> tuple[str, str] | None:
    given = "a list" if isinstance(value, tuple) else "null" if value is None else shorten(value_text(value))
    if asked in MEMBERSHIP and not isinstance(value, tuple):
        return f"{asked!s} needs a list of values, not {given}", "put the value into [ ]"
    if asked is FilterOperator.IS_EMPTY and value is not None:
        return f"is_empty takes no value, not {given}", "leave the value out"
    if asked in ORDERING and (isinstance(value, (tuple, bool)) or value is None):
        return f"{asked!s} needs a number or a string, not {given}", "compare with == or !="
    if asked is FilterOperator.CONTAINS and isinstance(value, tuple):
        return "contains needs one value, not a list", "use any or all for several values"
    if asked in TEXT and not isinstance(value, str):
        return f"{asked!s} needs a string, not {given}", "put the text into quotes"
    return None


def _filter_error(error: ValidationError) -> FilterError:
    problems = error.errors(include_url=False, include_input=False)
    first = problems[0]
    message, fix = _told(first)
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"] if part not in _TAGS)
    where = f"{shorten(place.removeprefix('.'))}: " if place and not first["type"].startswith("recursion") else ""
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return FilterError(where + message + more, fix=fix)


def _told(problem: Any) -> tuple[str, str]:
    cause = problem.get("ctx", {}).get("error")
    if isinstance(cause, FilterError):
        return cause.message, cause.fix
    name = str(problem["loc"][-1]) if problem["loc"] else ""
    if problem["type"] == "extra_forbidden":
        near = near_matches(name, _FIELDS)
        return (
            "there is no such field",
            f"did you mean {near[0]!r}?" if near else f"fields: {', '.join(_FIELDS)}",
        )
    if problem["type"].startswith("recursion"):
        return f"filters are nested deeper than {MAX_DEPTH}", ""
    if problem["type"] == "tuple_type":
        return "a list of filters is needed", "put a single filter into [ ]"
    if problem["type"] == "too_long":
        return f"a tree holds more than {MAX_LEAVES} filters", "put many values into one 'in'"
    return problem["msg"], ""


_TAGS = ("leaf", "tree")
_FIELDS = ("key", "value", "operator", "filters", "condition")


FiltersLike = MetadataFilters | MetadataFilter | Mapping[str, Any] | str
"""What stands for filters wherever people write them; see `MetadataFilters.of`."""
