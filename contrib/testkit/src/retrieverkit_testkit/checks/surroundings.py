"""The process and the file system around a retriever."""

from __future__ import annotations

import datetime
import gc
import itertools
import logging
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from retrieverkit_core.filters import MetadataFilters
from retrieverkit_core.nodes import Document
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.retriever import BaseRetriever
from retrieverkit_testkit.answers import document_of, ensure_same
from retrieverkit_testkit.asking import in_loop
from retrieverkit_testkit.capabilities import Capability, Trait
from retrieverkit_testkit.checking import check
from retrieverkit_testkit.files_written import left_outside
from retrieverkit_testkit.library import SHARED, library, own_text, put
from retrieverkit_testkit.process_state import random_states, watched
from retrieverkit_testkit.subjects import Subject, Trial
from retrieverkit_testkit.verdicts import NothingToCheck, ensure

_CANARY = "zebrafish canary"
_IDS = (
    "../x",
    "../../x",
    "..",
    ".",
    "a/b",
    "a\\b",
    "..\\x",
    "~/x",
    "%2e%2e%2fx",
    "$HOME",
    "-rf",
    "*",
    "x\n y",
    "con",
    "X",
    "x",
    "caf\u00e9",
    "cafe\u0301",
    "1",
    "01",
    "long" * 300,
)

_FEW, _WINDOW, _MANY = 300, 150, 8_000
"""Queries that may fill caches, that are looked at together, and after which no cache should grow any more."""
_MEMORY_SECONDS = 30.0


def _ways(retriever: BaseRetriever) -> dict[str, Callable[[], object]]:
    """Return calls of every kind."""
    year = MetadataFilters.parse("year >= 1970")
    plain, filtered = QueryBundle(_CANARY, top_k=3), QueryBundle(SHARED, top_k=3, filters=year, scope=year)
    return {
        "retrieve": lambda: retriever.retrieve(plain),
        "retrieve with filters": lambda: retriever.retrieve(filtered),
        "retrieve of nothing": lambda: retriever.retrieve(QueryBundle("zzyzx", top_k=3)),
        "retrieve of a blank query": lambda: retriever.retrieve(" "),
        "retrieve of a long query": lambda: retriever.retrieve(QueryBundle("straw " * 2000, top_k=3)),
        "aretrieve": lambda: in_loop(retriever.aretrieve(plain)),
        "aretrieve with filters": lambda: in_loop(retriever.aretrieve(filtered)),
        "retrieve_many": lambda: retriever.retrieve_many([plain, filtered, SHARED]),
        "aretrieve_many": lambda: in_loop(retriever.aretrieve_many([plain, filtered])),
    }


@check()
def check_the_process_is_left_as_it_is(subject: Subject) -> None:
    """No call changes the folder, environment, locale, logging, warnings or streams of the process, nor prints.

    Each other check looks at the same before and after.

    To mend: take what you need as an argument or an option; log to a logger of your own; never set what all share.
    """
    with subject.over(library()) as trial:
        for ask in _ways(trial.retriever).values():  # imports what is imported at the first use
            ask()
    with watched() as seen, subject.over(library()) as trial:
        trial.ask(SHARED)
    ensure(not seen.problems, f"making and asking: {'; '.join(seen.problems)}")
    with subject.shelf() as trial:
        for way, ask in _ways(trial.retriever).items():
            with watched() as seen:
                ask()
            ensure(not seen.problems, f"{way}: {'; '.join(seen.problems)}")


@check()
def check_random_numbers_are_not_seeded(subject: Subject) -> None:
    """No call seeds the random numbers that the process shares.

    To mend: make a generator of your own: ``random.Random(7)``, ``numpy.random.default_rng(7)``.
    """
    before = random_states()
    seeded: list[str] = []
    try:
        with subject.shelf() as trial:
            ways: dict[str, Callable[[], object]] = {"making": lambda: _make(subject), **_ways(trial.retriever)}
            for way, ask in ways.items():
                after = []
                for seed in (1, 2):
                    _seed(seed)
                    ask()
                    after.append(random_states())
                seeded += [f"{way} seeds {name}" for name in after[0] if after[0][name] == after[1].get(name)]
    finally:
        random.setstate(before["random"])
    ensure(not seeded, "; ".join(seeded))


@check()
def check_queries_are_not_logged_aloud(subject: Subject) -> None:
    """An ordinary call logs nothing at WARNING or above, and no words of the query there.

    To mend: log at DEBUG what only you need; what users ask is theirs.
    """
    records: list[str] = []
    handler = _Keeping(records)
    loggers = [logging.getLogger(name) for name in ("", "retrieverkit", "retrieverkit_core", "retrieverkit_indexing")]
    with subject.shelf() as trial:
        ways = _ways(trial.retriever)
        ways.pop("retrieve of a long query")
        for logger in loggers:
            logger.addHandler(handler)
        try:
            for ask in ways.values():
                ask()
        finally:
            for logger in loggers:
                logger.removeHandler(handler)
    ensure(not records, f"ordinary calls log {records[:1]}")


