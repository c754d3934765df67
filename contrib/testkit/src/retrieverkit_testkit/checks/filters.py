"""A filter means what it says, in every mode.

What must be found is what the retriever finds without filters, cut by a brute-force oracle. That needs nothing declared
of it; where it declares that it finds everything that matches, all documents are that.
"""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky

from retrieverkit_core.errors import FilterTypeError, UnknownFieldError, shorten
from retrieverkit_core.filters import FilterOperator, MetadataFilter, MetadataFilters
from retrieverkit_core.nodes import Document
from retrieverkit_core.query import QueryBundle
from retrieverkit_testkit.answers import document_of, ids, nodes
from retrieverkit_testkit.asking import refused
from retrieverkit_testkit.capabilities import Capability, Trait
from retrieverkit_testkit.checking import check
from retrieverkit_testkit.filters_oracle import KEYS, filter_trees, metadatas, oracle_matches
from retrieverkit_testkit.homes import hypothesis_home
from retrieverkit_testkit.hostile import HOSTILE
from retrieverkit_testkit.library import SHARED, chapters, library
from retrieverkit_testkit.subjects import Subject, Trial
from retrieverkit_testkit.verdicts import CheckFailed, NothingToCheck, ensure

_SAMPLES: tuple[Any, ...] = (None, True, 1, 2.5, "2024-01-05", "a", [], [None, True, 1, "2024-01-05", "a"], {"a": 1})
"""A value of each kind, so that each field of the corpus has been seen with each kind."""

_LONG = "x" * 5000
_WILD = ("100%", "100 percent", "a_b", "axb", "a*b", "a.b", "a?b", "a\\b", "[ab]", "a%", "%", "_")
_MIDNIGHTS = (
    "2024-03-31",
    "2024-03-31T00:00:00",
    "2024-03-30T23:30:00",
    "2024-03-31T12:00:00Z",
    "2024-03-31T00:00:00+14:00",
)

_VALUES: dict[FilterOperator, tuple[Any, ...]] = {
    FilterOperator.EQ: (1, "a", "2024-01-05", True, None, ["a", 1]),
    FilterOperator.NE: (1, "a", "2024-01-05T00:00:00Z", True, None, ["a", 1]),
    FilterOperator.GT: (0, 1, 2**53, "2024-01-04", "A"),
    FilterOperator.LT: (2, -1.5, 2**53, "2024-01-06", "b"),
    FilterOperator.GTE: (1, 1.0, "2024-01-05T01:00:00+01:00", "a"),
    FilterOperator.LTE: (1, 1.0, "2024-01-05T01:00:00+01:00", "a"),
    FilterOperator.IN: ([1, "a"], [None, True], []),
    FilterOperator.NIN: ([1, "a"], [None, True], []),
    FilterOperator.ANY: (["a", 1], [None], []),
    FilterOperator.ALL: (["a", 1], [None], []),
    FilterOperator.CONTAINS: ("a", 1, None, "2024-01-05"),
    FilterOperator.TEXT_MATCH: ("a", "", "2024"),
    FilterOperator.TEXT_MATCH_INSENSITIVE: ("A", ""),
    FilterOperator.IS_EMPTY: (None,),
}
_YEARS: tuple[Any, ...] = (0, 1, -1, 2**53, 2**53 + 1, "b", "ab", ["a"], {})
_MOST_ANSWERS = 3000
_passing: dict[tuple[str, str], set[str]] = {}
_LEAVES = [(operator, value) for operator, values in _VALUES.items() for value in values]


def corpus(metadata: Sequence[dict[str, Any]]) -> list[Document]:
    """Return documents that share their words, each with one of ``metadata``, and one for each kind of value.

    Every third one has several nodes.
    """
    kinds = [dict.fromkeys(KEYS, sample) for sample in _SAMPLES]
    return [
        chapters(f"shared word {n % 3}", "shared word in a second passage", id=str(n), metadata=one)
        if n % 3 == 2
        else Document(f"shared word {n % 3}", id=str(n), metadata=one)
        for n, one in enumerate([*kinds, *metadata])
    ]


