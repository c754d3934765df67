"""A query that brings its own vector, or other texts to embed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from retrieverkit_core.query import QueryBundle
from retrieverkit_testkit.answers import ensure_same, ids, same, scored
from retrieverkit_testkit.asking import in_loop
from retrieverkit_testkit.capabilities import Capability, Trait
from retrieverkit_testkit.checking import check
from retrieverkit_testkit.embedding import WordVectors
from retrieverkit_testkit.library import SHARED, library, own_text
from retrieverkit_testkit.subjects import Subject, Trial
from retrieverkit_testkit.verdicts import NothingToCheck, ensure

_COMET, _ORCHID = own_text(library()[5]), own_text(library()[2])


@check(needs=(Trait.MODE,))
def check_a_querys_own_embedding_is_used(subject: Subject) -> None:
    """A query that brings a vector is answered by it: other vectors have other answers, in a batch and without words.

    To mend: search with ``query_bundle.embedding`` where it is given, and key every cache by it.
    """
    vector = WordVectors.vector
    with _embedded(subject) as trial:
        plain = trial.scored(SHARED, top_k=3)
        comet = trial.scored(SHARED, top_k=3, embedding=vector(_COMET))
        orchid = trial.scored(SHARED, top_k=3, embedding=vector(_ORCHID))
        ensure(not same(comet, plain), "a query with an embedding has the answer of its words alone")
        ensure(not same(comet, orchid), "queries with the same words and other embeddings have the same answer")
        ensure_same(trial.scored(SHARED, top_k=3), plain, "after queries with embeddings, the words alone")
        queries = [QueryBundle(SHARED, vector(text), top_k=3) for text in (_COMET, _ORCHID)] + [SHARED]
        for way, results in (
            ("a batch", trial.retriever.retrieve_many(queries)),
            ("an async batch", in_loop(trial.retriever.aretrieve_many(queries))),
        ):
            for result, expected in zip(results, (comet, orchid), strict=False):
                ensure_same(scored(result), expected, f"{way} of queries with embeddings", tolerance=1e-5)
        blank = ids(trial.ask("", top_k=3, embedding=vector(_COMET)))
        ensure(blank, "a vector without words finds nothing")
        ensure("comet" in blank, f"the vector of the comet's text, without words, finds {blank}")


@check(needs=(Trait.MODE,))
def check_custom_embedding_texts_are_used(subject: Subject) -> None:
    """A query that brings other texts to embed is answered by them.

    To mend: embed ``query_bundle.embedding_strs``, and key every cache by them.
    """
    with _embedded(subject) as trial:
        comet, orchid = (trial.scored(SHARED, top_k=3, custom_embedding_strs=[text]) for text in (_COMET, _ORCHID))
        ensure(not same(comet, orchid), "queries with the same words and other texts to embed have the same answer")


@check(Capability.DETERMINISTIC)
def check_an_embedding_that_is_not_used_is_harmless(subject: Subject) -> None:
    """A query with a vector, and without words, is answered by whatever retriever it is put to, be it by no hits.

    To mend: ignore what you cannot use; a query without words may still come to you.
    """
    with subject.shelf() as trial:
        if subject.traits & {Trait.MODE} and _uses_embedding(subject):
            raise NothingToCheck("it uses an embedding of the index")
        expected = trial.scored(SHARED, top_k=3)
        found = trial.scored(SHARED, top_k=3, embedding=[0.1, 0.2])
        ensure_same(found, expected, "with a vector that it does not use, the answer")
        trial.ask("", top_k=3, embedding=[0.1, 0.2])


@contextmanager
def _embedded(subject: Subject) -> Iterator[Trial]:
    model = WordVectors()
    other = subject.mode.with_embedding(model)
    with other.index_of(library()) as index:
        trial = other.on(index)
        trial.ask(SHARED, top_k=3)
        if not model.calls:
            raise NothingToCheck("it uses no embedding of the index")
        yield trial


def _uses_embedding(subject: Subject) -> bool:
    try:
        with _embedded(subject):
            return True
    except NothingToCheck:
        return False
