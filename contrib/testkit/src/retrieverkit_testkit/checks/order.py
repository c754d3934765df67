"""The same question has the same answer."""

from __future__ import annotations

from retrieverkit_testkit.answering import answers_elsewhere, written
from retrieverkit_testkit.answers import ensure_same, scored
from retrieverkit_testkit.capabilities import Capability, Trait
from retrieverkit_testkit.checking import check
from retrieverkit_testkit.library import NODES, SHARED, library, twins
from retrieverkit_testkit.subjects import Subject

QUERIES = (SHARED, "twin words", "herring comet granite", library()[4].text)


@check(Capability.DETERMINISTIC)
def check_asking_again_gives_the_same(subject: Subject) -> None:
    """The same query to the same retriever has the same answer, whatever was asked in between.

    To mend: keep nothing of one query for the next; a cache must be keyed by everything that the answer depends on.
    """
    with subject.shelf() as trial:
        before = [trial.scored(text, top_k=k) for text in QUERIES for k in (3, 20)]
        after = [trial.scored(text, top_k=k) for text in QUERIES for k in (3, 20)]
        for found, expected in zip(after, before, strict=True):
            ensure_same(found, expected, "the second answer")


@check(Capability.DETERMINISTIC)
def check_another_retriever_gives_the_same(subject: Subject) -> None:
    """A second retriever over the same documents answers like the first.

    To mend: seed what is random, and order by something stable where scores are equal.
    """
    with subject.shelf() as trial:
        other = trial.another(None)
        for text in QUERIES:
            ensure_same(scored(other.retrieve(text)), scored(trial.retriever.retrieve(text)), "the other retriever")


@check(Capability.DETERMINISTIC)
def check_ties_are_stable(subject: Subject) -> None:
    """Documents that are equally good keep their order, and more hits only add to the end.

    To mend: break ties by something that does not change, such as the ordinal in the corpus or the node id, also
    where the engine cuts off at ``top_k``: take all that tie with the last one, order them, then cut.
    """
    with subject.over(twins()) as trial:
        whole = [name for name, _ in trial.scored("twin words", top_k=20)]
        for k in range(1, len(whole) + 1):
            found = [name for name, _ in trial.scored("twin words", top_k=k)]
            ensure_same([(n, None) for n in found], [(n, None) for n in whole[:k]], f"equal documents at top_k={k}")


@check(Capability.DETERMINISTIC, needs=(Trait.SCORED,))
def check_scores_do_not_depend_on_top_k(subject: Subject) -> None:
    """A node has the same score however many hits are asked for.

    To mend: scale scores by what the query and the corpus give, not by the hits that are returned.
    """
    with subject.shelf() as trial:
        for text in QUERIES:
            whole = {hit.node.id: hit.score for hit in trial.ask(text, top_k=NODES)}
            for k in (1, 2, 5):
                hits = [(hit.node.id, hit.score) for hit in trial.ask(text, top_k=k) if hit.node.id in whole]
                expected = [(name, whole[name]) for name, _ in hits]
                ensure_same(hits, expected, f"{text!r} at top_k={k}", tolerance=1e-5)


@check(Capability.DETERMINISTIC, thorough=True)
def check_order_does_not_depend_on_the_hash_seed(subject: Subject) -> None:
    """The same documents and queries have the same answers in processes with other PYTHONHASHSEEDs.

    To mend: never let the order of a set, or ``hash()`` of a string, decide anything; sort, or use a dict.
    """
    documents = [*library(), *twins()]
    task = {**subject.recipe(), "documents": written(documents), "queries": QUERIES}
    with subject.over(documents) as trial:
        first = [trial.scored(text, top_k=1000) for text in QUERIES]
    for seed in ("1", "4242"):  # this process has a third one
        for text, found, expected in zip(QUERIES, answers_elsewhere(task, PYTHONHASHSEED=seed), first, strict=True):
            ensure_same(found, expected, f"{text!r} with another hash seed")
