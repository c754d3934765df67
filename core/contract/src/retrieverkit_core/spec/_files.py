"""Reads a spec from JSON, TOML or YAML text."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from retrieverkit_core.errors import ConfigError, ReadError, near_matches, shorten
from retrieverkit_core.spec._model import RetrieverSpec

MAX_BYTES = 1_000_000
_FORMATS = {".json": "json", ".toml": "toml", ".yaml": "yaml", ".yml": "yaml"}


def load(path: Path) -> RetrieverSpec:
    """Return the spec in a file; see `RetrieverSpec.load`."""
    suffix = path.suffix.lower()
    if suffix not in _FORMATS:
        raise ConfigError(f"{shorten(path, 200)}: unknown kind of config file", fix=f"use one of {', '.join(_FORMATS)}")
    if path.exists() and not path.is_file():
        raise ReadError(path, "not a regular file", fix="name a file")  # a pipe would block for ever
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        return loads(content.decode("utf-8-sig"), _FORMATS[suffix])
    except OSError as error:
        raise ReadError(path, error.strerror or str(error), fix="check the path") from error
    except UnicodeDecodeError as error:
        raise ReadError(path, f"not UTF-8 at byte {error.start}", fix="save it as UTF-8") from error
    except ConfigError as error:
        raise ConfigError(f"{shorten(path, 200)}: {error.message}", fix=error.fix) from error


def loads(text: str, format: str) -> RetrieverSpec:  # noqa: A002 - the word that people know
    """Return the spec in a text; see `RetrieverSpec.loads`."""
    readers: dict[str, Callable[[str], Any]] = {"json": _json, "toml": tomllib.loads, "yaml": _yaml}
    if format not in readers:
        near = near_matches(format, readers)
        raise ConfigError(f"unknown format {shorten(format)!r}", fix=f"use {' or '.join(near or readers)}")
    if len(text) > MAX_BYTES:
        raise ConfigError(f"the config has more than {MAX_BYTES:,} characters")
    try:
        content = readers[format](text)
    except ConfigError:
        raise
    except RecursionError:
        raise ConfigError(f"the {format} text is nested too deeply") from None
    except ValueError as error:
        raise ConfigError(f"not {format}: {shorten(error, 200)}") from error
    return RetrieverSpec.from_obj(_described(content))


def _described(content: Any) -> Any:
    """Return what describes the retriever: everything, or what stands under the key ``retriever``."""
    if not isinstance(content, dict) or "mode" in content or "retriever" not in content:
        return content
    if beside := sorted(str(key) for key in content if key != "retriever"):
        raise ConfigError(
            f"unknown keys beside 'retriever': {shorten(', '.join(beside))}",
            fix="an option of the retriever stands below 'retriever'",
        )
    return content["retriever"]


def _json(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ConfigError(f"the key {shorten(twice)!r} is given twice", fix="keep one")
    return found


def _no_constant(name: str) -> Any:
    raise ConfigError(f"{name} is not a finite number")


def _yaml(text: str) -> Any:
    from retrieverkit_core.yaml_text import read_yaml

    return read_yaml(text)
