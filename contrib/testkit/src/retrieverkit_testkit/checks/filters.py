"""A filter means what it says, in every mode."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import strategies as st

from retrieverkit_core.errors import FilterTypeError, UnknownFieldError, shorten
from retrieverkit_core.filters import FilterOperator, MetadataFilter, MetadataFilters
from retrieverkit_core.nodes import Document
from retrieverkit_core.query import QueryBundle
from retrieverkit_testkit.answers import ids
from retrieverkit_testkit.asking import refused
from retrieverkit_testkit.capabilities import Capability, Trait
from retrieverkit_testkit.checking import check
from retrieverkit_testkit.filters_oracle import KEYS, filter_trees, metadatas, oracle_matches
from retrieverkit_testkit.hostile import HOSTILE
from retrieverkit_testkit.library import SHARED, library
from retrieverkit_testkit.subjects import Subject, Trial
from retrieverkit_testkit.verdicts import ensure

_SAMPLES: tuple[Any, ...] = (None, True, 1, 2.5, "2024-01-05", "a", [], [None, True, 1, "2024-01-05", "a"], {"a": 1})
"""A value of each kind, so that each field of the corpus has been seen with each kind."""

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


def corpus(metadata: list[dict[str, Any]]) -> list[Document]:
    """Return documents that share their words, each with one of ``metadata``, and one for each kind of value."""
    kinds = [dict.fromkeys(KEYS, sample) for sample in _SAMPLES]
    return [Document(f"shared word {n % 3}", id=str(n), metadata=one) for n, one in enumerate([*kinds, *metadata])]


@check(Capability.EXHAUSTIVE)
def check_filters_equal_brute_force(subject: Subject) -> None:
    """Any tree of filters, with any scope, finds what reading every document's metadata finds. All operators.

    To mend: declare in ``can_push`` only what you apply exactly by ``docs/reference/filters.md``; core applies the
    rest. Look at nulls, missing keys, dates with zones, numbers above 2**53, and negations of all these.
    """
    pairs = st.tuples(filter_trees(), st.none() | filter_trees())

    @_many(3 if subject.quick else 12)
    @given(
        metadata=st.lists(metadatas(), min_size=10, max_size=20),
        trees=st.lists(pairs, min_size=8, max_size=16),
        top_k=st.sampled_from([1, 3, 1000]),
    )
    def compare(metadata: list[dict[str, Any]], trees: list[Any], top_k: int) -> None:
        documents = corpus(metadata)
        with subject.over(documents) as trial:
            for filters, scope in trees:
                _compare(trial, documents, top_k, filters, scope)

    compare()


@check(Capability.EXHAUSTIVE)
def check_every_operator_alone(subject: Subject) -> None:
    """Each operator finds what its rule says, on every kind of value, alone and negated.

    To mend: the message names the operator and the value; ``docs/reference/filters.md`` states its rule.
    """
    documents = corpus([{"year": value} for value in (0, 1, -1, 2**53, 2**53 + 1, "b", "ab", ["a"], {})])
    with subject.over(documents) as trial:
        for operator, values in _VALUES.items():
            for value in values:
                leaf = MetadataFilter(key="year", operator=operator, value=value)
                _compare(trial, documents, 1000, MetadataFilters(filters=[leaf]))
                _compare(trial, documents, 1000, MetadataFilters(filters=[leaf], condition="not"))


@check(needs=(Trait.PUSHES,))
def check_pushed_filters_are_applied(subject: Subject) -> None:
    """What a retriever says it applies itself it does apply: nothing of it is left for core to take out.

    To mend: hand ``query_bundle.filters`` to the engine, also in ``_aretrieve``, ``_retrieve_many`` and in every leg;
    or take the operator out of ``filter_capabilities``.
    """
    documents = corpus([{"year": n} for n in range(4)])
    with subject.over(documents) as trial:
        for operator, values in _VALUES.items():
            for value in values:
                tree = MetadataFilters(filters=[MetadataFilter(key="year", operator=operator, value=value)])
                for query in (
                    QueryBundle("shared", top_k=5, filters=tree),
                    QueryBundle("shared", top_k=5, scope=tree),
                ):
                    for result in (trial.retriever.retrieve(query), *trial.retriever.retrieve_many([query])):
                        ensure(not result.filters.leaked, f"{tree} was said to be applied and is not")
                        ensure(not result.warnings, f"{tree}: {'; '.join(result.warnings)}")


@check(Capability.EXHAUSTIVE)
def check_a_narrow_filter_still_fills_top_k(subject: Subject) -> None:
    """One passing document among many that rank before it is found, whoever applies the filter.

    To mend: give as many candidates as ``query_bundle.top_k`` asks for (core asks for more while too few pass), and
    filter before you cut.
    """
    count = 60 if subject.quick else 400
    many = [Document("shared shared shared", id=str(n), metadata={"n": n, "name": "other"}) for n in range(count)]
    with subject.over([*many, Document("a shared word", id="one", metadata={"n": 7000, "name": "seven"})]) as trial:
        for leaf in (
            MetadataFilter(key="n", value=7000),
            MetadataFilter(key="name", operator="text_match", value="seven"),
        ):
            found = ids(trial.ask("shared", top_k=1, filters=MetadataFilters(filters=[leaf])))
            ensure(found == ["one"], f"under {leaf} a query with top_k=1 found {found}")


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


@check(Capability.EXHAUSTIVE)
def check_large_and_deep_filters(subject: Subject) -> None:
    """An ``in`` of a thousand values, and a tree twenty deep, mean what they say.

    To mend: look for an engine's limit on clauses; where there is one, let ``can_push`` refuse what is beyond.
    """
    documents = library()
    years = [1900 + n for n in range(1000)]
    deep = MetadataFilters.parse("year > 1990")
    for _ in range(20):
        deep = MetadataFilters(filters=[deep], condition="not")
    with subject.over(documents) as trial:
        for tree in (
            MetadataFilters(filters=[MetadataFilter(key="year", operator="in", value=years)]),
            MetadataFilters(filters=[MetadataFilter(key="year", operator="nin", value=years)]),
            MetadataFilters(filters=[MetadataFilter(key="year", value=y) for y in years], condition="or"),
            deep,
        ):
            _compare(trial, documents, 100, tree, text=SHARED)


@check(Capability.EXHAUSTIVE)
def check_filters_are_never_code(subject: Subject) -> None:
    """Injections as keys and values of filters are only data: they match what equals them, and nothing else.

    To mend: pass keys and values as parameters or as terms; never format them into a query, a path or a program.
    """
    strings = [text for text in HOSTILE if len(text) < 200]
    metadata = [{"value": text, text: n} for n, text in enumerate(strings)]
    documents = [Document("shared word", id=str(n), metadata=one) for n, one in enumerate(metadata)]
    with subject.over(documents) as trial:
        for n, text in enumerate(strings):
            for leaf in (
                MetadataFilter(key="value", value=text),
                MetadataFilter(key=text, value=n),
                MetadataFilter(key="value", operator="in", value=[text, "none"]),
            ):
                _compare(trial, documents, 100, MetadataFilters(filters=[leaf]))


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


def _compare(
    trial: Trial,
    documents: list[Document],
    top_k: int,
    filters: MetadataFilters,
    scope: MetadataFilters | None = None,
    text: str = "shared",
) -> None:
    trees = [tree.model_dump(mode="json") for tree in (filters, scope) if tree is not None]
    passing = {document.id for document in documents if all(oracle_matches(t, document.metadata) for t in trees)}
    found = ids(trial.ask(text, top_k=top_k, filters=filters, scope=scope))
    told = f"under {shorten(filters, 200)}" + (f" and the scope {shorten(scope, 200)}" if scope is not None else "")
    wrong, missing = sorted(set(found) - passing), sorted(passing - set(found))
    examples = [document.metadata for document in documents if document.id in (wrong or missing)[:1]]
    ensure(not wrong, f"{told}, documents were found that do not pass, such as {shorten(examples, 200)}")
    complete = len(found) == min(top_k, len(passing))
    ensure(
        complete,
        f"{told} and top_k={top_k}, {len(found)} of {len(passing)} were found; missing {shorten(examples, 200)}",
    )


def _many(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )
