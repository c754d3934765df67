"""Jupyter notebooks: one document per file, cut at its cells. What the cells printed is left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from retrieverkit.reading.decoding import decode
from retrieverkit.reading.json_records import parse
from retrieverkit.reading.markdown import Heading, headings_in
from retrieverkit.reading.pdf import PAGE_BREAK
from retrieverkit.reading.record import BadRecordError
from retrieverkit_core.errors import ReadError
from retrieverkit_core.readers import Parsed, Reader, SourceFile, sections_below, whole_file, with_sections


def read_notebook(file: SourceFile, data: bytes) -> Parsed:
    """Return the notebook as one document whose metadata holds the number of ``cells`` and its ``language``.

    Raises:
        ReadError: It is not a notebook of format 4, or has no text.
        UndecodableError: The file is not text.
    """
    try:
        notebook: Any = parse(decode(data, file.encoding))
    except BadRecordError as error:
        raise ReadError(file.source, str(error)) from None
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        raise ReadError(file.source, "not a notebook of format 4", fix="save it with a newer version of Jupyter")
    texts, errors = [], []
    for number, cell in enumerate(cells, start=1):
        try:
            texts.append(_source(cell))
        except (TypeError, KeyError, AttributeError):
            texts.append("")
            errors.append(ReadError(file.source, f"cell {number}: it has no source"))
    if not any(text.strip() for text in texts):
        raise errors[0] if errors else ReadError(file.source, "its cells have no text")
    headings = list(_headings(texts, cells))
    title = headings[0].text if headings else ""
    document = whole_file(file, PAGE_BREAK.join(texts), title=title, cells=len(texts))
    if language := _language(notebook):
        document.metadata["language"] = language
        document.excluded_embed_metadata_keys.append("language")
    return Parsed([with_sections(document, sections_below(headings))], errors)


def _headings(texts: Sequence[str], cells: Sequence[Any]) -> Iterator[Heading]:
    """Yield the headings of the cells that are Markdown, by their places in the text of all cells."""
    start = 0
    for text, cell in zip(texts, cells, strict=True):
        for heading in headings_in(text) if _is_markdown(cell) else ():
            yield heading._replace(start=start + heading.start)
        start += len(text) + len(PAGE_BREAK)


def _source(cell: Any) -> str:
    source = cell["source"]
    text = source if isinstance(source, str) else "".join(source)
    return text.replace(PAGE_BREAK, "\n").replace("\0", "")


def _is_markdown(cell: Any) -> bool:
    return isinstance(cell, dict) and cell.get("cell_type") == "markdown"


def _language(notebook: dict[str, Any]) -> str:
    try:
        name = notebook["metadata"]["kernelspec"]["language"]
    except (KeyError, TypeError):
        return ""
    return name[:100] if isinstance(name, str) else ""


reader = Reader(read_notebook, version=2)
