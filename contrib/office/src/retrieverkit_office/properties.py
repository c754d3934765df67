"""What an Open XML document says of itself."""

from __future__ import annotations

from datetime import datetime

from retrieverkit_core.nodes import Metadata
from retrieverkit_office.archive import Archive
from retrieverkit_office.text import keywords, said

_CORE = "{http://schemas.openxmlformats.org/package/2006/metadata/core-properties}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_TERMS = "{http://purl.org/dc/terms/}"


def described(archive: Archive) -> tuple[str, Metadata]:
    """Return the title of a document and what else its properties say.

    ``created`` and ``saved`` are the times that the program wrote into it; ``embedded`` names the files inside of it,
    which are not read.
    """
    known: Metadata = {}
    title = ""
    if "docProps/core.xml" in archive.names:
        root = archive.xml("docProps/core.xml")
        title = said(root.findtext(f"{_DC}title"))
        known = {
            "author": said(root.findtext(f"{_DC}creator")),
            "subject": said(root.findtext(f"{_DC}subject")),
            "keywords": keywords(root.findtext(f"{_CORE}keywords")),
            "created": moment(root.findtext(f"{_TERMS}created")),
            "saved": moment(root.findtext(f"{_TERMS}modified")),
        }
    known["embedded"] = sorted(name.rpartition("/")[2] for name in archive.names if "/embeddings/" in name)
    return title, known


def moment(written: object) -> str:
    """Return a time in ISO 8601, or an empty string where it is not one."""
    try:
        return datetime.fromisoformat(str(written).strip()).isoformat()
    except ValueError:
        return ""