class Oracle:
    """Says what a retriever must find under filters.

    Args:
        subject: What is checked.
        trial: The retriever.
        documents: What it retrieves from.
        text: The query.

    Raises:
        NothingToCheck: Without filters it finds nothing.
    """

    def __init__(self, subject: Subject, trial: Trial, documents: Sequence[Document], text: str = "shared") -> None:
        self._trial = trial
        self._traits = subject.traits
        self._text = text
        self._metadata = {document.id: document.metadata for document in documents}
        self._written = repr(self._metadata)
        whole = trial.ask(text, top_k=10 * len(documents) + 100)
        self._whole = [(hit.node.id, document_of(hit)) for hit in whole]
        if not whole and documents:
            raise NothingToCheck(f"the word {text!r}, which all documents share, finds none of them")
        complete = Capability.EXHAUSTIVE not in subject.declared or len(ids(whole)) == len(documents)
        ensure(complete, f"the word {text!r}, which all documents share, finds {len(ids(whole))} of {len(documents)}")

    def compare(self, filters: MetadataFilters | None, scope: MetadataFilters | None = None, top_k: int = 0) -> None:
        """Fail unless the retriever finds what it must; ``top_k`` of 0 is more than there is."""
        trees = [tree.model_dump(mode="json") for tree in (filters, scope) if tree is not None]
        passing = self._passing(trees)
        expected = [node for node, document in self._whole if document in passing]
        limit = top_k or 10 * len(self._metadata) + 100
        hits = self._trial.ask(self._text, top_k=limit, filters=filters, scope=scope)
        found = nodes(hits)
        told = f"under {shorten(filters, 200)}" if filters is not None else "without a filter"
        told += f" and the scope {shorten(scope, 200)}" if scope is not None else ""
        wrong = [name for name in ids(hits) if name not in passing]
        ensure(not wrong, f"{told}, documents were found that do not pass, such as {self._such(wrong)}")
        leaked = Trait.PUSHES in self._traits and hits.filters.leaked
        ensure(not leaked, f"{told}, {hits.filters.leaked[:1]} was let through, and taken out by core")
        missing = sorted({document for node, document in self._whole if node in set(expected) - set(found)})
        wanted = min(limit, len(expected))
        complete = len(found) >= wanted and (len(expected) > limit or not missing)
        ensure(
            complete,
            f"{told} and top_k={limit}, {min(len(found), wanted)} of {wanted} were found; "
            f"missing {self._such(missing)}",
        )

    def _passing(self, trees: Sequence[dict[str, Any]]) -> set[str]:
        """Return the documents that pass all ``trees``, which are the same for each retriever that is checked."""
        asked = (repr(trees), self._written)
        if asked not in _passing:
            if len(_passing) > _MOST_ANSWERS:
                _passing.clear()
            _passing[asked] = {
                name
                for name, metadata in self._metadata.items()
                if all(oracle_matches(tree, metadata) for tree in trees)
            }
        return _passing[asked]

    def _such(self, names: Sequence[str]) -> str:
        return shorten([self._metadata[name] for name in names[:1]], 200)


