"""What an answer is made of."""

from __future__ import annotations

import json
from math import isfinite

from retrieverkit_core.nodes import Document
from retrieverkit_core.result import Outcome
from retrieverkit_testkit.answers import document_of, ids
from retrieverkit_testkit.asking import candidates
from retrieverkit_testkit.capabilities import Capability, Trait
from retrieverkit_testkit.checking import check
from retrieverkit_testkit.library import SHARED, library
from retrieverkit_testkit.subjects import Subject
from retrieverkit_testkit.verdicts import ensure


@check()
def check_hits_are_scored_nodes(subject: Subject) -> None:
    """An answer is a sequence of NodeWithScore, and each score a finite number or None.

    To mend: return ``NodeWithScore(node=..., score=...)`` from ``_retrieve``; leave out a node whose score came out
    as NaN or infinite, or find out why it did.
    """
    with subject.shelf() as trial:
        for hit in trial.ask(SHARED, top_k=20):
            ensure(bool(hit.node.id), "a hit's node has no id")
            ensure(hit.score is None or isfinite(hit.score), f"node {hit.node.id} has the score {hit.score}")


@check()
def check_hits_are_in_the_corpus(subject: Subject) -> None:
    """Every hit is a node of the corpus, with the text and the metadata that were put in.

    To mend: return the corpus's own nodes (``corpus.fetch``), not copies that are cut, padded or annotated; put what
    you want to tell of a hit into its score and its evidence.
    """
    documents = {document.id: document for document in library()}
    with subject.over(list(documents.values())) as trial:
        for document in documents.values():
            for hit in trial.ask(document.text, top_k=20):
                ensure(document_of(hit) in documents, f"{hit.node.id} is no document of the corpus")
                source = documents[document_of(hit)]
                ensure(hit.node.text == source.text, f"the text of {hit.node.id} is not what was put in")
                ensure(hit.node.metadata == source.metadata, f"the metadata of {hit.node.id} is not what was put in")


@check()
def check_no_node_is_returned_twice(subject: Subject) -> None:
    """``_retrieve`` returns each node once, so that ``top_k`` candidates are as many nodes.

    To mend: deduplicate by node id before cutting to ``top_k``; the second place of a node takes another's place.
    """
    with subject.shelf() as trial:
        for text in (SHARED, *(document.text for document in library()[:4])):
            found = [hit.node.id for hit in candidates(trial.retriever, text, top_k=20)]
            twice = sorted({name for name in found if found.count(name) > 1})
            ensure(not twice, f"{', '.join(twice)} came more than once for {text!r}")


@check(needs=(Trait.SCORED,))
def check_best_hits_come_first(subject: Subject) -> None:
    """The hits come in the order of their scores, in the declared direction.

    To mend: sort by score before you return; if smaller is better, declare ``higher_is_better=False``.
    """
    with subject.shelf() as trial:
        sign = 1 if trial.retriever.score_spec.higher_is_better else -1
        for text in (SHARED, *(document.text for document in library()[:4])):
            hits = candidates(trial.retriever, text, top_k=20)
            worth = [sign * hit.score for hit in hits if hit.score is not None]
            ensure(worth == sorted(worth, reverse=True), f"scores are out of order for {text!r}: {worth}")


@check(needs=(Trait.SCORED,))
def check_scores_keep_their_declaration(subject: Subject) -> None:
    """A retriever that declares scores gives them, within the declared bounds; probabilities lie in 0 to 1.

    To mend: declare the bounds that the formula has (``ScoreSpec``), or no kind where the numbers mean nothing.
    """
    with subject.shelf() as trial:
        spec = trial.retriever.score_spec
        ensure(spec.lower_bound <= spec.upper_bound, f"the bounds are {spec.lower_bound} to {spec.upper_bound}")
        if spec.kind == "probability":
            ensure(spec.lower_bound >= 0 and spec.upper_bound <= 1, "probabilities are declared outside of 0 to 1")
        for text in (SHARED, *(document.text for document in library())):
            hits = candidates(trial.retriever, text, top_k=20)
            ensure(not hits or any(hit.score is not None for hit in hits), f"no hit has a score for {text!r}")
            for hit in hits:
                inside = hit.score is None or spec.lower_bound <= hit.score <= spec.upper_bound
                ensure(inside, f"{hit.score} is outside of {spec.lower_bound} to {spec.upper_bound}")


