"""A document cut into its sentences."""

from __future__ import annotations

from collections.abc import Iterator

from retrieverkit.reading.splitting import Span, checked_text, nodes_at, pages_of
from retrieverkit_core.nodes import Document, Node

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
        for start, end in _sentences(text[page.start : page.end], language)
    ]
    return nodes_at(document, spans or [Span(0, len(text), pages[0].part)])


def _sentences(text: str, language: str) -> Iterator[tuple[int, int]]:
    """Yield the offsets of the sentences, none of them blank."""
    from sentencex import segment

    begin = 0
    for sentence in segment(language, text):
        begin = text.index(sentence, begin)
        yield from _pieces(text, begin, begin + len(sentence))
        begin += len(sentence)
    yield from _pieces(text, begin, len(text))


def _pieces(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the offsets of a sentence without the white space around it, in pieces where it is very long."""
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    while end - start > MAX_SENTENCE_CHARS:
        window = text[start : start + MAX_SENTENCE_CHARS]
        cut = next((at for at in range(len(window) - 1, 0, -1) if window[at].isspace()), len(window))
        yield start, start + len(window[:cut].rstrip())
        start += cut
        while start < end and text[start].isspace():
            start += 1
    if start < end:
        yield start, end
