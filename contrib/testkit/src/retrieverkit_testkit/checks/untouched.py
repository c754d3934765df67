"""What a retrieval must leave as it was."""

from __future__ import annotations

import copy
from typing import Any

from retrieverkit_core.filters import MetadataFilters
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.result import RetrievalResult
from retrieverkit_testkit.answers import ensure_same, scored
from retrieverkit_testkit.capabilities import Capability
from retrieverkit_testkit.checking import check
from retrieverkit_testkit.library import SHARED, library
from retrieverkit_testkit.subjects import Subject
from retrieverkit_testkit.verdicts import ensure


@check()
def check_the_query_is_not_changed(subject: Subject) -> None:
    """The caller's query is after the call what it was before.

    To mend: use ``query_bundle.replace(...)`` for a query of your own.
    """
    filters = MetadataFilters.parse("year >= 1960")
    with subject.shelf() as trial:
        for query in (QueryBundle(SHARED, top_k=3), QueryBundle(SHARED, top_k=3, filters=filters, scope=filters)):
            before = repr(query)
            trial.retriever.retrieve(query)
            ensure(repr(query) == before, f"the query became {query!r}")


@check()
def check_the_documents_are_not_changed(subject: Subject) -> None:
    """The documents that the retriever was made over are after the calls what they were before.

    To mend: copy metadata before you add to it, and keep what you compute in tables of your own.
    """
    documents = library()
    before = copy.deepcopy(documents)
    with subject.over(documents) as trial:
        for document in before:
            trial.ask(document.text, top_k=5)
        ensure(documents == before, "a document has been changed")


@check()
def check_earlier_results_are_not_changed(subject: Subject) -> None:
    """A result stays what it is whatever is asked afterwards, of this retriever or of another on the same documents.

    To mend: make new ``NodeWithScore`` objects in each call; a hit kept in a cache belongs to an earlier caller.
    """
    with subject.shelf() as trial:
        other = trial.another(None)
        results = [trial.ask(SHARED, top_k=20), trial.ask(library()[3].text, top_k=20)]
        before = [_plain(result) for result in results]
        for document in library():
            for retriever in (trial.retriever, other):
                retriever.retrieve(QueryBundle(document.text, top_k=7))
        for result, expected in zip(results, before, strict=True):
            ensure(_plain(result) == expected, "a result was changed by a later query")


@check(Capability.DETERMINISTIC)
def check_callers_may_change_their_results(subject: Subject) -> None:
    """What a caller does to the result, emptying the list or setting scores, changes no later answer.

    To mend: do not hand out lists or hits that you keep; core copies what ``_retrieve`` returns, so do not go around
    it.
    """
    with subject.shelf() as trial:
        result = trial.ask(SHARED, top_k=20)
        expected = scored(result)
        for hit in result:
            hit.score = -1e9
        result.reverse()
        result.clear()
        ensure_same(trial.scored(SHARED, top_k=20), expected, "after a caller changed its result, the next answer")


@check()
def check_callers_may_change_the_nodes_of_their_results(subject: Subject) -> None:
    """What a caller does to the nodes of a result, their text, metadata and relations, reaches nobody else.

    To mend: make new nodes in each call (``corpus.fetch`` does), or copy what you keep, with its metadata.
    """
    with subject.shelf() as trial:
        expected = _plain(trial.ask(SHARED, top_k=20))
        for hit in trial.ask(SHARED, top_k=20):
            hit.node.text = "changed by a caller"
            hit.node.metadata["changed"] = True
            for value in hit.node.metadata.values():
                if isinstance(value, list):
                    value.append("changed")
            hit.node.relationships.clear()
        for retriever in (trial.retriever, trial.another(None)):
            found = _plain(retriever.retrieve(QueryBundle(SHARED, top_k=20)))
            changed = [before[0] for before in expected if before[2:4] not in [later[2:4] for later in found]]
            ensure(
                not changed, f"after a caller changed the nodes of its result, {changed[:1]} is another for the next"
            )


def _plain(result: RetrievalResult) -> list[Any]:
    return [(hit.node.id, hit.score, hit.node.text, copy.deepcopy(hit.node.metadata), hit.evidence) for hit in result]
