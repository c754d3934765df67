"""A document cut several times over: large pieces, the smaller ones that they consist of, and so on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from retrieverkit.reading.splitting import Span, checked_text, node_ids, pages_of, pieces_of, placed_node, splitter_for
from retrieverkit_core.errors import InvalidDocumentError
from retrieverkit_core.nodes import Document, Node, NodeRelationship, Relationships

LEVEL, TOP = "node_level", "node_top"
"""The metadata fields that say in which cuttings a node is: from its level to its top; 0 is that of the smallest."""


@dataclass
class _Piece:
    """A piece and the smaller ones that it is cut into.

    Attributes:
        span: Where it is.
        level: The lowest cutting that it is in: it is not cut before that.
        top: The highest.
        parent: The piece that it is cut from.
        children: The pieces that it is cut into.
    """

    span: Span
    level: int
    top: int
    parent: _Piece | None = None
    children: list[_Piece] = field(default_factory=list)

    def walk(self) -> Iterator[_Piece]:
        """Yield this piece and all below it, each before its children."""
        yield self
        for child in self.children:
            yield from child.walk()


def split_hierarchically(document: Document, sizes: Sequence[int]) -> list[Node]:
    """Cut a document into pieces of the first size, these into pieces of the second, and so on.

    Each node says in its metadata in which cuttings it is, by ``node_level`` and ``node_top``: 0 is that of the last
    size. A piece that is not longer than the next size is not cut again, and is in both cuttings; so ``node_level <= n
    and node_top >= n`` are all of a document's text once, for every ``n``. PARENT and CHILD lead up and down, PREVIOUS
    and NEXT to the neighbours in the cutting of ``node_level``.

    Args:
        document: The document; one of several pages is cut at every page.
        sizes: The most characters of a piece, each size smaller than the one before.

    Returns:
        The nodes, each before its children, with ids as `splitting.split` gives them.

    Raises:
        InvalidDocumentError: The document has a metadata field of one of these names, or is not text.
    """
    checked_text(document)
    for name in (LEVEL, TOP):
        if name in document.metadata:
            raise InvalidDocumentError(
                document.id, f"the metadata field {name!r} is the splitter's", fix="give the field another name"
            )
    pages = [page for page in pages_of(document) if document.text[page.start : page.end].strip()]
    if not pages:
        pages = [Span(0, len(document.text), pages_of(document)[0].part)]
    roots = [piece for page in pages for piece in _cut(document, page, list(sizes), len(sizes) - 1)]
    pieces = [piece for root in roots for piece in root.walk()]
    ids = dict(zip(map(id, pieces), node_ids(document.id, len(pieces)), strict=True))
    before, behind = _neighbours(pieces, len(sizes))
    nodes = []
    for position, piece in enumerate(pieces):
        related: Relationships = {NodeRelationship.SOURCE: document.id}
        if (other := before.get(id(piece))) is not None:
            related[NodeRelationship.PREVIOUS] = ids[id(other)]
        if (other := behind.get(id(piece))) is not None:
            related[NodeRelationship.NEXT] = ids[id(other)]
        if piece.parent is not None:
            related[NodeRelationship.PARENT] = ids[id(piece.parent)]
        if piece.children:
            related[NodeRelationship.CHILD] = [ids[id(child)] for child in piece.children]
        place = {LEVEL: piece.level, TOP: piece.top}
        at = position if len(pieces) > 1 else None
        nodes.append(placed_node(document, piece.span, ids[id(piece)], at, related, place))
    return nodes


def _cut(document: Document, span: Span, sizes: Sequence[int], top: int) -> list[_Piece]:
    """Return the pieces of a stretch of text, cut by the first of ``sizes``, and those by the others."""
    size, *smaller = sizes
    pieces = []
    for inner in _spans(document, span, size):
        piece = _Piece(inner, top, top)
        below = _cut(document, inner, smaller, top - 1) if smaller else []
        if len(below) == 1 and below[0].span == inner:  # it is not longer than the next size either
            piece.level, below = below[0].level, below[0].children
        for child in below:
            child.parent = piece
        piece.children = below
        pieces.append(piece)
    return pieces


def _spans(document: Document, span: Span, size: int) -> list[Span]:
    text = document.text[span.start : span.end]
    if len(text) <= size:
        return [span]
    splitter = splitter_for(document, size, 0)
    cut = [Span(span.start + start, span.start + end, span.part) for start, end in pieces_of(text, splitter, size)]
    return cut or [span]


def _neighbours(pieces: Sequence[_Piece], levels: int) -> tuple[dict[int, _Piece], dict[int, _Piece]]:
    """Return the piece before and the piece behind each, in the cutting of its level."""
    before: dict[int, _Piece] = {}
    behind: dict[int, _Piece] = {}
    for level in range(levels):
        cutting = [piece for piece in pieces if piece.level <= level <= piece.top]
        for one, other in pairwise(cutting):
            if one.level == level:
                behind[id(one)] = other
            if other.level == level:
                before[id(other)] = one
    return before, behind
