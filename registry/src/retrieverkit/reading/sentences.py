"""A document cut into its sentences."""

from __future__ import annotations

from retrieverkit.reading.splitting import Span, checked_text, nodes_at, pages_of
from retrieverkit_core.nodes import Document, Node
from retrieverkit_indexing.sentences import sentence_spans

MAX_SENTENCE_CHARS = 1_200
"""What is longer, such as a table or code, is cut where words end."""


def split_into_sentences(document: Document, language: str) -> list[Node]:
    """Cut a document into its sentences, each a node without the white space around it.

    Nothing but white space lies between the nodes, and ``document.text[node.start_char_idx:node.end_char_idx]`` is the
    text of a node, as for `splitting.split`; a document of several pages is cut at every page.

    Args:
        document: The document.
        language: Its language, an ISO 639-1 code, which says what is an abbreviation.

    Raises:
        InvalidDocumentError: The text holds half a surrogate pair, so it is not text.
    """
    text = checked_text(document)
    pages = pages_of(document)
    spans = [
        Span(page.start + start, page.start + end, page.part)
        for page in pages
        for start, end in sentence_spans(text[page.start : page.end], language, longest=MAX_SENTENCE_CHARS)
    ]
    return nodes_at(document, spans or [Span(0, len(text), pages[0].part)])
