"""The metadata of the nodes in view: read from the corpus once, kept up as it grows, narrowed to what a caller may see.

What one caller may see is found among the rows that are kept in memory: for each node its metadata, and a hash of
each word of its text.
"""

from __future__ import annotations

import os
import sys
from array import array
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Collection, Container, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from threading import RLock
from typing import Any, NamedTuple
from weakref import WeakSet
from zlib import crc32

from retrieverkit_auto.fields import FieldInfo, Kind, MetadataInfo, declared_field, singular, words_of
from retrieverkit_core.corpus import Corpus, CorpusSnapshot, Cursor, IndexSettings, searched_text
from retrieverkit_core.filters import RESERVED_FIELDS, MetadataFilters, filterable, instant, kind_of
from retrieverkit_core.readers import FILE_FACTS

MAX_VALUES = 20_000
"""A field with more distinct strings than this is not known by its values."""

_MAX_WORDS = 12
"""A string with more words than this is a text, not a value to filter by."""

_VIEWS = 64
"""For this many scopes and filters the schema is kept."""

_ANSWERS = 4096
"""So many answers about words in texts are kept per schema."""

_KINDS: dict[str, Kind] = {"string": "string", "number": "number", "date": "date", "bool": "bool"}


class Row(NamedTuple):
    """One node.

    Attributes:
        ordinal: Its place in the corpus.
        metadata: What filters ask about.
        words: The hash of each distinct word of its text.
    """

    ordinal: int
    metadata: dict[str, Any]
    words: array[int]

    def has(self, hashes: Iterable[int]) -> bool:
        """Return whether the text has all these words."""
        return all(each in self.words for each in hashes)


class _Hashes(dict[str, int]):
    """The hash of each word, counted once."""

    def __missing__(self, word: str) -> int:
        self[word] = hashed = _hash(word)
        return hashed


def _hash(word: str) -> int:
    return crc32(singular(word).encode())


class Schema:
    """The fields of the nodes in view.

    Args:
        fields: The fields.
        rows: The nodes in view.
        language: The language of the texts.
        vocabulary: The hash of each word of all texts, also of those that are not in view.
    """

    def __init__(
        self,
        fields: Sequence[FieldInfo],
        rows: Sequence[Row] = (),
        language: str = "en",
        vocabulary: Container[int] = frozenset(),
    ) -> None:
        self.fields = tuple(fields)
        self._vocabulary = vocabulary
        self.language = language
        self._rows = rows
        self._strangers: dict[tuple[str, tuple[str, ...]], bool] = {}

    @cached_property
    def by_name(self) -> dict[str, FieldInfo]:
        """The fields by their names."""
        return {field.name: field for field in self.fields}

    def passing(self, tree: MetadataFilters) -> Iterator[int]:
        """Yield the ordinals of the nodes in view that pass a filter, in the order of the corpus."""
        passes = tree.matcher
        return (row.ordinal for row in self._rows if passes(row.metadata))

    def is_word(self, word: str) -> bool:
        """Return whether a text has a word."""
        hashed = [_hash(word)]
        return any(row.has(hashed) for row in self._rows)

    def is_word_within(self, tree: MetadataFilters, word: str) -> bool:
        """Return whether a text of those that pass a filter has a word."""
        passes, hashed = tree.matcher, [_hash(word)]
        return any(row.has(hashed) and passes(row.metadata) for row in self._rows)

    def is_word_elsewhere(self, tree: MetadataFilters, words: Sequence[str]) -> bool:
        """Return whether a text outside of a filter has all these words: then they may mean what texts mean by them.

        Two words with one hash make this true too seldom to matter, and are on the safe side.
        """
        key = str(tree), tuple(words)
        known = self._strangers.get(key)
        if known is None:
            hashes, passes = list(map(_hash, words)), tree.matcher
            rows = self._rows if all(each in self._vocabulary for each in hashes) else ()
            known = any(row.has(hashes) and not passes(row.metadata) for row in rows)
            if len(self._strangers) >= _ANSWERS:
                self._strangers.clear()
            self._strangers[key] = known
        return known


