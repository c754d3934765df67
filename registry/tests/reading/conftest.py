from io import BytesIO
from types import SimpleNamespace

import pytest

from retrieverkit.reading import find_files, read_changed


@pytest.fixture(scope="session")
def read_files():
    """Reads every file that some paths stand for; returns what each gave, all documents and all errors."""

    def read(paths, on_progress=None, base=""):
        listing = find_files(paths, base=base)
        files = list(read_changed(listing.files, on_progress=on_progress))
        documents = [document for file in files for document in file.documents]
        errors = [*listing.errors, *(error for file in files for error in file.errors)]
        return SimpleNamespace(files=files, documents=documents, errors=errors)

    return read


@pytest.fixture
def make_pdf():
    """Write a PDF with a line of text a page, by pypdf's own objects."""
    from pypdf import PdfWriter
    from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

    def make(*pages: str, title: str | None = None, password: str | None = None) -> bytes:
        writer = PdfWriter()
        font = DictionaryObject(
            {
                NameObject("/Type"): NameObject("/Font"),
                NameObject("/Subtype"): NameObject("/Type1"),
                NameObject("/BaseFont"): NameObject("/Helvetica"),
            }
        )
        for text in pages:
            page = writer.add_blank_page(300, 300)
            content = DecodedStreamObject()
            content.set_data(f"BT /F1 12 Tf 20 200 Td ({text}) Tj ET".encode("latin-1"))
            page[NameObject("/Contents")] = writer._add_object(content)
            fonts = DictionaryObject({NameObject("/F1"): font})
            page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
        if title:
            writer.add_metadata({"/Title": title})
        if password is not None:
            writer.encrypt(user_password=password, owner_password="owner", algorithm="RC4-128")
        stream = BytesIO()
        writer.write(stream)
        return stream.getvalue()

    return make
