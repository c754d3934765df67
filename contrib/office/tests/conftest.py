"""Office documents made by the libraries that are used to make them, and archives made by hand."""

from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from retrieverkit_core.readers import SourceFile
from retrieverkit_office import readers

BY_SUFFIX = {
    "docx": readers.word_reader,
    "docm": readers.word_reader,
    "pptx": readers.slides_reader,
    "pptm": readers.slides_reader,
    "xlsx": readers.workbook_reader,
    "xlsm": readers.workbook_reader,
    "odt": readers.open_document_reader,
    "odp": readers.open_document_reader,
    "ods": readers.open_document_reader,
    "epub": readers.book_reader,
}
NAMES = {"text", "table", "style", "meta", "presentation", "office"}
NAMESPACES = " ".join(f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in sorted(NAMES))
NAMESPACES += (
    ' xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0" xmlns:dc="http://purl.org/dc/elements/1.1/"'
)
CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="O/p.opf"/></rootfiles></container>'
)
DOCTYPE = '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" "http://www.w3.org/TR/xhtml11/DTD/xhtml11.dtd">'


@pytest.fixture(scope="session")
def read():
    """Read bytes as a file of a suffix; return its one document and the messages of its errors."""

    def read_bytes(suffix, data):
        name = f"a.{suffix}"
        parsed = BY_SUFFIX[suffix].read(SourceFile(f"/plant/{name}", name), data)
        [document] = parsed.documents
        return document, [error.message.removeprefix(f"/plant/{name}: ") for error in parsed.errors]

    return read_bytes


@pytest.fixture(scope="session")
def zipped():
    def make(members):
        stream = BytesIO()
        with ZipFile(stream, "w", ZIP_DEFLATED) as archive:
            for name, data in members.items():
                archive.writestr(name, data)
        return stream.getvalue()

    return make


@pytest.fixture(scope="session")
def remade():
    """Change members of an archive; None removes one."""

    def change(data, **members):
        stream = BytesIO()
        with ZipFile(BytesIO(data)) as old, ZipFile(stream, "w", ZIP_DEFLATED) as new:
            named = {name.replace("__", "/").replace("_DOT_", "."): value for name, value in members.items()}
            for name in {*old.namelist(), *named}:
                value = named[name] if name in named else old.read(name)
                if value is not None:
                    new.writestr(name, value)
        return stream.getvalue()

    return change


@pytest.fixture(scope="session")
def open_document(zipped):
    def make(body, meta="", styles=""):
        def part(name, inner):
            return f"<office:document-{name} {NAMESPACES}>{inner}</office:document-{name}>"

        return zipped(
            {
                "content.xml": part("content", f"<office:body>{body}</office:body>"),
                "meta.xml": part("meta", f"<office:meta>{meta}</office:meta>"),
                "styles.xml": part("styles", styles),
            }
        )

    return make


@pytest.fixture(scope="session")
def book(zipped):
    def make(*chapters, extra=None):
        def page(body):
            html = f'<html xmlns="http://www.w3.org/1999/xhtml"><head><title/></head><body>{body}</body></html>'
            return f'<?xml version="1.0" encoding="utf-8"?>{DOCTYPE}{html}'

        items = "".join(f'<item id="i{at}" href="page%20{at}.xhtml"/>' for at in range(len(chapters)))
        spine = "".join(f'<itemref idref="i{at}"/>' for at in range(len(chapters)))
        package = (
            '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata>'
            "<dc:title>Pumps</dc:title><dc:creator>Ada</dc:creator><dc:creator>Grace</dc:creator></metadata>"
            f"<manifest>{items}</manifest><spine>{spine}</spine></package>"
        )
        pages = {f"O/page {at}.xhtml": page(body) for at, body in enumerate(chapters)}
        return zipped({"META-INF/container.xml": CONTAINER, "O/p.opf": package, **pages, **(extra or {})})

    return make


@pytest.fixture(scope="session")
def saved():
    """Return what a library saves."""

    def save(document):
        stream = BytesIO()
        document.save(stream)
        return stream.getvalue()

    return save
