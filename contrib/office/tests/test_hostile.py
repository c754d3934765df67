"""Files that harm, are damaged, or are something else than they are called."""

import random
import zlib
from io import BytesIO
from zipfile import ZipFile

import docx
import openpyxl
import pptx
import pytest

from retrieverkit_core.errors import ReadError
from retrieverkit_core.readers import SourceFile
from retrieverkit_office import archive, readers, text, workbook

OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ENTITIES = '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;"><!ENTITY f SYSTEM "file:///etc/passwd">]>'
KINDS = {
    "docx": readers.word_reader,
    "pptx": readers.slides_reader,
    "xlsx": readers.workbook_reader,
    "odt": readers.open_document_reader,
    "epub": readers.book_reader,
}


@pytest.fixture(scope="module")
def good(saved, open_document, book):
    word, slides, sheets = docx.Document(), pptx.Presentation(), openpyxl.Workbook()
    word.add_paragraph("Close the valve. " * 20)
    slides.slides.add_slide(slides.slide_layouts[1]).shapes.title.text = "Valves"
    for row in range(50):
        sheets.active.append(["valve", row])
    return {
        "docx": saved(word),
        "pptx": saved(slides),
        "xlsx": saved(sheets),
        "odt": open_document("<office:text><text:p>Close the valve.</text:p></office:text>"),
        "epub": book("<p>Close the valve.</p>", "<p>Wait.</p>"),
    }


def refusal(suffix, data):
    """Return the message and the fix of the error that a file is."""
    with pytest.raises(ReadError) as caught:
        KINDS[suffix].read(SourceFile(f"/a.{suffix}", f"a.{suffix}"), data)
    return caught.value.message, caught.value.fix


MAIN = {
    "docx": "word/document.xml",
    "pptx": "ppt/slides/slide1.xml",
    "xlsx": "xl/worksheets/sheet1.xml",
    "odt": "content.xml",
    "epub": "O/p.opf",
}


@pytest.mark.parametrize("suffix", KINDS)
def test_no_entity_is_expanded_or_fetched(suffix, good, remade):
    with ZipFile(BytesIO(good[suffix])) as opened:
        plain = opened.read(MAIN[suffix]).decode().partition("?>")[2] or opened.read(MAIN[suffix]).decode()
    for data in (
        (ENTITIES + plain).encode(),
        (ENTITIES + plain).encode("utf-16"),
        f'<?xml version="1.0" encoding="UTF-16LE"?>{ENTITIES}{plain}'.encode("utf-16-le"),
        f'<?xml version="1.0" encoding="utf-7"?>{plain}'.encode(),
    ):
        told, _ = refusal(suffix, remade(good[suffix], **{MAIN[suffix]: data}))
        assert "declares entities or an encoding" in told


def test_entities_in_a_page_of_a_book_are_cut_off(zipped, book, remade):
    bomb = "<html><body><p>safe &b; &f;</p></body></html>"
    data = remade(book("<p>x</p>"), **{"O/page 0.xhtml": ENTITIES + bomb})
    parsed = readers.book_reader.read(SourceFile("/a.epub", "a.epub"), data)
    assert "root:" not in parsed.documents[0].text
    assert "haha" not in parsed.documents[0].text
    assert "safe" in parsed.documents[0].text


@pytest.mark.parametrize("suffix", KINDS)
def test_archives_that_unpack_to_too_much_are_refused(suffix, good, remade, monkeypatch):
    monkeypatch.setattr(archive, "MOST_XML_BYTES", 1_000_000)
    monkeypatch.setattr(archive, "MOST_BYTES", 4_000_000)
    assert "its text unpacks to more" in refusal(suffix, remade(good[suffix], **{"x.xml": b" " * 1_500_000}))[0]
    assert "it unpacks to more" in refusal(suffix, remade(good[suffix], **{"x.png": b"\0" * 4_500_000}))[0]
    monkeypatch.setattr(archive, "MOST_MEMBERS", 3)
    assert "files in it" in refusal(suffix, remade(good[suffix], a="", b="", c="", d=""))[0]


def test_a_member_never_unpacks_to_more_than_is_declared(zipped):
    data = zipped({"content.xml": b"<a>" + b" " * 5_000_000 + b"</a>"})
    size = (5_000_007).to_bytes(4, "little")
    assert data.count(size) == 2
    told, _ = refusal("odt", data.replace(size, (100).to_bytes(4, "little")))
    assert "damaged" in told


