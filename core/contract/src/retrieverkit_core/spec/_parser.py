"""Reads mode strings such as ``fusion(bm25(top_k=50), vector, method="rrf")``; nothing is ever evaluated.

retriever  = [distribution ":"] mode ["(" [argument {"," argument}] [","] ")"]
argument   = retriever | option "=" value
value      = text | number | True | False | None | list | tuple | dict | retriever
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from retrieverkit_core.errors import ConfigError, ModeStringError, shorten
from retrieverkit_core.spec._flat import MAX_DEPTH, FlatReader
from retrieverkit_core.spec._model import RetrieverSpec
from retrieverkit_core.spec._names import OPTION, RESERVED, mode_name, provider_name
from retrieverkit_core.spec._tokens import Token, tokenize

LITERALS: dict[str, bool | None] = {
    "True": True,
    "true": True,
    "False": False,
    "false": False,
    "None": None,
    "null": None,
}
_CLOSING = {"(": ")", "[": "]", "{": "}"}


def parse_mode_string(text: str) -> RetrieverSpec:
    """Return what ``text`` describes.

    Raises:
        ModeStringError: It cannot be read.
    """
    if not isinstance(text, str):
        raise ConfigError(f"a mode string is text, not {type(text).__name__}")
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(tokenize(text))
        self.at = 0
        self.depth = 0

    def whole(self) -> RetrieverSpec:
        if self.next.kind == "end":
            raise self.error("the mode string is empty", self.next, fix="write a mode, for example 'bm25'")
        spec = self.retriever()
        if self.next.kind != "end":
            raise self.error(
                f"{shorten(self.next.text)!r} stands after the end of the retriever",
                self.next,
                fix="remove it",
            )
        return spec

    def retriever(self, *, hint: str = "") -> RetrieverSpec:
        first = self.take()
        if first.kind != "word":
            raise self.error(f"expected a mode, found {_shown(first)}", first)
        provider, named = None, first
        if self.next.kind == ":":
            self.take()
            provider = provider_name(first.text, text=self.text, column=first.column)
            named = self.take()
            if named.kind != "word":
                raise self.error(f"expected a mode after ':', found {_shown(named)}", named)
        mode = mode_name(named.text, text=self.text, column=named.column, hint=hint)
        with self.deeper(first):
            described: dict[str, Any] = self.arguments() if self.next.kind == "(" else {}
        spec: RetrieverSpec = self.checked({**described, "mode": mode, "provider": provider}, first)
        return spec

    def arguments(self) -> dict[str, Any]:
        retrievers: list[RetrieverSpec] = []
        options: dict[str, Any] = {}
        for _ in self.items():
            if self.next.kind == "word" and self.peek(1).kind == "=":
                name = self.keyword(options, positional=bool(retrievers))
                options[name] = self.value(hint=f", or if it is text, put it in quotes: {name}={_quoted(self.next)}")
            else:
                retrievers.append(self.positional(after_options=bool(options)))
        return {"retrievers": options.pop("retrievers", retrievers), "options": options}

    def keyword(self, options: dict[str, Any], *, positional: bool) -> str:
        token = self.take()
        name = token.text
        self.take()
        if not OPTION.fullmatch(name):
            near = name.replace("-", "_")
            fix = f"write {near}=" if OPTION.fullmatch(near) else ""
            raise self.error(f"{shorten(name)!r} is not an option's name", token, fix=fix)
        if name in options:
            raise self.error(f"option {name!r} is given twice", token, fix="keep one")
        if name == "retrievers" and positional:
            raise self.error(
                "the retrievers are given twice", token, fix="give them by position or as retrievers=[...]"
            )
        if name in RESERVED - {"retrievers"}:
            raise self.error(f"no option can be called {name!r}", token, fix=f"{name!r} describes the retriever itself")
        return name

    def positional(self, *, after_options: bool) -> RetrieverSpec:
        token = self.next
        value = self.value()
        if after_options:
            raise self.error(
                "a retriever stands after an option", token, fix="give the retrievers first, then the options"
            )
        if not isinstance(value, RetrieverSpec):
            fix = "remove the quotes" if token.kind == "string" else f"name it: OPTION={shorten(token.text)}"
            raise self.error(f"expected a retriever or OPTION=VALUE, found {_shown(token)}", token, fix=fix)
        return value

    def value(self, *, hint: str = "") -> Any:
        token = self.next
        match token.kind:
            case "string" | "number":
                return self.checked(self.take().value, token)
            case "word" if token.text in LITERALS and self.peek(1).kind not in "(:":
                return LITERALS[self.take().text]
            case "word":
                return self.retriever(hint=hint)
            case "[":
                with self.deeper(token):
                    return [self.value() for _ in self.items()]
            case "(":
                with self.deeper(token):
                    return self.tuple_or_group()
            case "{":
                with self.deeper(token):
                    return self.mapping()
            case _:
                fix = "write text in quotes, a number, a list or a dict"
                raise self.error(f"expected a value, found {_shown(token)}", token, fix=fix)

    def tuple_or_group(self) -> Any:
        values = [self.value() for _ in self.items()]
        is_group = len(values) == 1 and self.tokens[self.at - 2].kind != ","
        return values[0] if is_group else values

    def mapping(self) -> Any:
        opening = self.next
        found: dict[str, Any] = {}
        for _ in self.items():
            key = self.take()
            if key.kind != "string":
                raise self.error(f"expected a key in quotes, found {_shown(key)}", key, fix=f"write {_quoted(key)}")
            if key.value in found:
                raise self.error(f"key {shorten(key.text)} is given twice", key, fix="keep one")
            colon = self.take()
            if colon.kind != ":":
                raise self.error(f"expected ':' after the key, found {_shown(colon)}", colon)
            found[str(key.value)] = self.value()
        return self.checked(found, opening)

    def items(self) -> Iterator[None]:
        """Take an opening bracket, then yield once before each item, then take the closing bracket."""
        opening = self.take()
        closing = _CLOSING[opening.kind]
        while self.next.kind != closing:
            if self.next.kind == "end":
                raise self.error(f"{opening.kind!r} is never closed", opening, fix=f"add {closing!r}")
            yield
            if self.next.kind == ",":
                self.take()
            elif self.next.kind == "end":
                raise self.error(f"{opening.kind!r} is never closed", opening, fix=f"add {closing!r}")
            elif self.next.kind != closing:
                raise self.error(f"expected ',' or {closing!r}, found {_shown(self.next)}", self.next)
        self.take()

    @property
    def next(self) -> Token:
        return self.tokens[self.at]

    def peek(self, ahead: int) -> Token:
        return self.tokens[min(self.at + ahead, len(self.tokens) - 1)]

    def take(self) -> Token:
        token = self.next
        self.at = min(self.at + 1, len(self.tokens) - 1)
        return token

    @contextmanager
    def deeper(self, token: Token) -> Iterator[None]:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(f"nested more than {MAX_DEPTH} deep", token)
        yield
        self.depth -= 1

    def checked(self, value: Any, token: Token) -> Any:
        """Return ``value`` as a spec holds it, blaming ``token`` for what a spec cannot hold."""
        try:
            is_spec = isinstance(value, dict) and "mode" in value
            return FlatReader().spec(value, 1) if is_spec else FlatReader().value(value, 1, "value")
        except ConfigError as error:
            raise self.error(error.message, token, fix=error.fix) from error

    def error(self, problem: str, token: Token, *, fix: str = "") -> ModeStringError:
        return ModeStringError(problem, text=self.text, column=token.column, fix=fix)


def _shown(token: Token) -> str:
    return (
        "the end"
        if token.kind == "end"
        else shorten(token.text)
        if token.kind == "string"
        else repr(shorten(token.text))
    )


def _quoted(token: Token) -> str:
    return f'"{shorten(token.text)}"'
