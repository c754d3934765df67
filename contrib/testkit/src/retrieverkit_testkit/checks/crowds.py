"""Very many documents: what small corpora cannot show."""

from __future__ import annotations

from retrieverkit_core.filters import MetadataFilters
from retrieverkit_testkit.answers import nodes
from retrieverkit_testkit.capabilities import Capability
from retrieverkit_testkit.checking import check
from retrieverkit_testkit.subjects import Subject
from retrieverkit_testkit.verdicts import NothingToCheck, ensure


@check()
def check_equal_documents_are_found_all(subject: Subject) -> None:
    """Of very many documents with the same text, all are found or none, at once or part by part under filters.

    To mend: take away windows of candidates, and do not drop documents because their texts are the same.
    """
    with subject.crowd() as (trial, documents):
        limit = len(documents) + 100
        whole = set(nodes(trial.ask("shared", top_k=limit)))
        if not whole:
            raise NothingToCheck("the word 'shared', which all documents share, finds none of them")
        ensure(len(whole) == len(documents), f"of {len(documents):,} equal documents {len(whole):,} are found")
        for key in ("filters", "scope"):
            parts: set[str] = set()
            for third in range(3):
                tree = MetadataFilters.parse(f"third == {third}")
                parts.update(nodes(trial.ask("shared", top_k=limit, **{key: tree})))
            told = f"of {len(documents):,} equal documents {len(whole):,} are found, and in three parts {len(parts):,}"
            ensure(parts == whole, f"{told} ({key})")


@check()
def check_one_in_a_crowd_is_found_under_its_filter(subject: Subject) -> None:
    """Of very many equal documents, those that a narrow filter passes are found, whatever their place.

    To mend: apply filters before you cut to a number of candidates, or give core as many as it asks for.
    """
    with subject.crowd() as (trial, documents):
        last = len(documents) - 1
        known = trial.ask("shared", top_k=3)
        names = {document.metadata["n"]: document.id for document in documents}
        for number in subject.few([last, last // 2, 0, 7]):
            tree = MetadataFilters.parse(f"n == {number}")
            hits = trial.ask("shared", top_k=3, filters=tree)
            found = [hit.ref_doc_id or hit.node.id for hit in hits]
            told = f"under {tree} of {len(documents):,} documents {found} is found"
            ensure(found == [names[number]] or not known, told)


@check(Capability.DETERMINISTIC)
def check_the_cut_is_stable_in_a_crowd(subject: Subject) -> None:
    """More hits only add to the end, above a thousand equal documents too.

    To mend: break ties by the ordinal or the id before you cut, however many tie with the last one.
    """
    with subject.crowd() as (trial, documents):
        whole = nodes(trial.ask("shared", top_k=len(documents)))
        for k in subject.few([10, 999, 1000, 1001, 1100, len(documents) // 2]):
            found = nodes(trial.ask("shared", top_k=k))
            ensure(found == whole[: min(k, len(found))], f"at top_k={k:,} of {len(documents):,} the order is another")
            ensure(len(found) == min(k, len(whole)), f"at top_k={k:,}, {len(found):,} of {len(whole):,} are found")
