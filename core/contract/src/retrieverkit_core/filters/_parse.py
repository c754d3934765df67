"""Reading a filter text. Python's own grammar reads it; nothing is ever evaluated.

- ``year >= 1960``, ``1960 <= year < 1970``, ``lang == 'de'``, ``tags == ['a', 'b']``, ``title == null``,
  ``draft == true``
- ``lang in ['de', 'fr']``, ``lang not in ['de']``
- ``contains(tags, 'x')``, ``any(tags, ['x', 'y'])``, ``all(tags, ['x'])``, ``text_match(title, 'x')``,
  ``text_match_insensitive(title, 'x')``, ``is_empty(title)``
- ``and``, ``or``, ``not``, brackets; ``true`` matches every node and ``false`` none

A field is a name, a dotted name (``a.b`` is the field called "a.b") or, on the left, a quoted string.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from retrieverkit_core.errors import FilterError, FilterSyntaxError, near_matches, shorten
from retrieverkit_core.filters._lexis import MAX_CHARS, SourceText, constant_meant, hint
from retrieverkit_core.filters._operators import FilterCondition, FilterOperator
from retrieverkit_core.filters._text import CONSTANTS
from retrieverkit_core.filters._tree import MAX_DEPTH, MetadataFilter, MetadataFilters

_Part = MetadataFilter | MetadataFilters

_COMPARISONS: dict[type[ast.cmpop], FilterOperator] = {
    ast.Eq: FilterOperator.EQ,
    ast.NotEq: FilterOperator.NE,
    ast.Lt: FilterOperator.LT,
    ast.LtE: FilterOperator.LTE,
    ast.Gt: FilterOperator.GT,
    ast.GtE: FilterOperator.GTE,
    ast.In: FilterOperator.IN,
    ast.NotIn: FilterOperator.NIN,
}
_MIRRORED = {
    FilterOperator.EQ: FilterOperator.EQ,
    FilterOperator.NE: FilterOperator.NE,
    FilterOperator.LT: FilterOperator.GT,
    FilterOperator.LTE: FilterOperator.GTE,
    FilterOperator.GT: FilterOperator.LT,
    FilterOperator.GTE: FilterOperator.LTE,
}
_CALLS = {
    name: FilterOperator(name)
    for name in ("contains", "any", "all", "text_match", "text_match_insensitive", "is_empty")
}


def parse(text: str) -> MetadataFilters:
    """Return the tree that ``text`` describes.

    Raises:
        FilterSyntaxError: The text cannot be read; it names the column.
        FilterError: It is not a string, or describes a tree that is too large.
    """
    if not isinstance(text, str):
        raise FilterError(f"a filter text is a string, not {type(text).__name__}")
    if len(text) > MAX_CHARS:
        problem = f"the filter text has {len(text)} characters; at most {MAX_CHARS} are read"
        raise FilterSyntaxError(problem, text=text[:MAX_CHARS], column=MAX_CHARS)
    source = SourceText(text.replace("\r\n", "\n"))
    if not source.text:
        raise FilterSyntaxError("the filter text is empty", text=text, column=1, fix="write true to match every node")
    tree = _Reader(source).part(_python_tree(source), depth=1)
    return tree if isinstance(tree, MetadataFilters) else MetadataFilters(filters=[tree])


def _python_tree(source: SourceText) -> ast.expr:
    readable = source.check()
    try:
        tree = ast.parse(source.text, mode="eval").body
    except SyntaxError as error:
        problem = f"the filter text cannot be read: {error.msg}"
        raise source.error(problem, error.lineno or 1, (error.offset or 1) - 1, hint(source.text)) from None
    except (RecursionError, MemoryError):
        raise source.error("the filter text is nested too deeply", 1, 0) from None
    except ValueError as error:
        raise source.error(f"the filter text cannot be read: {error}", 1, 0) from None
    if not readable:
        raise source.error("the filter text cannot be read", 1, 0, hint(source.text))
    return tree


class _Reader:
    """Turns Python's syntax tree into filters."""

    def __init__(self, source: SourceText) -> None:
        self._source = source

    def part(self, node: ast.expr, depth: int) -> _Part:
        if depth > MAX_DEPTH + 1:
            raise self._error(node, f"filters are nested deeper than {MAX_DEPTH}")
        match node:
            case ast.BoolOp():
                condition = FilterCondition.AND if isinstance(node.op, ast.And) else FilterCondition.OR
                return self._tree(node, [self.part(value, depth + 1) for value in node.values], condition)
            case ast.UnaryOp(op=ast.Not()):
                return self._negation(node, self.part(node.operand, depth + 1))
            case ast.Compare():
                return self._comparison(node)
            case ast.Call():
                return self._call(node)
        if (name := _name(node)) in CONSTANTS or isinstance(node, ast.Constant):
            return self._constant(node)
        if name is not None:
            raise self._error(node, f"{shorten(name)!r} alone asks nothing", f"write {shorten(name)} == true")
        raise self._error(node, "a comparison is needed here", hint(""))

    def _tree(self, node: ast.expr, parts: Sequence[_Part], condition: FilterCondition) -> MetadataFilters:
        try:
            return MetadataFilters(filters=parts, condition=condition)
        except FilterError as error:
            raise self._error(node, error.message, error.fix) from None

    def _negation(self, node: ast.expr, inner: _Part) -> MetadataFilters:
        if isinstance(inner, MetadataFilters) and inner.condition is FilterCondition.OR and inner.filters:
            return self._tree(node, inner.filters, FilterCondition.NOT)
        return self._tree(node, [inner], FilterCondition.NOT)

    def _constant(self, node: ast.expr) -> MetadataFilters:
        value = self._value(node)
        if not isinstance(value, bool):
            raise self._error(node, "a value alone asks nothing", hint(""))
        return self._tree(node, [], FilterCondition.AND if value else FilterCondition.OR)

    def _comparison(self, node: ast.Compare) -> _Part:
        operands = [node.left, *node.comparators]
        chained = len(node.ops) > 1
        parts: list[_Part] = []
        for left, asked, right in zip(operands, node.ops, operands[1:], strict=False):
            operator = _COMPARISONS.get(type(asked))
            if operator is None:
                raise self._error(right, "'is' compares nothing here", "write == or !=")
            parts.append(self._compared(left, operator, right, chained))
        return self._tree(node, parts, FilterCondition.AND) if chained else parts[0]

    def _compared(self, left: ast.expr, operator: FilterOperator, right: ast.expr, chained: bool) -> MetadataFilter:
        left_key, right_key = _key(left), _key(right)
        if left_key is not None and right_key is not None:
            meant = constant_meant(right_key)
            fix = f"write {meant}" if meant else f"quote the string: did you mean {right_key!r}?"
            raise self._error(right, f"{shorten(right_key)!r} is a field, and so is {shorten(left_key)!r}", fix)
        if right_key is not None:
            if operator not in _MIRRORED:
                fix = f"write contains({shorten(right_key)}, {shorten(ast.unparse(left))})"
                raise self._error(right, f"'{operator}' needs a list on its right, not a field", fix)
            return self._leaf(left, right_key, _MIRRORED[operator], self._value(left))
        if left_key is None and not chained and _is_string(left):
            left_key = self._value(left)
        if left_key is None:
            raise self._error(
                left,
                "a comparison needs a field beside a value",
                "the field is a name, or a quoted string first",
            )
        return self._leaf(right, left_key, operator, self._value(right))

    def _call(self, node: ast.Call) -> MetadataFilter:
        name = _name(node.func) or ""
        operator = _CALLS.get(name)
        if operator is None:
            near = near_matches(name, _CALLS)
            fix = f"did you mean {near[0]}? " if near else ""
            raise self._error(node, f"there is no filter {shorten(name)!r}", f"{fix}there are {', '.join(_CALLS)}")
        wanted = 1 if operator is FilterOperator.IS_EMPTY else 2
        if len(node.args) != wanted or node.keywords:
            form = f"{name}(field)" if wanted == 1 else f"{name}(field, value)"
            raise self._error(node, f"{name} takes {wanted} argument{'s' * (wanted > 1)}", f"write {form}")
        key = self._value(node.args[0]) if _is_string(node.args[0]) else _key(node.args[0])
        if key is None:
            raise self._error(node.args[0], f"{name} takes a field first", "a name, or a quoted string")
        return self._leaf(node, key, operator, self._value(node.args[1]) if wanted == 2 else None)

    def _leaf(self, node: ast.expr, key: str, operator: FilterOperator, value: Any) -> MetadataFilter:
        try:
            return MetadataFilter(key, value, operator)
        except FilterError as error:
            raise self._error(node, error.message, error.fix) from None

    def _value(self, node: ast.expr) -> Any:
        name: str | None
        match node:
            case ast.Constant(value=str() | int() | float() | None):
                return node.value
            case ast.Name(id=name) if name in CONSTANTS:
                return CONSTANTS[name]
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)) if not isinstance(
                number, bool
            ):
                return -number
            case ast.List() | ast.Tuple():
                return [self._value(element) for element in node.elts if not self._is_list(element)]
        if (name := _key(node)) is not None:
            meant = constant_meant(name)
            fix = f"write {meant}" if meant else f"quote the string: did you mean {name!r}?"
            raise self._error(node, f"a value is needed here, not the field {shorten(name)!r}", fix)
        raise self._error(
            node,
            "a value is needed here",
            "a string in quotes, a number, true, false, null or a list of these",
        )

    def _is_list(self, node: ast.expr) -> bool:
        if isinstance(node, (ast.List, ast.Tuple)):
            raise self._error(node, "a list in a filter holds no lists")
        return False

    def _error(self, node: ast.expr, problem: str, fix: str = "") -> FilterSyntaxError:
        return self._source.error_at_byte(problem, node.lineno, node.col_offset, fix)


def _is_string(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _name(node: ast.expr) -> str | None:
    """Return the name or dotted name that ``node`` is, or None."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return ".".join([node.id, *reversed(parts)])


def _key(node: ast.expr) -> str | None:
    name = _name(node)
    return None if name is None or name in CONSTANTS else name