@check()
def check_filters_equal_brute_force(subject: Subject) -> None:
    """Any tree of filters, with any scope, finds what reading every document's metadata finds. All operators.

    To mend: declare in ``can_push`` only what you apply exactly by ``docs/reference/filters.md``; core applies the
    rest. Look at nulls, missing keys, dates with zones, numbers above 2**53, and negations of all these.
    """
    corpora = 1 if subject.quick else 3
    trees = len(subject.few(range(40 if subject.quick else 70 * corpora)))
    for number in range(corpora):
        documents = corpus(_drawn(number))
        with subject.over(documents) as trial:
            _fuzz(Oracle(subject, trial, documents), max(2, trees // corpora), number)


@check()
def check_every_operator_alone(subject: Subject) -> None:
    """Each operator finds what its rule says, on every kind of value, alone and negated.

    To mend: the message names the operator and the value; ``docs/reference/filters.md`` states its rule.
    """
    documents = corpus([{"year": value} for value in _YEARS])
    with subject.over(documents) as trial:
        oracle = Oracle(subject, trial, documents)
        for operator, value in subject.few(_LEAVES, calls=2):
            leaf = MetadataFilter(key="year", operator=operator, value=value)
            oracle.compare(MetadataFilters(filters=[leaf]))
            oracle.compare(MetadataFilters(filters=[leaf], condition="not"))


@check(needs=(Trait.PUSHES,))
def check_pushed_filters_are_applied(subject: Subject) -> None:
    """What a retriever says it applies itself it does apply: nothing of it is left for core to take out.

    To mend: hand ``query_bundle.filters`` to the engine, also in ``_aretrieve``, ``_retrieve_many`` and in every leg;
    or take the operator out of ``filter_capabilities``.
    """
    documents = corpus([{"year": n} for n in range(4)])
    with subject.over(documents) as trial:
        for operator, value in subject.few(_LEAVES, calls=4):
            tree = MetadataFilters(filters=[MetadataFilter(key="year", operator=operator, value=value)])
            for query in (QueryBundle("shared", top_k=5, filters=tree), QueryBundle("shared", top_k=5, scope=tree)):
                for result in (trial.retriever.retrieve(query), *trial.retriever.retrieve_many([query])):
                    ensure(not result.filters.leaked, f"{tree} was said to be applied and is not")
                    ensure(not result.warnings, f"{tree}: {'; '.join(result.warnings)}")


@check()
def check_a_narrow_filter_still_fills_top_k(subject: Subject) -> None:
    """One passing document among many that rank before it is found, whoever applies the filter.

    To mend: give as many candidates as ``query_bundle.top_k`` asks for (core asks for more while too few pass), and
    filter before you cut.
    """
    count = 60 if subject.quick else 400
    many = [Document("shared shared shared", id=str(n), metadata={"n": n, "name": "other"}) for n in range(count)]
    documents = [*many, Document("a shared word", id="one", metadata={"n": 7000, "name": "seven"})]
    with subject.over(documents) as trial:
        oracle = Oracle(subject, trial, documents)
        for leaf in (
            MetadataFilter(key="n", value=7000),
            MetadataFilter(key="name", operator="text_match", value="seven"),
        ):
            oracle.compare(MetadataFilters(filters=[leaf]), top_k=1)


@check()
def check_a_filter_that_nothing_passes(subject: Subject) -> None:
    """A filter that no document passes gives no hits, whatever ``top_k`` is.

    To mend: do not fall back to unfiltered hits when the filtered ones are few.
    """
    with subject.shelf() as trial:
        for text in ("year > 3000", "tenant == 'nobody'", "lang in ['xx', 'yy']", "not (year > 0)"):
            for k in (1, 100):
                found = ids(trial.ask(SHARED, top_k=k, filters=MetadataFilters.parse(text)))
                ensure(not found, f"under {text} there are hits: {found}")


@check(Capability.DETERMINISTIC)
def check_a_filter_that_all_pass_changes_nothing(subject: Subject) -> None:
    """Under a filter, a scope or both that every document passes there are the hits that there are without.

    To mend: look for hits that are lost beside filters: an "or" over postings, a limit that is cut twice, a row that
    was left out.
    """
    everything = MetadataFilters.parse("year > 0")
    with subject.shelf() as trial:
        for k in (1, 3, 100):
            expected = nodes(trial.ask(SHARED, top_k=k))
            for limits in (
                {"filters": everything},
                {"scope": everything},
                {"filters": everything, "scope": everything},
            ):
                found = nodes(trial.ask(SHARED, top_k=k, **limits))
                told = f"under a {' and '.join(limits)} that all pass, top_k={k} finds"
                ensure(len(found) == len(expected), f"{told} {len(found)} of {len(expected)} hits")
                ensure(k < 100 or set(found) == set(expected), f"{told} other hits")


@check()
def check_filters_that_differ_a_little_are_kept_apart(subject: Subject) -> None:
    """Filters and scopes that differ in one place, be it the end of a long list or text, have their own answers.

    To mend: key every cache by the whole filter and the whole scope (their JSON will do), or do not cache.
    """
    names = [f"{_LONG[:900]}{n}" for n in range(3)]
    documents = [
        Document(
            "shared word", id=str(n), metadata={"owner": f"u{n}", "n": n, "long": names[n % 3], "flag": n % 2 == 0}
        )
        for n in range(12)
    ]
    crowded = [f"guest{n}" for n in range(400)]

    def leaf(key: str, operator: str, value: Any) -> MetadataFilter:
        return MetadataFilter(key=key, operator=operator, value=value)

    leaves = [
        *(leaf("owner", "in", [*crowded, f"u{n}"]) for n in range(4)),
        *(leaf("owner", "nin", [*crowded, f"u{n}"]) for n in range(2)),
        *(leaf("long", "==", name) for name in names),
        leaf("n", ">", 5),
        leaf("n", ">=", 5),
        leaf("n", "==", 1),
        leaf("n", "==", 1.5),
        leaf("flag", "==", True),
        leaf("flag", "==", False),
    ]
    trees = [MetadataFilters(filters=[one]) for one in leaves]
    trees += [MetadataFilters(filters=leaves[9:12], condition=condition) for condition in ("and", "or", "not")]
    with subject.over(documents) as trial:
        oracle = Oracle(subject, trial, documents)
        for tree in subject.few(trees, calls=4):
            oracle.compare(tree)
            oracle.compare(None, tree)
            oracle.compare(tree, trees[0])
            oracle.compare(trees[0], tree)


@check()
def check_long_and_wild_values_are_only_values(subject: Subject) -> None:
    """Long strings are compared to their end; ``%``, ``_``, ``*`` and other wildcards are only characters.

    To mend: escape what the engine takes for a pattern, and let no engine cut or drop long terms; where it does, leave
    such a value to core by ``can_push``.
    """
    values = [*_WILD, f"{_LONG}a", f"{_LONG}b", _LONG[:300]]
    documents = [Document("shared word", id=str(n), metadata={"value": value}) for n, value in enumerate(values)]
    with subject.over(documents) as trial:
        oracle = Oracle(subject, trial, documents)
        for value in subject.few(values, calls=4):
            for operator in ("==", "!=", "text_match", "text_match_insensitive"):
                oracle.compare(MetadataFilters(filters=[MetadataFilter(key="value", operator=operator, value=value)]))


@check()
def check_keys_are_taken_as_they_are(subject: Subject) -> None:
    """Fields whose names differ in case, spaces or form of an accent are different fields.

    To mend: use the key as it is; no lower case, no trimming, no normalising, no splitting at dots.
    """
    keys = ("Year", "year", " year", "YEAR", "caf\u00e9", "cafe\u0301", "a.b", "a", "a-b", "a_b")
    documents = [Document("shared word", id=str(n), metadata={key: n}) for n, key in enumerate(keys)]
    documents.append(Document("shared word", id="nested", metadata={"a": {"b": 6}}))
    with subject.over(documents) as trial:
        oracle = Oracle(subject, trial, documents)
        for n, key in enumerate(keys):
            oracle.compare(MetadataFilters(filters=[MetadataFilter(key=key, value=n)]))
            oracle.compare(MetadataFilters(filters=[MetadataFilter(key=key, operator=">=", value=0)]))


@check()
def check_dates_do_not_depend_on_the_time_zone(subject: Subject) -> None:
    """Dates without an offset are in UTC, wherever the process runs, and whenever the index was made.

    To mend: give a date without a zone that of UTC (``replace(tzinfo=UTC)``) before you take its timestamp.
    """
    documents = [Document("shared word", id=str(n), metadata={"when": text}) for n, text in enumerate(_MIDNIGHTS)]
    if not hasattr(time, "tzset"):
        raise NothingToCheck("this system has no tzset")
    with subject.over(documents) as trial:
        for zone in ("UTC", "Pacific/Kiritimati", "TST+11"):
            with _time_zone(zone), subject.over(documents) as other:
                for each in (trial, other):
                    oracle = Oracle(subject, each, documents)
                    for text in subject.few(_MIDNIGHTS, calls=18):
                        for operator in ("==", "<", ">="):
                            leaf = MetadataFilter(key="when", operator=operator, value=text)
                            oracle.compare(MetadataFilters(filters=[leaf]))


@check()
def check_large_and_deep_filters(subject: Subject) -> None:
    """An ``in`` of thousands of values, as many clauses, and a tree twenty deep, mean what they say.

    To mend: look for an engine's limit on clauses; where there is one, let ``can_push`` refuse what is beyond.
    """
    documents = library()
    years = [*range(3000, 5900), *range(1900, 2000)]
    deep = MetadataFilters.parse("year > 1990")
    for _ in range(20):
        deep = MetadataFilters(filters=[deep], condition="not")
    with subject.shelf() as trial:
        oracle = Oracle(subject, trial, documents, SHARED)
        for tree in (
            MetadataFilters(filters=[MetadataFilter(key="year", operator="in", value=years)]),
            MetadataFilters(filters=[MetadataFilter(key="year", operator="nin", value=years)]),
            MetadataFilters(filters=[MetadataFilter(key="year", value=y) for y in years[1500:]], condition="or"),
            deep,
        ):
            oracle.compare(tree)


@check()
def check_filters_are_never_code(subject: Subject) -> None:
    """Injections as keys and values of filters are only data: they match what equals them, and nothing else.

    To mend: pass keys and values as parameters or as terms; never format them into a query, a path or a program.
    """
    strings = [text for text in HOSTILE if len(text) < 200]
    documents = [
        Document("shared word", id=str(n), metadata={"value": text, text: n}) for n, text in enumerate(strings)
    ]
    with subject.over(documents) as trial:
        oracle = Oracle(subject, trial, documents)
        for n, text in subject.few(list(enumerate(strings)), calls=3):
            for leaf in (
                MetadataFilter(key="value", value=text),
                MetadataFilter(key=text, value=n),
                MetadataFilter(key="value", operator="in", value=[text, "none"]),
            ):
                oracle.compare(MetadataFilters(filters=[leaf]))


@check(needs=(Trait.KNOWS_FIELDS,))
def check_unknown_fields_and_wrong_kinds_are_refused(subject: Subject) -> None:
    """A filter or scope on a field that no document has, or of a kind that it never holds, is an error with a fix.

    To mend: leave ``known_fields`` to the registry, and pass errors of core on as they are.
    """
    with subject.shelf() as trial:
        for text, error in (("yaer == 1961", UnknownFieldError), ("year == '1961'", FilterTypeError)):
            tree = MetadataFilters.parse(text)
            refused(lambda tree=tree: trial.ask(SHARED, filters=tree), error, what=f"the filter {text}")
            refused(lambda tree=tree: trial.ask(SHARED, scope=tree), UnknownFieldError, what=f"the scope {text}")


def _fuzz(oracle: Oracle, examples: int, number: int) -> None:
    """Compare generated trees; the tree of a failure is as small as hypothesis could make it."""

    @seed(number)
    @_examples(examples)
    @given(filters=filter_trees(), scope=st.none() | filter_trees(), top_k=st.sampled_from([0, 1, 3]))
    def compare(filters: MetadataFilters, scope: MetadataFilters | None, top_k: int) -> None:
        oracle.compare(filters, scope, top_k)

    try:
        with hypothesis_home():
            compare()
    except Flaky as error:
        raise CheckFailed(f"a filtered answer is not the same twice: {shorten(error, 300)}") from error


def _drawn(number: int) -> list[dict[str, Any]]:
    """Return the metadata of one generated corpus, the same in each run."""
    return copy.deepcopy(_drawn_once(number))


@cache
def _drawn_once(number: int) -> list[dict[str, Any]]:
    drawn: list[list[dict[str, Any]]] = []

    @seed(number)
    @_examples(4)
    @given(st.lists(metadatas(), min_size=12, max_size=20))
    def draw(metadata: list[dict[str, Any]]) -> None:
        drawn.append(metadata)

    with hypothesis_home():
        draw()
    return max(drawn, key=lambda one: len(str(one)))


def _examples(count: int) -> settings:
    return settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        verbosity=Verbosity.quiet,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )


@contextmanager
def _time_zone(name: str) -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = name
    time.tzset()
    try:
        yield
    finally:
        if before is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = before
        time.tzset()
