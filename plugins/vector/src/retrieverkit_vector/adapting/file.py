"""The file of an adapter: JSON with a digest of what it holds, written whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from retrieverkit_core.errors import ConfigError, InvalidEmbeddingError, shorten
from retrieverkit_core.vectors import as_texts, from_texts
from retrieverkit_vector.adapting.adapter import Adapter, Examples, check_finite
from retrieverkit_vector.adapting.mapping import QueryMap
from retrieverkit_vector.made_by import MadeBy

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FORMAT = "retrieverkit adapter"
_VERSION = 1
_LARGEST = 1 << 30
_AGAIN = "learn it again: retriever adapt"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, hide_input_in_errors=True)


class _Map(_Strict):
    dimension: int = Field(ge=1)
    reads: list[str] | None
    adds: list[str] = Field(min_length=1)


class _Examples(_Strict):
    queries: list[str] = Field(min_length=1)
    relevant: list[list[str]]


class _Contents(_Strict):
    format: Literal["retrieverkit adapter"]
    version: Literal[1]
    embedding: str
    fingerprint: str
    model: str
    probe: str
    strength: float = Field(gt=0)
    share: float = Field(gt=0, le=1)
    queries: list[str] = Field(min_length=1)
    measured: str
    map: _Map | None = None
    examples: _Examples | None = None


def read_adapter(path: str | os.PathLike[str]) -> Adapter:
    """Return the adapter that `write_adapter` wrote.

    Raises:
        ConfigError: There is no such file, it is damaged, something else, or of a later version.
    """
    file = Path(path)
    _check_file(file)
    try:
        with file.open("rb") as opened:
            data = opened.read(_LARGEST + 1)
        whole = json.loads(data) if len(data) <= _LARGEST else None
    except OSError as error:
        raise ConfigError(f"the adapter {file} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise _not_one(file, "it is damaged, or not an adapter at all") from error
    if not isinstance(whole, dict):
        raise _not_one(file, "it is something else")
    contents = whole.get("adapter")
    if not isinstance(contents, dict) or contents.get("format") != _FORMAT:
        raise _not_one(file, "it is something else")
    if isinstance(version := contents.get("version"), int) and version > _VERSION:
        raise ConfigError(f"a later version of retrieverkit-vector wrote the adapter {file}", fix="install that")
    if whole.get("sha256") != _digest(contents):
        raise _not_one(file, "it is damaged: its digest is not that of what it holds")
    try:
        return _adapter(_Contents.model_validate(contents))
    except ValidationError as error:
        first = error.errors()[0]
        raise _not_one(file, shorten(f"{'.'.join(map(str, first['loc']))}: {first['msg']}", 200)) from error
    except (InvalidEmbeddingError, ValueError) as error:  # bad base64 too
        raise _not_one(file, shorten(str(error).partition("\n")[0], 200)) from error


def _check_file(file: Path) -> None:
    try:
        if file.is_file():
            return
    except OSError as error:  # a name too long, or a folder that may not be looked into
        raise ConfigError(f"the adapter {shorten(file, 200)} cannot be read: {error.strerror or error}") from error
    there = "it is not a file" if os.path.lexists(file) else "there is no such file"
    raise ConfigError(f"the adapter {file}: {there}", fix="name the file that retriever adapt wrote")


def write_adapter(adapter: Adapter, path: str | os.PathLike[str], *, force: bool = False) -> None:
    """Write an adapter to a file, whole or not at all.

    Args:
        adapter: The adapter.
        path: The file.
        force: Replace what is there.

    Raises:
        ConfigError: There is something already and ``force`` is off, or the file cannot be written.
    """
    contents = _contents(adapter).model_dump()
    whole = {"sha256": _digest(contents), "adapter": contents}
    write_whole(json.dumps(whole, indent=1) + "\n", Path(path), force=force)


def write_whole(text: str, file: Path, *, force: bool) -> None:
    """Write a text to a file, whole or not at all.

    Args:
        text: The text.
        file: The file.
        force: Replace what is there.

    Raises:
        ConfigError: There is something already and ``force`` is off, or the file cannot be written.
    """
    check_free(file, force=force)
    unfinished = file.with_name(f".{file.name}.{uuid4().hex}.new")
    try:
        try:
            unfinished.write_text(text, encoding="utf-8")
            if force:
                os.replace(unfinished, file)
            else:
                _put_where_nothing_is(unfinished, file)
        finally:
            with contextlib.suppress(FileNotFoundError):
                unfinished.unlink()
    except FileExistsError as error:
        raise _taken(file) from error
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error.strerror or error}") from error


def check_free(path: str | os.PathLike[str], *, force: bool = False) -> None:
    """Refuse a file that an adapter cannot be written to.

    Raises:
        ConfigError: There is something already and ``force`` is off, or no folder for it.
    """
    file = Path(path)
    if os.path.lexists(file) and (not force or not file.is_file()):
        raise _taken(file)
    if not os.path.isdir(file.parent):
        raise ConfigError(f"{file} cannot be written: there is no folder {file.parent}", fix="make the folder first")


def _put_where_nothing_is(unfinished: Path, file: Path) -> None:
    try:
        os.link(unfinished, file)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        check_free(file)
        os.replace(unfinished, file)


def _taken(file: Path) -> ConfigError:
    return ConfigError(f"{file} is there already", fix="name another file, or replace it: --force, or force=True")


def _not_one(file: Path, problem: str) -> ConfigError:
    return ConfigError(f"{file} is not an adapter that can be used: {problem}", fix=_AGAIN)


def _digest(contents: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(contents, sort_keys=True).encode("ascii")).hexdigest()


def _contents(adapter: Adapter) -> _Contents:
    learned = adapter.learned
    examples = found = None
    if isinstance(learned, Examples):
        examples = _Examples(queries=list(learned.queries), relevant=[list(texts) for texts in learned.relevant])
    else:
        reads = None if learned.reads is None else as_texts(learned.reads)
        found = _Map(dimension=learned.dimension, reads=reads, adds=as_texts(learned.adds))
    return _Contents(
        format="retrieverkit adapter",
        version=1,
        embedding=adapter.embedding,
        fingerprint=adapter.made_by.embedding,
        model=adapter.made_by.model,
        probe=adapter.made_by.probe,
        strength=adapter.strength,
        share=adapter.share,
        queries=sorted(adapter.queries),
        measured=adapter.measured,
        map=found,
        examples=examples,
    )


def _adapter(contents: _Contents) -> Adapter:
    learned: QueryMap | Examples
    if (contents.map is None) == (contents.examples is None):
        raise ValueError("it holds a map or examples, and one of the two")
    if contents.map is not None:
        learned = _read_map(contents.map)
    else:
        assert contents.examples is not None
        examples = contents.examples
        if len(examples.queries) != len(examples.relevant) or not all(examples.relevant):
            raise ValueError("each of its queries needs relevant texts")
        learned = Examples(tuple(examples.queries), tuple(map(tuple, examples.relevant)))
    made_by = MadeBy(contents.fingerprint, contents.model, contents.probe)
    return Adapter(
        embedding=contents.embedding,
        made_by=made_by,
        strength=contents.strength,
        share=contents.share,
        queries=frozenset(contents.queries),
        measured=contents.measured,
        learned=learned,
    )


def _read_map(written: _Map) -> QueryMap:
    adds = _rows(written.adds, written.dimension)
    reads = None if written.reads is None else _rows(written.reads, written.dimension)
    if len(adds) != (written.dimension if reads is None else len(reads)):
        raise ValueError("its two parts do not fit together")
    return QueryMap(reads, adds)


def _rows(texts: list[str], dimension: int) -> NDArray[np.float32]:
    rows = np.ascontiguousarray(from_texts(texts, dimension), np.float32)
    check_finite(rows)
    return rows
