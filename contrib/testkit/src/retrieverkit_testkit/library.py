"""The documents that the checks retrieve from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from retrieverkit import Index
from retrieverkit_core.nodes import Document, Node, NodeRelationship

SHARED = "report"
"""A word of every document in `library`."""

_SHELVES = [
    ("herring", "The harbour report counts herring landed before the spring storms", "north", 1961, "en"),
    ("turbine", "A turbine report explains why the inlet freezes and the blades stall", "south", 1974, "de"),
    ("orchid", "Greenhouse report: the orchid seedlings flower twice under blue lamps", "north", 1988, "fr"),
    ("glacier", "Glacier report with melt depth measured by radar along the ridge", "east", 1999, "en"),
    ("violin", "The violin maker's report compares spruce, maple and old varnish", "south", 2003, "it"),
    ("comet", "Observatory report: a comet crossed the lens shortly after midnight", "east", 2007, "en"),
    ("railway", "Railway report about delayed signals, wet sleepers and a missing switch", "north", 2012, "de"),
    ("saffron", "Market report listing saffron, cardamom and the price of dried limes", "south", 2015, "fr"),
    ("beaver", "Wetland report: one beaver dam changed the stream within a season", "east", 2018, "en"),
    ("granite", "Quarry report on granite blocks, diamond saws and broken drills", "north", 2020, "it"),
    ("penicillin", "Laboratory report: penicillin cultures died in the warm cupboard", "south", 2021, "en"),
    ("lighthouse", "Lighthouse report, the lamp was rebuilt and the keeper retired", "east", 2024, "de"),
]
_APPENDICES = {
    "herring": ["Barrels, nets and hooks were tallied on the quay", "Gulls followed every trawler home"],
    "violin": ["Pegs and strings came from Cremona"],
    "granite": ["Sledges carried slabs downhill"],
}


@dataclass(slots=True)
class Chapters(Document):
    """A document of several nodes, one for each passage.

    Attributes:
        passages: The text of each node; together they are the document's text.
    """

    passages: list[str] = field(default_factory=list)

    def nodes(self) -> list[Node]:
        """Return the nodes, with their offsets in the text and their neighbours."""
        names = [f"{self.id}/{place}" for place in range(len(self.passages))]
        made: list[Node] = []
        start = 0
        for place, passage in enumerate(self.passages):
            related: dict[NodeRelationship, str | list[str]] = {NodeRelationship.SOURCE: self.id}
            if place:
                related[NodeRelationship.PREVIOUS] = names[place - 1]
            if place + 1 < len(names):
                related[NodeRelationship.NEXT] = names[place + 1]
            end = start + len(passage)
            made.append(
                Node(passage, names[place], dict(self.metadata), related, start_char_idx=start, end_char_idx=end)
            )
            start = end + 2
        return made


def chapters(*passages: str, id: str, metadata: Mapping[str, Any] | None = None) -> Chapters:  # noqa: A002 - as Document
    """Return a document of several nodes."""
    return Chapters("\n\n".join(passages), id, dict(metadata or {}), passages=list(passages))


def library() -> list[Document]:
    """Return twelve short documents; each shares one word with the others and is told apart by its own.

    Some have further nodes, without the shared word: what keeps one row for a document loses the first of them.
    """
    documents: list[Document] = []
    for name, text, tenant, year, lang in _SHELVES:
        metadata = {"tenant": tenant, "year": year, "lang": lang, "tags": [lang, tenant]}
        more = _APPENDICES.get(name, [])
        documents.append(
            chapters(text, *more, id=name, metadata=metadata) if more else Document(text, id=name, metadata=metadata)
        )
    return documents


NODES = len(_SHELVES) + sum(map(len, _APPENDICES.values()))
"""How many nodes the documents of `library` have."""


def twins(count: int = 12) -> list[Document]:
    """Return documents that differ in nothing but their ids."""
    return [Document("twin words in every report", id=f"twin{n}", metadata={"n": "same"}) for n in range(count)]


def own_text(document: Document) -> str:
    """Return the text that finds a document first: that of its first node."""
    return document.passages[0] if isinstance(document, Chapters) else document.text


def put(index: Index, documents: Iterable[Document]) -> None:
    """Add documents to an index, those of several nodes as they are cut."""
    documents = list(documents)
    whole = [document for document in documents if not isinstance(document, Chapters)]
    cut = [node for document in documents if isinstance(document, Chapters) for node in document.nodes()]
    if whole:
        index.add(whole)
    if cut:
        index.add_nodes(cut)
