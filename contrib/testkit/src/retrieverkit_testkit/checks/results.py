"""What an answer is made of."""

from __future__ import annotations

import json
from dataclasses import fields
from math import isfinite

from retrieverkit_core.errors import shorten
from retrieverkit_core.filters import MetadataFilters
from retrieverkit_core.nodes import Document, Node
from retrieverkit_core.result import Outcome
from retrieverkit_testkit.answers import document_of, ids
from retrieverkit_testkit.asking import candidates
from retrieverkit_testkit.capabilities import Capability, Trait
from retrieverkit_testkit.checking import check
from retrieverkit_testkit.library import SHARED, Chapters, library, own_text
from retrieverkit_testkit.subjects import Subject, Trial
from retrieverkit_testkit.verdicts import ensure

_OFTEN = "herring report " * 30
_APPENDED = [text for document in library() if isinstance(document, Chapters) for text in document.passages[1:]]


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


@check(needs=(Trait.OWN_NODES,))
def check_hits_are_in_the_corpus(subject: Subject) -> None:
    """Every hit is a node of the corpus, whole: text and metadata as they were put in, with offsets and neighbours.

    To mend: return the corpus's own nodes (``corpus.fetch``), not copies that are cut, padded or annotated; put what
    you want to tell of a hit into its score and its evidence.
    """
    documents = {document.id: document for document in library()}
    with subject.shelf() as trial:
        asked = [*(document.text for document in documents.values()), *_APPENDED]
        for text in subject.few(asked):
            for hit in trial.ask(text, top_k=20):
                ensure(document_of(hit) in documents, f"{hit.node.id} is not a document of the corpus")
                source = documents[document_of(hit)]
                ensure(hit.node.text in texts_of(source), f"the text of {hit.node.id} is not what was put in")
                ensure(hit.node.metadata == source.metadata, f"the metadata of {hit.node.id} is not what was put in")
                ensure_whole(trial, hit.node)


def ensure_whole(trial: Trial, node: Node) -> None:
    """Fail unless a node is as the corpus has it, where there is a corpus."""
    if trial.index is None:
        return
    (stored,) = trial.index.corpus.get([node.id])
    ensure(stored is not None, f"{node.id} is not in the corpus")
    for part in fields(Node):
        if part.name != "embedding":
            same = getattr(node, part.name) == getattr(stored, part.name)
            ensure(
                same,
                f"{part.name} of {node.id} is {getattr(node, part.name)!r}, in the corpus "
                f"{getattr(stored, part.name)!r}",
            )


def texts_of(document: Document) -> list[str]:
    """Return the text of a document and those of its passages."""
    return [document.text, *(document.passages if isinstance(document, Chapters) else ())]


@check(Capability.RANKS_BY_QUERY, Capability.EXHAUSTIVE)
def check_every_node_of_a_document_is_found(subject: Subject) -> None:
    """Of a document of several nodes each one is found by its own text, also under a filter.

    To mend: key what you keep by the node's id or ordinal, and never by its document: a document has many nodes.
    """
    documents = [document for document in library() if isinstance(document, Chapters)]
    with subject.shelf() as trial:
        for document in documents:
            for node in document.nodes():
                for limits in ({}, {"filters": MetadataFilters.parse(f"year == {document.metadata['year']}")}):
                    hits = trial.ask(node.text, top_k=20, **limits)
                    found = [hit.node.text for hit in hits]
                    ensure(
                        any(node.text in text for text in found),
                        f"the passage {node.text!r} of {document.id} is not found by its own text"
                        + (", under a filter that it passes" if limits else ""),
                    )


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
        for text in subject.few([SHARED, _OFTEN, _OFTEN * 10, *(document.text for document in library())]):
            _ensure_in_bounds(trial, text)
    with subject.over([*library(), Document(_OFTEN, id="often"), Document("herring", id="once")]) as trial:
        for text in (_OFTEN, "herring"):
            _ensure_in_bounds(trial, text)


def _ensure_in_bounds(trial: Trial, text: str) -> None:
    spec = trial.retriever.score_spec
    hits = candidates(trial.retriever, text, top_k=20)
    ensure(not hits or any(hit.score is not None for hit in hits), f"no hit has a score for {shorten(text)!r}")
    for hit in hits:
        inside = hit.score is None or spec.lower_bound <= hit.score <= spec.upper_bound
        ensure(inside, f"{hit.score} is outside of {spec.lower_bound} to {spec.upper_bound} for {shorten(text)!r}")


@check(needs=(Trait.MODE,))
def check_mode_and_retriever_declare_the_same_scores(subject: Subject) -> None:
    """Where no options are given, the built retriever has the scores that its mode declares in listings.

    To mend: use one ``ScoreSpec`` for ``ModeSpec.scores`` and the retriever's ``scores``.
    """
    mode = subject.mode
    with mode.shelf() as trial:
        declared, built = mode.plugin.spec.scores, trial.retriever.score_spec
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
            found = ids(trial.ask(own_text(document), top_k=3))
            ensure(found[:1] == [document.id], f"the text of {document.id} found {found}")


@check(Capability.EXHAUSTIVE)
def check_everything_that_matches_is_found(subject: Subject) -> None:
    """Where ``top_k`` allows it, every document that shares a word with the query is found.

    To mend: take away hidden limits on candidates: ``query_bundle.top_k`` is the only one, None means all.
    """
    with subject.crowd() as (trial, documents):
        for k in (len(documents), 10 * len(documents)):
            found = set(ids(trial.ask("shared", top_k=k)))
            count = f"{len(found):,} of {len(documents):,} documents"
            ensure(len(found) == len(documents), f"a word of all documents found {count} at top_k={k}")