@check(Capability.DETERMINISTIC)
def check_the_clock_changes_no_answer(subject: Subject) -> None:
    """The same question has the same answer thirty years later.

    To mend: let a date be given, by the query, an option or the metadata; do not read the clock into a score.
    """
    texts = (SHARED, own_text(library()[2]))
    with subject.shelf() as trial:
        expected = [trial.scored(text, top_k=20) for text in texts]
        with _years_later(30, _author(subject, trial)):
            for text, wanted in zip(texts, expected, strict=True):
                ensure_same(trial.scored(text, top_k=20), wanted, f"thirty years later, {text!r}")


@check(thorough=True)
def check_nothing_is_kept_of_every_query(subject: Subject) -> None:
    """Thousands of different queries, each with filters of its own, leave no more in memory than some hundreds.

    To mend: bound each cache by a number of entries, and by bytes where entries may be large.
    """
    words = [own_text(document).split()[-1] for document in library()]
    queries = (
        QueryBundle(" ".join(some), top_k=3, filters=MetadataFilters.parse(f"year > {number}"))
        for number, some in enumerate(itertools.permutations(words, 4))
    )
    most = min(_MANY, int(_MEMORY_SECONDS / max(subject.pace, 1e-6)))
    with subject.shelf() as trial:
        asked = _ask_some(trial, queries, _FEW)
        before = _blocks()
        while asked < most:
            asked += _ask_some(trial, queries, _WINDOW)
            now = _blocks()
            if now - before < _WINDOW:
                return
            before = now
    if most < _MANY:
        raise NothingToCheck("a call takes too long to ask thousands of queries")
    ensure(False, f"after {asked:,} different queries, each still leaves something behind")


def _ask_some(trial: Trial, queries: Iterator[QueryBundle], count: int) -> int:
    for query in itertools.islice(queries, count):
        trial.retriever.retrieve(query)
    return count


def _blocks() -> int:
    """Return how many objects Python has in memory, but for what nothing refers to."""
    gc.collect()
    return sys.getallocatedblocks()


@check()
def check_hostile_ids_stay_ids(subject: Subject) -> None:
    """Documents with ids such as ``../x``, ``/x`` or ``*`` are kept apart, come back as they are and touch no file.

    To mend: never make a path, a pattern or a key of lower-case letters of an id; write a hash or the ordinal.
    """
    with tempfile.TemporaryDirectory(prefix="retrieverkit-check-", ignore_cleanup_errors=True) as name:
        outside = Path(name)
        names = [*_IDS, str(outside / "absolute")]
        box = outside / "a" / "b"
        box.mkdir(parents=True)
        before = _tree(outside, but=box / "index")
        plain = [Document(f"shared word number {n}", id=f"d{n}", metadata={"place": n}) for n in range(len(names))]
        with subject.over(plain) as other:
            expected = [names[int(one[1:])] for one in _found_ids(other, plain)]
        documents = [Document(one.text, id=own, metadata=one.metadata) for one, own in zip(plain, names, strict=True)]
        with _hostile_trial(subject, box, documents) as trial:
            found = _found_ids(trial, documents)
            told = f"of hostile ids {sorted(set(expected) ^ set(found))[:3]} are lost or mixed"
            ensure(sorted(found) == sorted(expected), told)
            if trial.index is not None:
                trial.index.delete(names[:8])
                trial.ask("shared word", top_k=100)
        after = _tree(outside, but=box / "index")
        ensure(before == after, f"files beside the index changed: {sorted(map(str, before ^ after))[:3]}")


@check()
def check_no_file_is_left_outside_of_the_index(subject: Subject) -> None:
    """Indexing and asking write files to the folder of the index alone; what libraries cache once is not looked at.

    To mend: keep files in ``context.storage``; use ``tempfile`` in a ``with`` block for what is needed for a moment.
    """
    _make(subject)
    other = [Document(f"{_CANARY} {n} unheard of", id=f"canary{n}", metadata={"n": n}) for n in range(5)]

    def work() -> str:
        with subject.over(other) as trial:
            for ask in _ways_of_canaries(trial.retriever):
                ask()
            return str(trial.index.path) if trial.index is not None else ""

    left = left_outside(work)
    ensure(not left, f"files are left outside of the index: {', '.join(map(str, left[:3]))}")