class Schemas:
    """The schemas of one corpus, or of what is declared alone. Safe to use from many threads.

    Args:
        corpus: The corpus, or None where there is only what is declared.
        declared: The fields that may be filtered by; all that the corpus has if None.
    """

    def __init__(self, corpus: Corpus | None, declared: Sequence[MetadataInfo] | None = None) -> None:
        self._corpus = corpus
        self._declared = None if declared is None else tuple(declared)
        self._begin()
        _LIVE.add(self)

    def _begin(self) -> None:
        self._guard = RLock()
        self._rows: dict[int, Row] = {}
        self._state: tuple[Cursor, object] | None = None
        self._views: OrderedDict[MetadataFilters | None, Schema] = OrderedDict()
        self._strings: dict[str, str] = {}
        self._hashes = _Hashes()
        self._vocabulary: set[int] = set()

    def after_fork(self) -> None:
        """In a child: begin again, if a thread that is not here was reading."""
        if self._guard.acquire(blocking=False):
            self._guard.release()
        else:
            self._begin()

    def of(self, view: MetadataFilters | None) -> Schema:
        """Return the schema of the nodes that pass ``view``: the caller's filters and scope; None for all.

        Raises:
            CorpusError: The corpus cannot be read.
        """
        if self._corpus is None:
            declared = [declared_field(info, None, view is not None) for info in self._declared or ()]
            return Schema(declared)
        with self._guard:
            self._catch_up(self._corpus)
            schema = self._views.get(view)
            if schema is None:
                schema = self._views[view] = self._narrowed(view, self._corpus.settings)
            self._views.move_to_end(view)
            while len(self._views) > _VIEWS:
                self._views.popitem(last=False)
            return schema

    def _catch_up(self, corpus: Corpus) -> None:
        settings = corpus.settings
        if self._state is not None and self._state == (corpus.head(), settings):
            return
        with corpus.snapshot() as snapshot:
            known = self._state
            if known is not None and known[1] == settings and corpus.holds(known[0]):
                for ordinal in snapshot.removed(known[0]):
                    self._rows.pop(ordinal, None)
                self._read(corpus, snapshot, known[0])
            else:
                self._rows.clear()
                self._strings.clear()
                self._hashes.clear()
                self._vocabulary = set()
                self._read(corpus, snapshot, None)
            self._state = snapshot.cursor, settings
        self._views.clear()

    def _read(self, corpus: Corpus, snapshot: CorpusSnapshot, since: Cursor | None) -> None:
        settings = corpus.settings
        for ordinal, node in snapshot.nodes() if since is None else snapshot.added(since):
            words = {self._hashes[word] for word in words_of(searched_text(node, settings))}
            metadata = {sys.intern(key): self._shared(value) for key, value in filterable(node).items()}
            self._rows[ordinal] = Row(ordinal, metadata, array("I", words))
            self._vocabulary |= words

    def _shared(self, value: Any) -> Any:
        """Return a value that many nodes have as one object."""
        if isinstance(value, str) and len(value) <= 80:
            return self._strings.setdefault(value, value)
        return value

    def _narrowed(self, view: MetadataFilters | None, settings: IndexSettings) -> Schema:
        rows = list(self._rows.values())
        if view is not None:
            passes = view.matcher
            rows = [row for row in rows if passes(row.metadata)]
        seen = _fields(rows, settings.searched)
        if self._declared is None:
            return Schema(list(seen.values()), rows, settings.language, self._vocabulary)
        declared = [
            declared_field(info, seen.get(info.name), view is not None)
            for info in self._declared
            if info.name in seen or view is None
        ]
        return Schema(declared, rows, settings.language, self._vocabulary)


_LIVE: WeakSet[Schemas] = WeakSet()


def _after_fork() -> None:
    for schemas in list(_LIVE):
        schemas.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class _Column:
    """What is seen of one field."""

    def __init__(self) -> None:
        self.strings: Counter[str] = Counter()
        self.kinds: set[str] = set()
        self.lists = self.singles = self.fractions = False

    def see(self, value: Any) -> None:
        if isinstance(value, str):
            self.singles = True
            self.strings[value] += 1
        elif isinstance(value, (list, tuple)):
            self.lists = True
            for each in {each for each in value if isinstance(each, str)}:
                self.strings[each] += 1
            for each in value:
                if not isinstance(each, str):
                    self._see_other(each)
        else:
            self.singles = self.singles or value is not None
            self._see_other(value)

    def _see_other(self, value: Any) -> None:
        if value is None:
            return
        if isinstance(value, float) and not value.is_integer():
            self.fractions = True
        self.kinds.add("number" if type(value) in (int, float) else kind_of(value))

    def field(self, name: str, searched: bool) -> FieldInfo | None:
        """Return the field, if its values are of one kind that can be asked for in words."""
        kinds = self.kinds | {"string" if instant(value) is None else "date" for value in self.strings}
        kind = _KINDS.get(next(iter(kinds))) if len(kinds) == 1 else None
        if kind is None:
            return None
        seen, nodes = self.strings if kind == "string" else Counter[str](), sum(self.strings.values())
        is_category = len(seen) < nodes
        if len(seen) > MAX_VALUES or (searched and not is_category):
            seen = Counter()  # texts rather than values
        return FieldInfo(
            name,
            kind,
            lists=self.lists,
            singles=self.singles,
            whole=not self.fractions,
            values={value: seen[value] for value in sorted(seen) if _is_short(value)},
            is_category=is_category,
        )


def _fields(rows: Iterable[Row], searched: Collection[str] = ()) -> dict[str, FieldInfo]:
    """Return the fields whose values are of one kind, by name."""
    columns: dict[str, _Column] = defaultdict(_Column)
    of_files = set(FILE_FACTS)
    for row in rows:
        for name, value in row.metadata.items():
            columns[name].see(value)
        if not row.metadata.keys() >= FILE_FACTS:
            of_files.difference_update(row.metadata)  # the author's own field of that name
    fields = (columns[name].field(name, name in searched) for name in sorted(columns) if name not in RESERVED_FIELDS)
    return {field.name: replace(field, of_files=field.name in of_files) for field in fields if field is not None}


def _is_short(value: str) -> bool:
    return 0 < len(value) <= 80 and value.count(" ") < _MAX_WORDS
