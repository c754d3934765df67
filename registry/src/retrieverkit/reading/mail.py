"""Mail: a document per message, its text decoded, its headers as metadata."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import policy
from email.headerregistry import HeaderRegistry
from email.message import MIMEPart
from email.parser import BytesParser
from email.utils import getaddresses, parsedate_to_datetime
from functools import lru_cache

from retrieverkit.reading.html_page import browser_encoding, page_text
from retrieverkit_core.errors import ReadError
from retrieverkit_core.nodes import Metadata
from retrieverkit_core.readers import Parsed, Reader, SourceFile, whole_file

MAX_ADDRESSES = 1_000
LONGEST_HEADER = 50_000
"""Characters of one header that are read; parsing takes time by their square."""

MAX_ATTACHMENTS = 1_000
"""Attachments whose names are read."""

# The parser asks for the kind of a part eight times, and parses the header each time.
_POLICY = policy.default.clone(header_factory=lru_cache(maxsize=1_000)(HeaderRegistry()))

_GAPS = (b"\n\n", b"\r\n\r\n")
_MESSAGE = re.compile(rb"^From [^\n]*\n", re.MULTILINE)
_QUOTED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)


def read_message(file: SourceFile, data: bytes) -> Parsed:
    """Return the one message of a file.

    The text is that of all parts but attachments; of alternatives, the plain one unless it is blank. Metadata has
    ``sender``, lists of addresses ``to`` and ``cc``, ``date`` in ISO 8601, ``message_id`` and the names of
    ``attachments``, which are not read.

    Raises:
        ReadError: It is not a message, or has no text.
    """
    try:
        message = _Message(data)
    except ValueError as error:
        raise ReadError(file.source, str(error)) from error
    document = whole_file(file, message.text, title=message.title, **message.metadata())
    return Parsed([document], [ReadError(file.source, problem) for problem in message.problems])


def read_mailbox(file: SourceFile, data: bytes) -> Parsed:
    """Return a document for every message of a mailbox in the format mbox; those that cannot be read are named."""
    parsed = Parsed([], [])
    for number, data_of_one in enumerate(_messages(data), start=1):
        try:
            message = _Message(data_of_one)
        except ValueError as error:
            parsed.errors.append(ReadError(file.source, f"message {number}: {error}"))
            continue
        document = whole_file(file, message.text, title=message.title, **message.metadata(), message=number)
        document.id = f"{file.path}#message={number}"
        parsed.documents.append(document)
        parsed.errors.extend(ReadError(file.source, f"message {number}: {told}") for told in message.problems)
    if not parsed.documents and not parsed.errors:
        raise ReadError(file.source, "no message in it", fix="each message begins with a line like 'From ada@home ...'")
    return parsed


def _messages(data: bytes) -> Iterator[bytes]:
    starts = [match for match in _MESSAGE.finditer(data) if not match.start() or data.endswith(_GAPS, 0, match.start())]
    ends = [*(match.start() for match in starts[1:]), len(data)]
    for match, end in zip(starts, ends, strict=False):
        yield _QUOTED_FROM.sub(rb"\1", data[match.end() : end])


class _Message:
    """One message, and what in it could not be read."""

    def __init__(self, data: bytes) -> None:
        self.problems: list[str] = []
        try:
            self._parts = BytesParser(policy=_POLICY).parsebytes(data)
        except RecursionError:
            raise ValueError("parts nested too deeply") from None
        if not self._parts.keys():
            raise ValueError("no header: not a message")
        self.title = self._header("subject")
        self.text = self._text() or self.title
        if not self.text:
            raise ValueError("no text and no subject")

    def metadata(self) -> Metadata:
        """Return what its headers say."""
        known: Metadata = {}
        if sender := self._addresses("from"):
            known["sender"] = sender[0][1]
            known["sender_name"] = sender[0][0]
        for name in ("to", "cc"):
            known[name] = [address for _, address in self._addresses(name)]
        known["message_id"] = self._header("message-id")
        known.update(self._date())
        attached = list(self._parts.iter_attachments())
        if len(attached) > MAX_ATTACHMENTS:
            self.problems.append(f"the names of {len(attached):,} attachments are read in part")
        known["attachments"] = [name for part in attached[:MAX_ATTACHMENTS] if (name := part.get_filename(""))]
        return {name: value for name, value in known.items() if value}

    def _text(self) -> str:
        return "\n\n".join(text for text in self._texts(self._parts) if text)

    def _texts(self, part: MIMEPart) -> Iterator[str]:
        """Yield what a part says: one of alternatives, and all that stands one after the other."""
        kind = part.get_content_type()
        if part.is_attachment():
            return
        if kind in ("multipart/alternative", "multipart/related"):
            bodies = (part.get_body((wanted,)) for wanted in ("plain", "html"))
            yield next((text for body in bodies if body is not None and (text := self._decoded(body))), "")
        elif kind.startswith("multipart/"):
            for inner in part.iter_parts():
                yield from self._texts(inner)
        elif kind in ("text/plain", "text/html"):
            yield self._decoded(part)

    def _decoded(self, part: MIMEPart) -> str:
        payload = part.get_payload(decode=True)
        data = payload if isinstance(payload, bytes) else b""
        self.problems += [f"read in part: {type(defect).__name__}" for defect in part.defects]
        name = browser_encoding(part.get_content_charset("utf-8"))
        try:
            text = data.decode(name)
        except (LookupError, UnicodeDecodeError) as error:
            self.problems.append(f"read in part: {error}")
            text = data.decode("utf-8", "replace")
        text = text.replace("\0", "").replace("\r\n", "\n").strip()
        return page_text(text) if part.get_content_subtype() == "html" else text

    def _addresses(self, name: str) -> list[tuple[str, str]]:
        return [(who, where) for who, where in getaddresses([self._header(name)]) if where][:MAX_ADDRESSES]

    def _date(self) -> Metadata:
        written = self._header("date")
        try:
            return {"date": parsedate_to_datetime(written).isoformat()}
        except (TypeError, ValueError):
            return {"date_as_written": written}

    def _header(self, name: str) -> str:
        try:
            written = next((value for key, value in self._parts.raw_items() if key.lower() == name), "")
            if len(written) > LONGEST_HEADER:
                self.problems.append(f"the header {name} is read in part: longer than {LONGEST_HEADER:,} characters")
                written = written[:LONGEST_HEADER].rpartition(",")[0] or written[:LONGEST_HEADER]
            found = _POLICY.header_fetch_parse(name, written)
        except Exception as error:  # the parser of headers raises many kinds on damaged ones
            self.problems.append(f"the header {name} cannot be read: {error}")
            return ""
        return " ".join(str(found or "").encode("utf-8", "replace").decode("utf-8").split())


reader = Reader(read_message, version=2)
mailbox_reader = Reader(read_mailbox, version=2)
