"""How many hits there are."""

from __future__ import annotations

from typing import Any

from retrieverkit_core.errors import ConfigError, QueryError
from retrieverkit_core.query import QueryBundle
from retrieverkit_testkit.answers import ids
from retrieverkit_testkit.asking import candidates, refused
from retrieverkit_testkit.capabilities import Trait
from retrieverkit_testkit.checking import check
from retrieverkit_testkit.library import NODES, SHARED, twins
from retrieverkit_testkit.subjects import Subject
from retrieverkit_testkit.verdicts import ensure


@check()
def check_top_k_zero_gives_nothing(subject: Subject) -> None:
    """``top_k=0`` gives no hits and is not an error.

    To mend: do not treat 0 as "not given" (``top_k or 5``).
    """
    with subject.shelf() as trial:
        ensure(trial.ask(SHARED, top_k=0) == [], "top_k=0 gives hits")


@check()
def check_top_k_is_kept(subject: Subject) -> None:
    """``_retrieve`` returns no more candidates than ``top_k``, from 1 to more than there are.

    To mend: cut to ``query_bundle.top_k`` where it is not None; core would cut the answer, but pays for the surplus.
    """
    with subject.shelf() as trial:
        for k in (1, 2, NODES, NODES + 1):
            ensure(len(trial.ask(SHARED, top_k=k)) <= k, f"top_k={k} gives more hits")
            count = len(candidates(trial.retriever, SHARED, top_k=k))
            ensure(count <= k, f"_retrieve returned {count} candidates for top_k={k}")


@check()
def check_top_k_is_filled(subject: Subject) -> None:
    """There are ``top_k`` hits wherever the retriever finds as many for a larger ``top_k``.

    To mend: look for hits that are lost on the way: a limit before a filter, or duplicates that take places.
    """
    with subject.shelf() as trial:
        whole = len(trial.ask(SHARED, top_k=100))
        for k in (1, 2, 5, whole):
            count = len(trial.ask(SHARED, top_k=k))
            ensure(count == min(k, whole), f"top_k={k} gives {count} hits of {whole}")


@check()
def check_no_limit_is_all(subject: Subject) -> None:
    """``top_k=None`` asks ``_retrieve`` for all candidates: as many as the largest ``top_k`` gives.

    To mend: do not take None for a number of your own, such as ten; ``default_top_k`` is where that belongs, and
    ``chooses_top_k`` for a retriever that finds the number in the query.
    """
    documents = twins(40)
    with subject.over(documents) as trial:
        if trial.retriever.chooses_top_k:
            return
        whole = len(trial.ask("twin words", top_k=1000))
        count = len(candidates(trial.retriever, "twin words", top_k=None))
        ensure(count >= whole, f"top_k=None gives {count} candidates, top_k=1000 gives {whole}")


@check()
def check_top_k_beyond_the_corpus(subject: Subject) -> None:
    """A ``top_k`` of a thousand million gives all there is, quickly.

    To mend: cap ``top_k`` by the number of nodes before you hand it to an engine that allocates for it.
    """
    with subject.shelf() as trial:
        for k in (NODES + 1, 10**9, 2**63):
            ensure(len(trial.ask(SHARED, top_k=k)) <= NODES, f"top_k={k} gives more hits than nodes")


@check()
def check_a_negative_top_k_is_refused(subject: Subject) -> None:
    """A negative ``top_k``, or one that is not a whole number, is a QueryError.

    To mend: do not override ``retrieve``; core refuses it before your code is asked.
    """
    with subject.shelf() as trial:
        wrong: tuple[Any, ...] = (-1, -(10**9), 1.5, "3", True)
        for k in wrong:
            refused(lambda k=k: trial.retriever.retrieve(QueryBundle(SHARED, top_k=k)), QueryError, what=f"top_k={k!r}")
        for query in (None, 3, ["a"], b"a"):
            refused(lambda query=query: trial.retriever.retrieve(query), QueryError, what=f"the query {query!r}")


@check()
def check_the_default_top_k_is_kept(subject: Subject) -> None:
    """A query that does not say gets at most the retriever's own number of hits.

    To mend: set ``default_top_k`` in the constructor; core asks for so many.
    """
    with subject.shelf() as trial:
        default = trial.retriever.default_top_k
        count = len(trial.retriever.retrieve(SHARED))
        ensure(default is None or count <= default, f"{count} hits where {default} are the default")


@check(needs=(Trait.MODE, Trait.TOP_K_OPTION))
def check_the_option_top_k_is_kept(subject: Subject) -> None:
    """The mode's option ``top_k`` is the default of its queries; a negative one is refused when it is built.

    To mend: pass ``options.top_k`` to the retriever as ``default_top_k``, and keep the field of ``ModeOptions``.
    """
    mode = subject.mode
    with mode.shelf() as trial:
        assert trial.index is not None
        for k in (0, 1, 3):
            retriever = trial.index.as_retriever(mode.spec, top_k=k)
            count = len(retriever.retrieve(SHARED))
            ensure(count <= k, f"the option top_k={k} gives {count} hits")
            found = ids(retriever.retrieve(QueryBundle(SHARED, top_k=4)))
            ensure(len(found) <= 4, "the query's top_k does not go before the option")
        refused(lambda: trial.index.as_retriever(mode.spec, top_k=-1), ConfigError, what="the option top_k=-1")
