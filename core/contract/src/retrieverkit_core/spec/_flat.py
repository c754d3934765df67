"""The dict form of a retriever: ``{"mode": "fusion", "retrievers": ["bm25", "vector"], "method": "rrf"}``.

``mode``, ``provider`` and ``retrievers`` describe the retriever, every other key is an option. A dict
with the key ``mode`` inside an option's value describes a retriever too.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from retrieverkit_core.errors import ConfigError, shorten
from retrieverkit_core.spec._model import RetrieverSpec
from retrieverkit_core.spec._names import RESERVED, normal_provider, option_name, provider_name, qualified_name

MAX_DEPTH = 32
MAX_VALUES = 100_000
_SURROGATE = re.compile("[\ud800-\udfff]")


class FlatReader:
    """Turns what people write as Python objects into a checked tree, with limits on depth and size."""

    def __init__(self) -> None:
        self.values = 0

    def spec(self, written: object, depth: int) -> RetrieverSpec:
        """Return the spec that a string, a dict or a spec stands for.

        Raises:
            ConfigError: It stands for none.
        """
        if isinstance(written, Mapping):
            return RetrieverSpec.model_construct(**self.fields(written, depth))
        spec = RetrieverSpec.parse(written) if isinstance(written, str) else written
        if not isinstance(spec, RetrieverSpec):
            raise ConfigError(
                f"{type(written).__name__} {shorten(repr(written))} describes no retriever",
                fix="write a mode string or a dict with the key 'mode'",
            )
        self._limit(depth + _height(spec) - 1)
        return spec

    def fields(self, written: Mapping[str, Any], depth: int = 1) -> dict[str, Any]:
        """Return the fields of the spec that a dict stands for.

        Raises:
            ConfigError: It stands for none.
        """
        self._count()
        self._limit(depth)
        provider, mode = _mode(written)
        return {
            "mode": mode,
            "provider": provider,
            "retrievers": self._retrievers(written.get("retrievers", ()), depth),
            "options": self._options(written, depth),
        }

    def _retrievers(self, written: object, depth: int) -> tuple[RetrieverSpec, ...]:
        if not isinstance(written, (list, tuple)):
            raise ConfigError(f"retrievers: a list is expected, got {shorten(repr(written))}", fix="put it in [ ]")
        return tuple(self.spec(one, depth + 1) for one in written)

    def _options(self, written: Mapping[str, Any], depth: int) -> dict[str, Any]:
        grouped = {} if written.get("options") is None else written["options"]
        if not isinstance(grouped, Mapping):
            raise ConfigError(f"options: a dict is expected, got {shorten(repr(grouped))}")
        beside = {name: value for name, value in written.items() if name not in RESERVED}
        for name in grouped:
            if name in beside:
                raise ConfigError(f"option {shorten(repr(name))} is given twice", fix="keep one")
            if name in RESERVED:
                raise ConfigError(f"no option can be called {name!r}", fix=f"{name!r} describes the retriever itself")
        return {option_name(name): self.value(value, depth + 1, name) for name, value in {**grouped, **beside}.items()}

    def value(self, written: object, depth: int, where: str) -> Any:
        """Return an option's value as plain JSON, with a spec for each retriever in it.

        Raises:
            ConfigError: It is neither JSON nor a retriever.
        """
        self._count()
        match written:
            case None | bool():
                return written
            case str() | int() | float():
                return _scalar(written, where)
            case list() | tuple():
                self._limit(depth)
                return [self.value(item, depth + 1, f"{where}[{at}]") for at, item in enumerate(written)]
            case Mapping() if "mode" not in written:
                self._limit(depth)
                return {self._key(key, where): self.value(item, depth + 1, where) for key, item in written.items()}
            case Mapping() | RetrieverSpec():
                return self.spec(written, depth)
        raise ConfigError(
            f"{where}: {type(written).__name__} {shorten(repr(written), 60)} cannot be written in a config",
            fix="use text, numbers, True, False, None, lists and dicts; write a date as text",
        )

    def _key(self, key: object, where: str) -> str:
        if not isinstance(key, str):
            raise ConfigError(f"{where}: the key {shorten(repr(key))} is not text", fix="put it in quotes")
        _text(key, where)
        return str.__str__(key)

    def _count(self) -> None:
        self.values += 1
        if self.values > MAX_VALUES:
            raise ConfigError(f"more than {MAX_VALUES:,} values describe one retriever")

    def _limit(self, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise ConfigError(f"the retriever is nested more than {MAX_DEPTH} deep")


def to_flat(spec: RetrieverSpec) -> dict[str, Any]:
    """Return the dict form of ``spec``."""
    written: dict[str, Any] = {"mode": spec.qualified_mode}
    if spec.retrievers:
        written["retrievers"] = [_short(child) for child in spec.retrievers]
    return written | {name: _to_json(value) for name, value in spec.options.items()}


def _short(spec: RetrieverSpec) -> str | dict[str, Any]:
    return to_flat(spec) if spec.retrievers or spec.options else str(spec)


def _to_json(value: Any) -> Any:
    if isinstance(value, list):
        return [_to_json(item) for item in value]
    if isinstance(value, dict):
        return {key: _to_json(item) for key, item in value.items()}
    return to_flat(value) if isinstance(value, RetrieverSpec) else value


def _mode(written: Mapping[str, Any]) -> tuple[str | None, str]:
    mode = written.get("mode")
    if not isinstance(mode, str):
        got = "is missing" if "mode" not in written else f"is text, not {type(mode).__name__} {shorten(repr(mode))}"
        raise ConfigError(f"the key 'mode' {got}", fix='name the mode, for example {"mode": "bm25"}')
    provider, name = qualified_name(mode)
    beside = written.get("provider")
    if beside is None:
        return provider, name
    if not isinstance(beside, str):
        raise ConfigError(f"provider: a distribution's name is text, got {shorten(repr(beside))}")
    if provider is not None and provider != normal_provider(beside):
        raise ConfigError(
            f"mode {shorten(mode)!r} and provider {shorten(beside)!r} name two distributions", fix="keep one"
        )
    return provider_name(beside, text=beside, column=1), name


def _scalar(written: str | int | float, where: str) -> str | int | float:
    if isinstance(written, str):
        _text(written, where)
        return str.__str__(written)
    if isinstance(written, int):
        if not -(2**63) <= written < 2**63:
            raise ConfigError(f"{where}: the number does not fit 64 bits")
        return int(written)
    if not math.isfinite(written):
        raise ConfigError(f"{where}: {written} is not a finite number")
    return float(written)


def _text(written: str, where: str) -> None:
    if _SURROGATE.search(written):
        raise ConfigError(f"{where}: {shorten(repr(written))} holds half a surrogate pair, which no file can hold")


def _height(value: Any) -> int:
    if isinstance(value, list):
        return 1 + max(map(_height, value), default=0)
    if isinstance(value, dict):
        return 1 + max(map(_height, value.values()), default=0)
    if isinstance(value, RetrieverSpec):
        return 1 + max(map(_height, (*value.retrievers, *value.options.values())), default=0)
    return 0
