"""Triples from a file into the metadata of documents."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from retrieverkit_core.corpus import Cursor, WritableCorpus
from retrieverkit_core.errors import ConfigError, CorpusBusyError, InvalidDocumentError, ReadError, shorten
from retrieverkit_core.nodes import Document, Node
from retrieverkit_property_graph.extraction.given import TRIPLES, triple_of
from retrieverkit_property_graph.triples import Triple

_SHOWN = 5
_FIX = 'write lines of {"doc_id": "a", "triples": [["Ada", "met", "Charles"]]}'


@dataclass(frozen=True, slots=True)
class Added:
    """What was added.

    Attributes:
        documents: How many documents have triples that they had not.
        triples: How many triples those are.
        known: How many triples their documents had already.
        notes: What else is to be known.
    """

    documents: int
    triples: int
    known: int
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it as inert JSON."""
        return {"documents": self.documents, "triples": self.triples, "known": self.known, "notes": list(self.notes)}

    def __str__(self) -> str:
        triples = f"{self.triples:,} triple{'' if self.triples == 1 else 's'}"
        told = f"added {triples} to {self.documents:,} document{'' if self.documents == 1 else 's'}"
        return f"{told}; {self.known:,} {'was' if self.known == 1 else 'were'} there" if self.known else told


def read_triples(file: Path) -> dict[str, list[Any]]:
    """Return the triples of each document that a file names.

    Raises:
        ReadError: The file cannot be read, or a line is not one of triples; all such lines are counted.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        told = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ReadError(file, str(told), fix=_FIX) from error
    given: dict[str, list[Any]] = {}
    problems = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            doc_id, triples = _of_line(line)
        except ValueError as error:
            problems.append(f"line {number}: {error}")
        else:
            given.setdefault(doc_id, []).extend(triples)
    if problems:
        more = f"; and {len(problems) - _SHOWN:,} more lines" if len(problems) > _SHOWN else ""
        raise ReadError(file, "; ".join(problems[:_SHOWN]) + more, fix="mend these lines; nothing was added")
    return given


def add_triples(corpus: WritableCorpus, given: Mapping[str, Sequence[Any]]) -> Added:
    """Add triples to the metadata of documents; what a document has already is not added again.

    All are written in one step, and documents of files stay those of their files. Where the field is new, models are
    not shown it.

    Args:
        corpus: Where the documents are.
        given: Triples by document id, each of which can be read.

    Raises:
        ConfigError: There are no such documents; they are named, and nothing was added.
        InvalidDocumentError: What a document has in its metadata is not a list of triples; nothing was added.
        CorpusBusyError: Somebody changes the documents meanwhile; nothing was added.
        CorpusError: The corpus cannot be written.
    """
    head = corpus.head()
    documents = {doc_id: corpus.document(doc_id) for doc_id in given}
    unknown = [doc_id for doc_id, document in documents.items() if document is None]
    if unknown:
        raise _unknown(unknown)
    changed: dict[str, Document] = {}
    added = known = 0
    for doc_id, document in documents.items():
        assert document is not None
        fresh = _fresh(document, given[doc_id])
        added += len(fresh)
        known += len(given[doc_id]) - len(fresh)
        if fresh:
            changed[doc_id] = _with(document, fresh)
    if changed:
        _write(corpus, head, changed)
    of_files = sum(source is not None for source in corpus.sources_of(changed).values()) if changed else 0
    notes: tuple[str, ...] = ()
    if of_files:
        told = "1 document was" if of_files == 1 else f"{of_files:,} documents were"
        notes = (f"{told} read from files: the triples go when a changed file is read again",)
    return Added(len(changed), added, known, notes)


def _write(corpus: WritableCorpus, head: Cursor, changed: Mapping[str, Document]) -> None:
    """Replace the documents that changed, in one step; their nodes stay what they are but for the triples."""
    nodes: dict[str, list[Node]] = {doc_id: [] for doc_id in changed}
    with corpus.snapshot() as view:
        if view.cursor != head:
            raise CorpusBusyError("the documents were changed meanwhile; nothing was added", fix="try again")
        for _, node in view.nodes():
            doc_id = node.ref_doc_id or node.id
            if doc_id in nodes:
                nodes[doc_id].append(_node_with(node, changed[doc_id].metadata[TRIPLES]))
    corpus.amend([(document, nodes[doc_id]) for doc_id, document in changed.items()], at=head)


def _fresh(document: Document, triples: Iterable[Any]) -> list[Any]:
    """Return the triples that a document has not."""
    there = document.metadata.get(TRIPLES, [])
    if not isinstance(there, list | tuple):
        raise InvalidDocumentError(
            document.id, f"its metadata {TRIPLES!r} is not a list", fix="give the document a list of triples first"
        )
    seen = {_canonical(each) for each in there}
    fresh = []
    for triple in triples:
        key = _canonical(triple)
        if key not in seen:
            seen.add(key)
            fresh.append(triple)
    return fresh


def _canonical(triple: Any) -> str:
    """Return what equal triples have in common, however they are written."""
    try:
        return json.dumps(_parts(triple_of(triple)), sort_keys=True)
    except ValueError:
        return f"unreadable {json.dumps(triple, sort_keys=True)}"


def _parts(triple: Triple) -> list[Any]:
    subject, object_ = ([end.name, end.labels, end.properties] for end in (triple.subject, triple.object))
    return [subject, triple.relation, triple.properties, object_]


def _with(document: Document, fresh: Sequence[Any]) -> Document:
    triples = [*document.metadata.get(TRIPLES, []), *fresh]
    unshown = _unshown(document)
    return replace(document, metadata={**document.metadata, TRIPLES: triples}, excluded_llm_metadata_keys=unshown)


def _unshown(item: Document | Node) -> list[str]:
    """Return the metadata keys that no model is shown, with the triples where the field is new."""
    unshown = item.excluded_llm_metadata_keys
    return list(unshown) if TRIPLES in item.metadata or TRIPLES in unshown else [*unshown, TRIPLES]


def _node_with(node: Node, triples: Sequence[Any]) -> Node:
    other = node.copied()
    other.excluded_llm_metadata_keys = _unshown(node)
    other.metadata = {**node.metadata, TRIPLES: list(triples)}
    return other


def _of_line(line: str) -> tuple[str, list[Any]]:
    """Return what one line gives.

    Raises:
        ValueError: It is not a line of triples.
    """
    try:
        given = json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError("it is not JSON") from error
    except ValueError as error:
        raise ValueError("a number in it has too many digits") from error
    if not isinstance(given, dict) or set(given) != {"doc_id", "triples"}:
        raise ValueError("it is not an object of doc_id and triples alone")
    doc_id, triples = given["doc_id"], given["triples"]
    if not isinstance(doc_id, str) or not doc_id:
        raise ValueError("doc_id is not the id of a document")
    if not isinstance(triples, list):
        raise ValueError("triples is not a list")
    for at, triple in enumerate(triples):
        try:
            triple_of(triple)
        except ValueError as error:
            raise ValueError(f"triples[{at}] {error}") from error
    return doc_id, triples


def _unknown(doc_ids: Sequence[str]) -> ConfigError:
    shown = ", ".join(repr(shorten(doc_id)) for doc_id in doc_ids[:_SHOWN])
    more = f" and {len(doc_ids) - _SHOWN:,} more" if len(doc_ids) > _SHOWN else ""
    return ConfigError(f"the index has no document {shown}{more}", fix="add the documents first; nothing was added")