@check(needs=(Trait.MODE,))
def check_snapshots_are_closed(subject: Subject) -> None:
    """Every snapshot of the corpus that a call opens is closed when it ends: an open one keeps the past on disk.

    To mend: ``with corpus.snapshot() as view:``, and read all that you need inside.
    """
    with subject.over(library()) as trial:
        assert trial.index is not None
        corpus, opened = trial.index.corpus, [0]
        snapshot = corpus.snapshot

        @contextmanager
        def counted() -> Iterator[Any]:
            opened[0] += 1
            try:
                with snapshot() as view:
                    yield view
            finally:
                opened[0] -= 1

        corpus.snapshot = counted  # type: ignore[method-assign]
        try:
            retriever = trial.another(None)
            for way, ask in _ways(retriever).items():
                ask()
                ensure(opened[0] == 0, f"{way} leaves {opened[0]} snapshots open")
            put(trial.index, [Document("walrus report", id="walrus")])
            retriever.retrieve(SHARED)
            ensure(opened[0] == 0, f"catching up leaves {opened[0]} snapshots open")
        finally:
            del corpus.snapshot


def _make(subject: Subject) -> None:
    with subject.over(library()[:4]) as trial:
        trial.ask(SHARED)


def _ways_of_canaries(retriever: BaseRetriever) -> list[Callable[[], object]]:
    year = MetadataFilters.parse("n >= 1")
    return [
        lambda: retriever.retrieve(QueryBundle(_CANARY, top_k=3)),
        lambda: retriever.retrieve(QueryBundle(_CANARY, top_k=3, filters=year)),
        lambda: in_loop(retriever.aretrieve(QueryBundle("unheard of", top_k=3))),
        lambda: retriever.retrieve_many([_CANARY, "unheard"]),
    ]


def _seed(number: int) -> None:
    random.seed(number)
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed(number)


class _Keeping(logging.Handler):
    """Keeps the messages of WARNING and above."""

    def __init__(self, messages: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._messages = messages

    def emit(self, record: logging.LogRecord) -> None:
        self._messages.append(f"{record.name}: {record.getMessage()}"[:200])


def _author(subject: Subject, trial: Trial) -> str:
    module = type(trial.retriever).__module__
    if Trait.MODE in subject.traits:
        module = type(subject.mode.plugin.plugin).__module__
    return module.partition(".")[0]


@contextmanager
def _years_later(years: int, package: str) -> Iterator[None]:
    """Move the clock that a package's modules read, and `time.time`."""
    later = years * 365.25 * 86400
    clock, real_datetime, real_date = time.time, datetime.datetime, datetime.date

    class LaterDateTime(datetime.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return real_datetime.fromtimestamp(clock() + later, tz)

        @classmethod
        def utcnow(cls) -> Any:
            return real_datetime.fromtimestamp(clock() + later, datetime.UTC).replace(tzinfo=None)

        @classmethod
        def today(cls) -> Any:
            return cls.now()

    class LaterDate(datetime.date):
        @classmethod
        def today(cls) -> Any:
            return real_datetime.fromtimestamp(clock() + later).date()

    fakes = {
        id(clock): lambda: clock() + later,
        id(time.time_ns): lambda: int((clock() + later) * 1e9),
        id(real_datetime): LaterDateTime,
        id(real_date): LaterDate,
    }
    stdlib = [module for module in (time, datetime) if module is not None]
    own = [one for name, one in list(sys.modules.items()) if name.partition(".")[0] == package and one is not None]
    put_back: list[tuple[Any, str, Any]] = []
    try:
        for module in (*stdlib, *own):
            for name, value in list(vars(module).items()):
                if id(value) in fakes:
                    put_back.append((module, name, value))
                    setattr(module, name, fakes[id(value)])
        yield
    finally:
        for module, name, value in put_back:
            setattr(module, name, value)


@contextmanager
def _hostile_trial(subject: Subject, box: Path, documents: list[Document]) -> Iterator[Trial]:
    if Trait.MODE not in subject.traits:
        with subject.over(documents) as trial:
            yield trial
        return
    with subject.mode.open(box / "index") as index:
        put(index, documents)
        trial = subject.mode.on(index)
        trial.ask("shared word", top_k=3)
        yield trial


def _found_ids(trial: Trial, documents: list[Document]) -> list[str]:
    """Return the ids that are found, each with its own text, also one by one under a filter."""
    own = {document.id: document for document in documents}
    hits = trial.ask("shared word", top_k=1000)
    found = [document_of(hit) for hit in hits]
    for hit in hits:
        source = own.get(document_of(hit))
        ensure(source is not None, f"the id {document_of(hit)!r} is not that of a document")
        ensure(
            source is not None and hit.node.text == source.text, f"the id {document_of(hit)[:30]!r} has another's text"
        )
    for document in documents:
        tree = MetadataFilters.parse(f"place == {document.metadata['place']}")
        under = [document_of(hit) for hit in trial.ask("shared word", top_k=3, filters=tree)]
        ensure(under == [document.id] or document.id not in found, f"under a filter for {document.id[:30]!r}, {under}")
    return found


def _tree(folder: Path, but: Path) -> set[tuple[str, int]]:
    """Return the files under a folder with their sizes, without those of one folder."""
    found = set()
    for path in folder.rglob("*"):
        if but != path and but not in path.parents:
            with suppress(OSError):
                found.add((str(path), path.stat().st_size if path.is_file() else 0))
    return found
