"""PDF: one document per file, its pages parted by form feeds."""

from __future__ import annotations

import logging
import re
import threading
from datetime import datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any, Self

from retrieverkit_core.errors import ReadError
from retrieverkit_core.nodes import Metadata
from retrieverkit_core.readers import LONGEST_TITLE, Parsed, Reader, SourceFile, whole_file

if TYPE_CHECKING:
    from pypdf import PageObject, PdfReader

PAGE_BREAK = "\f"
_LOSS = re.compile(
    r"decompress|limit|truncated|EOF marker not found|ended unexpectedly|not defined|ignoring the stream|skipping"
)
"""What pypdf's warnings say where it left something out and went on."""

_HALF_PAIR = re.compile("[\ud800-\udfff]")  # what a broken character map leaves; it cannot be stored
MAX_PAGES = 10_000
MAX_PAGE_BYTES = 20 * 1024 * 1024
MAX_CONTENT_BYTES = 200 * 1024 * 1024
"""Limits on what the page descriptions unpack to; pypdf holds each single stream to 75 MB as well."""


def read_pdf(file: SourceFile, data: bytes) -> Parsed:
    """Return the file as one document whose metadata holds the number of ``pages``.

    A page that cannot be read is reported and left blank, so that the others keep their numbers. What was left out of a
    page, or of the file, where it is damaged or beyond a limit of the parser, is reported too.

    Raises:
        ReadError: The file is not a PDF, is damaged, encrypted, too large when unpacked, or holds no text.
    """
    with _Warnings() as warnings:
        reader = _open(file, data)
        errors = [ReadError(file.source, f"read in part: {told}") for told in warnings.taken()]
        texts, unread = _page_texts(file, reader, warnings)
    errors += unread
    if not any(text.strip() for text in texts):
        if errors:
            raise errors[0]
        raise ReadError(file.source, f"no text on its {len(texts)} page(s)", fix="if it is a scan, run OCR on it first")
    known = {"pages": len(texts), **_described(reader)}
    document = whole_file(file, PAGE_BREAK.join(texts), title=_said(reader, "title"), **known)
    return Parsed([document], errors)


class _Warnings(logging.Handler):
    """Takes what pypdf warns of in this thread, so that it goes to no terminal, and keeps what tells of a loss."""

    _turn = threading.Lock()
    _readers = 0
    _propagated = True

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._thread = threading.get_ident()
        self._told: list[str] = []
        self._logger = logging.getLogger("pypdf")

    def __enter__(self) -> Self:
        with _Warnings._turn:
            if not _Warnings._readers:
                _Warnings._propagated = self._logger.propagate
            _Warnings._readers += 1
            self._logger.addHandler(self)
            self._logger.propagate = False
        return self

    def __exit__(self, *exception: object) -> None:
        with _Warnings._turn:
            self._logger.removeHandler(self)
            _Warnings._readers -= 1
            if not _Warnings._readers:  # the last of those that read side by side
                self._logger.propagate = _Warnings._propagated

    def emit(self, record: logging.LogRecord) -> None:
        if threading.get_ident() == self._thread and _LOSS.search(message := record.getMessage()):
            self._told.append(message)

    def taken(self) -> list[str]:
        """Return what was told since the last time, each once."""
        told, self._told = self._told, []
        return list(dict.fromkeys(told))


def _open(file: SourceFile, data: bytes) -> PdfReader:
    from pypdf import PasswordType, PdfReader
    from pypdf.errors import DependencyError

    try:
        reader = PdfReader(BytesIO(data))
        # Many files are only locked against printing: their reading password is empty.
        if reader.is_encrypted and reader.decrypt("") is PasswordType.NOT_DECRYPTED:
            raise ReadError(file.source, "the PDF is encrypted", fix="save it without a password")
        count = len(reader.pages)
    except ReadError:
        raise
    except DependencyError as error:
        raise ReadError(file.source, "the PDF is encrypted with AES", fix='pip install "pypdf[crypto]"') from error
    except Exception as error:  # the parser raises many kinds on damaged files
        raise ReadError(file.source, f"not a PDF that can be read: {_told(error)}") from error
    if count > MAX_PAGES:
        raise ReadError(file.source, f"more than {MAX_PAGES:,} pages", fix="split the file")
    return reader


def _page_texts(file: SourceFile, reader: PdfReader, warnings: _Warnings) -> tuple[list[str], list[ReadError]]:
    texts: list[str] = []
    errors: list[ReadError] = []
    unpacked = 0
    for number in range(1, len(reader.pages) + 1):
        try:
            page = reader.pages[number - 1]
            size = _content_size(page)
            unpacked += size
            text = _page_text(page, size)
        except Exception as error:  # the parser raises many kinds on damaged pages
            errors.append(ReadError(file.source, f"page {number}: {_told(error)}"))
            text = ""
        errors += [ReadError(file.source, f"page {number}: read in part: {told}") for told in warnings.taken()]
        if unpacked > MAX_CONTENT_BYTES:
            raise ReadError(file.source, f"its pages unpack to more than {MAX_CONTENT_BYTES // (1024 * 1024)} MB")
        texts.append(text)
    return texts, errors


def _content_size(page: PageObject) -> int:
    contents = page.get_contents()
    return len(contents.get_data()) if contents is not None else 0


def _page_text(page: PageObject, size: int) -> str:
    if size > MAX_PAGE_BYTES:
        raise ValueError(f"unpacks to more than {MAX_PAGE_BYTES // (1024 * 1024)} MB")
    text = page.extract_text().replace(PAGE_BREAK, "\n").replace("\0", "")
    paired = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return _HALF_PAIR.sub("\N{REPLACEMENT CHARACTER}", paired)


def _described(reader: PdfReader) -> Metadata:
    """Return what the file says of itself."""
    known = {name: _said(reader, name) for name in ("author", "subject", "keywords")}
    return {name: value for name, value in {**known, "created": _said(reader, "creation_date")}.items() if value}


def _said(reader: PdfReader, name: str) -> str:
    try:
        said: Any = getattr(reader.metadata, name, None)
    except Exception:  # the text is there, whatever is said of it
        return ""
    if isinstance(said, datetime):
        return said.isoformat()
    return " ".join(said.split())[:LONGEST_TITLE] if isinstance(said, str) and said.isprintable() else ""


def _told(error: Exception) -> str:
    return f"{error or type(error).__name__}".splitlines()[0]


reader = Reader(read_pdf, version=2)