def test_what_is_encrypted_or_of_an_older_format_is_told(good, open_document, remade, book):
    for suffix in ("docx", "pptx", "xlsx"):
        told, fix = refusal(suffix, OLD + "EncryptedPackage".encode("utf-16-le"))
        assert ("encrypted with a password" in told, fix) == (True, "save it without a password")
        told, fix = refusal(suffix, OLD + b"\0" * 600)
        assert "older binary format" in told
        assert fix.startswith(f"save it as .{suffix}")
    manifest = (
        '<m:manifest xmlns:m="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"><m:file-entry>'
        "<m:encryption-data/></m:file-entry></m:manifest>"
    )
    assert "encrypted" in refusal("odt", remade(good["odt"], **{"META-INF/manifest.xml": manifest}))[0]
    protected = (
        '<e xmlns="urn:oasis:names:tc:opendocument:xmlns:container" xmlns:x="http://www.w3.org/2001/04/xmlenc#">'
        '<x:CipherReference URI="O/page%200.xhtml"/></e>'
    )
    assert "DRM" in refusal("epub", remade(good["epub"], **{"META-INF/encryption.xml": protected}))[0]


@pytest.mark.parametrize("suffix", KINDS)
def test_what_is_something_else_is_told(suffix, good, zipped):
    others = [b"", b"PK\x03\x04", b"just text", b"\x89PNG\r\n", zipped({"a.txt": "hello"}), zlib.compress(b"x")]
    others += [data for kind, data in good.items() if kind != suffix]
    for data in others:
        told, _ = refusal(suffix, data)
        assert re_named(told), told


def re_named(told):
    return any(part in told for part in ("not a ", "not an ", "damaged", "files in it"))


@pytest.mark.parametrize("suffix", KINDS)
def test_damaged_bytes_are_an_error_or_a_document(suffix, good):
    rng = random.Random(7)
    data = good[suffix]
    for _ in range(40):
        damaged = bytearray(data)
        for _ in range(rng.randint(1, 20)):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        del damaged[rng.choice([len(data), rng.randrange(len(data))]) :]
        try:
            parsed = KINDS[suffix].read(SourceFile("/a", "a"), bytes(damaged))
        except ReadError as error:
            assert len(error.message) < 1_000
        else:
            assert parsed.documents[0].text.strip()


@pytest.mark.parametrize("suffix", ["docx", "odt", "epub"])
def test_deep_nesting_ends(suffix, good, remade):
    deep = {
        "docx": lambda: wrapped("w:sdt", 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'),
        "odt": lambda: wrapped("section", ""),
        "epub": lambda: f"<html><body>{'<div>' * 20_000}x{'</div>' * 20_000}</body></html>",
    }[suffix]()
    name = "O/page 0.xhtml" if suffix == "epub" else MAIN[suffix]
    data = remade(good[suffix], **{name: deep})
    try:
        parsed = KINDS[suffix].read(SourceFile("/a", "a"), data)
    except ReadError:
        return
    assert parsed.errors


def wrapped(tag, namespaces):
    return f"<a {namespaces}>" + f"<{tag}>" * 20_000 + f"</{tag}>" * 20_000 + "</a>"


def test_a_sheet_with_too_much_is_read_in_part(good, monkeypatch, saved, read):
    monkeypatch.setattr(workbook, "MOST_CELLS", 60)
    document, errors = read("xlsx", good["xlsx"])
    assert document.text.count("valve") == 30
    assert errors == ["read in part: sheet 'Sheet': it has more than 60 cells"]
    monkeypatch.setattr(workbook, "MOST_CELLS", 10_000)
    monkeypatch.setattr(text, "MOST_CHARACTERS", 100)
    document, errors = read("xlsx", good["xlsx"])
    assert 0 < len(document.text) <= 100
    assert errors == ["read in part: sheet 'Sheet': its text is longer than 100 characters"]


def test_a_cell_far_down_costs_nothing(saved, read):
    made = openpyxl.Workbook()
    made.active["A1048576"] = "deep"
    document, errors = read("xlsx", saved(made))
    assert (document.text, errors) == ("deep", [])
    assert document.metadata["sections"] == [{"start": 0, "place": {"sheet": "Sheet", "row": 1048576}}]


def test_no_text_is_told(saved):
    assert "no text" in refusal("docx", saved(docx.Document()))[0]
    assert "no text" in refusal("xlsx", saved(openpyxl.Workbook()))[0]
