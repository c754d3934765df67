"""Judged documents that the index knows by another path, as after indexing the same files on another machine."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Set


def by_path(judged: Iterable[str], documents: Set[str]) -> dict[str, str]:
    """Return the document that each judged id stands for where it is not the id itself.

    An id stands for a document when one of the two is the end of the other, cut before a ``/`` or behind ``#id=``, and
    when that holds for no other document and no other judged id.

    Args:
        judged: The ids in the judgements.
        documents: The id of each document in the index.
    """
    strange = [doc_id for doc_id in judged if doc_id not in documents]
    if not strange:
        return {}
    by_name: dict[str, list[str]] = defaultdict(list)
    for document in documents:
        by_name[_name(document)].append(document)
        if record := record_id(document):
            by_name[_name(record)].append(document)
    claims: dict[str, list[str]] = defaultdict(list)
    for doc_id in strange:
        fitting = [
            document
            for document in dict.fromkeys(by_name[_name(doc_id)])
            if _ends(document, doc_id) or _ends(doc_id, document) or record_id(document) == doc_id
        ]
        if len(fitting) == 1:
            claims[fitting[0]].append(doc_id)
    known = set(judged)
    return {ids[0]: document for document, ids in claims.items() if len(ids) == 1 and document not in known}


def record_id(document: str) -> str:
    """Return what a record calls itself whose id another file gave first, or an empty string."""
    return document.partition("#id=")[2]


def _name(doc_id: str) -> str:
    return doc_id.rpartition("/")[2]


def _ends(longer: str, shorter: str) -> bool:
    return longer.endswith(shorter if shorter.startswith("/") else f"/{shorter}")