@check(needs=(Trait.MODE,))
def check_mode_and_retriever_declare_the_same_scores(subject: Subject) -> None:
    """Where no options are given, the built retriever has the scores that its mode declares in listings.

    To mend: use one ``ScoreSpec`` for ``ModeSpec.scores`` and the retriever's ``scores``.
    """
    mode = subject.mode
    with mode.shelf() as trial:
        declared, built = mode.plugin.spec.scores, trial.retriever.scores
        plain = not mode.spec.options and not mode.spec.retrievers
        ensure(not plain or declared == built, f"the mode declares {declared}, the retriever {built}")
        ensure(declared.ordered == built.ordered, f"the mode declares {declared.kind}, the retriever {built.kind}")


@check()
def check_evidence_names_leg_and_rank(subject: Subject) -> None:
    """Every hit has evidence: the leg that found it, its rank there from 1, and the raw score there.

    To mend: leave the evidence to core, or give ``(leg, rank, score)`` with ranks from 1.
    """
    with subject.shelf() as trial:
        for hit in trial.ask(SHARED, top_k=20):
            ensure(hit.evidence, f"{hit.node.id} has no evidence")
            for found in hit.evidence:
                ensure(bool(found.leg), f"{hit.node.id} was found by a leg without a name")
                ensure(isinstance(found.rank, int) and found.rank >= 1, f"{hit.node.id} has the rank {found.rank}")


@check()
def check_an_ordinary_answer_is_whole(subject: Subject) -> None:
    """A query with nothing wrong about it gets a complete answer, without warnings and without failed legs.

    To mend: look at ``result.legs`` and ``result.warnings``: they name what failed.
    """
    with subject.shelf() as trial:
        result = trial.ask(library()[0].text, top_k=5)
        ensure(result.outcome is not Outcome.PARTIAL, f"it is partial: {[leg.as_dict() for leg in result.legs]}")
        ensure(not result.warnings, f"it has warnings: {'; '.join(result.warnings)}")


@check()
def check_results_are_inert_json(subject: Subject) -> None:
    """An answer can be printed, shown in a notebook and written as JSON.

    To mend: keep objects out of metadata, evidence and leg notes: strings, numbers, booleans, None, lists and dicts.
    """
    with subject.shelf() as trial:
        result = trial.ask(SHARED, top_k=3)
        json.dumps(result.as_dict(), allow_nan=False)
        for hit in result:
            json.dumps(hit.node.metadata, allow_nan=False)
        ensure(str(result), "it prints as nothing")
        ensure(result._repr_html_(), "it shows as nothing")


@check(Capability.RANKS_BY_QUERY)
def check_a_document_is_found_by_its_own_text(subject: Subject) -> None:
    """A document's own text finds it first.

    To mend: index all of a node's text, and treat query and index alike (analyzer, embedding).
    """
    with subject.shelf() as trial:
        for document in library():
            found = ids(trial.ask(document.text, top_k=3))
            ensure(found[:1] == [document.id], f"the text of {document.id} found {found}")


@check(Capability.EXHAUSTIVE)
def check_everything_that_matches_is_found(subject: Subject) -> None:
    """Where ``top_k`` allows it, every document that shares a word with the query is found.

    To mend: take away hidden limits on candidates: ``query_bundle.top_k`` is the only one, None means all.
    """
    documents = [Document(f"shared word {n}", id=str(n)) for n in range(120 if subject.quick else 300)]
    with subject.over(documents) as trial:
        for k in (len(documents), 10 * len(documents)):
            found = set(ids(trial.ask("shared", top_k=k)))
            count = f"{len(found)} of {len(documents)} documents"
            ensure(len(found) == len(documents), f"a word of all documents found {count} at top_k={k}")
