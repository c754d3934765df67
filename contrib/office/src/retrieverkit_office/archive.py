"""The zip archive that a document is, opened only where nothing in it can harm.

What a member unpacks to is bounded by what the archive declares: `zipfile` reads no further. No member may have a
document type declaration, so that there are no entities to expand and nothing to fetch.
"""

from __future__ import annotations

import re
import zlib
from io import BytesIO
from typing import TYPE_CHECKING
from zipfile import BadZipFile, ZipFile

from retrieverkit_core.errors import ReadError
from retrieverkit_core.readers import SourceFile

if TYPE_CHECKING:
    from lxml.etree import _Element

MOST_MEMBERS = 20_000
MOST_BYTES = 1 << 30
"""What all members may unpack to, pictures among them."""

MOST_XML_BYTES = 256 << 20
"""What the members that hold text may unpack to."""

_OLD_FORMAT = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_XML_SUFFIXES = (".xml", ".rels", ".vml", ".opf", ".ncx")
_PAGE_SUFFIXES = (".xhtml", ".html", ".htm")
_DECLARED = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})", re.IGNORECASE)
_ASCII_LIKE = frozenset({b"utf-8", b"utf-16", b"us-ascii", b"iso-8859-1", b"windows-1252"})
_DAMAGED = (BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, RuntimeError, ValueError)


class Archive:
    """The members of a document's archive by name.

    Args:
        file: The file.
        data: Its bytes.
        kind: What it should be, for messages, such as ``"Word document"``.

    Raises:
        ReadError: It is not an archive, is encrypted, is damaged, or would unpack to too much.
    """

    def __init__(self, file: SourceFile, data: bytes, kind: str) -> None:
        self._file = file
        self._kind = kind
        self._zip = self._opened(data)
        self.names = frozenset(self._zip.namelist())
        self._check()

    def member(self, name: str) -> bytes:
        """Return what a member holds.

        Raises:
            ReadError: There is none of that name, or it is damaged.
        """
        try:
            return self._zip.read(name)
        except KeyError:
            raise self.refused(f"damaged: {name} is missing from it") from None
        except _DAMAGED as error:
            raise self.refused(f"damaged: {name}: {error}") from error

    def xml(self, name: str) -> _Element:
        """Return the root element of a member.

        Raises:
            ReadError: There is none of that name, or it is not XML.
        """
        from lxml import etree

        try:
            return etree.fromstring(self.member(name), safe_parser())
        except etree.XMLSyntaxError as error:
            raise self.refused(f"damaged: {name}: {str(error)[:200]}") from error

    def refused(self, problem: str, fix: str = "") -> ReadError:
        """Return the error that the document cannot be read."""
        return ReadError(self._file.source, problem, fix=fix)

    def _opened(self, data: bytes) -> ZipFile:
        if data.startswith(_OLD_FORMAT):
            if _ENCRYPTED in data:
                raise self.refused("encrypted with a password", "save it without a password")
            fix = f"save it as {self._file.suffix} with a newer program"
            raise self.refused(f"not a {self._kind} but one of the older binary format", fix)
        try:
            return ZipFile(BytesIO(data))
        except _DAMAGED as error:
            raise self.refused(f"not a {self._kind}: {error}", "check what the file is") from error

    def _check(self) -> None:
        members = self._zip.infolist()
        if len(members) > MOST_MEMBERS:
            raise self.refused(f"{len(members):,} files in it, more than {MOST_MEMBERS:,}")
        if sum(member.file_size for member in members) > MOST_BYTES:
            raise self.refused(f"it unpacks to more than {MOST_BYTES >> 20:,} MB")
        if any(member.flag_bits & 1 for member in members):
            raise self.refused("encrypted with a password", "save it without a password")
        texts = [member for member in members if member.filename.lower().endswith(_XML_SUFFIXES + _PAGE_SUFFIXES)]
        if sum(member.file_size for member in texts) > MOST_XML_BYTES:
            raise self.refused(f"its text unpacks to more than {MOST_XML_BYTES >> 20:,} MB")
        for member in texts:
            # The one at the head of a page of a book names the kind of page; it is cut off before it is parsed.
            if not member.filename.lower().endswith(_PAGE_SUFFIXES) and self._declares(self.member(member.filename)):
                raise self.refused(f"{member.filename} declares entities or an encoding that documents do not have")

    def _declares(self, data: bytes) -> bool:
        plain = data.replace(b"\0", b"")  # UTF-16 too
        declared = _DECLARED.search(plain[:400])
        if b"<!DOCTYPE" in plain:
            return b"<!ENTITY" in plain or self._file.suffix != ".epub"
        return declared is not None and declared[1].lower() not in _ASCII_LIKE


def safe_parser(recover: bool = False) -> object:
    """Return a parser that expands no entity and fetches nothing."""
    from lxml import etree

    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=recover)
