"""Fifty kinds of file, and of what can be wrong with one: all of it is found, left out by rule or reported."""

import json
import mailbox
import os
import pty
import re
import socket
import subprocess
import sys
from email.message import EmailMessage
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from retrieverkit import Index
from retrieverkit_core.corpus import Corpus

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes, sockets and modes of files"),
    pytest.mark.xdist_group("fifty kinds"),
]

PLAIN = (
    "txt log rst org tex xml svg yaml toml ini js ts tsx java c h cpp go rs rb php sh sql css scss lua kt swift r foo"
)
ESCAPE = "\x1b]0;owned\x07\x1b[2J"
"""What names the window of a terminal and wipes it."""


def word(kind):
    """Return the word that only the file of a kind has."""
    return f"kindof{kind}q"  # the end of a word is cut off by the stemmer


def said(kind):
    return f"The {word(kind)} pump needs a valve."


def pdf(text):
    from pypdf import PdfWriter
    from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

    writer = PdfWriter()
    names = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Helvetica"}
    font = DictionaryObject({NameObject(name): NameObject(value) for name, value in names.items()})
    content = DecodedStreamObject()
    content.set_data(f"BT /F1 12 Tf 20 200 Td ({text}) Tj ET".encode("latin-1"))
    page = writer.add_blank_page(300, 300)
    page[NameObject("/Contents")] = writer._add_object(content)
    page[NameObject("/Resources")] = DictionaryObject(
        {NameObject("/Font"): DictionaryObject({NameObject("/F1"): font})}
    )
    return saved(writer, "write")


def saved(document, method="save"):
    stream = BytesIO()
    getattr(document, method)(stream)
    return stream.getvalue()


def zipped(members):
    stream = BytesIO()
    with ZipFile(stream, "w", ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


def open_document(body):
    office = "urn:oasis:names:tc:opendocument:xmlns:"
    names = " ".join(f'xmlns:{name}="{office}{name}:1.0"' for name in ("office", "text", "table"))
    names += f' xmlns:draw="{office}drawing:1.0"'
    return zipped({"content.xml": f"<office:c {names}><office:body>{body}</office:body></office:c>"})


def office_files():
    import docx
    import openpyxl
    import pptx

    word_file, slides, sheets = docx.Document(), pptx.Presentation(), openpyxl.Workbook()
    word_file.add_paragraph(said("docx"))
    slides.slides.add_slide(slides.slide_layouts[1]).shapes.title.text = said("pptx")
    sheets.active.append([said("xlsx"), 5])
    container = (
        '<c xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfile full-path="p.opf"/></c>',
        '<package xmlns="http://www.idpf.org/2007/opf"><manifest><item id="a" href="a.xhtml"/></manifest>'
        '<spine><itemref idref="a"/></spine></package>',
        f"<html><body><p>{said('epub')}</p></body></html>",
    )
    names = ("META-INF/container.xml", "p.opf", "a.xhtml")
    cell = f"<table:table-cell><text:p>{said('ods')}</text:p></table:table-cell>"
    return {
        "docx": saved(word_file),
        "pptx": saved(slides),
        "xlsx": saved(sheets),
        "epub": zipped(dict(zip(names, container))),
        "odt": open_document(f"<office:text><text:p>{said('odt')}</text:p></office:text>"),
        "odp": open_document(
            f"<office:presentation><draw:page><text:p>{said('odp')}</text:p></draw:page></office:presentation>"
        ),
        "ods": open_document(
            f"<office:spreadsheet><table:table><table:table-row>{cell}</table:table-row></table:table></office:spreadsheet>"
        ),
    }


def mail(kind):
    message = EmailMessage()
    message["Subject"], message["From"] = "Pumps", "ada@plant.example"
    message.set_content(said(kind), cte="base64")
    return message


def good_files(folder):
    """Write a file of each kind that is read; return the kinds."""
    page = "<html><title>t</title><body><p>{}</p></body></html>"
    cells = [{"cell_type": "markdown", "source": [said("ipynb")]}]
    files = {
        **{kind: said(kind) for kind in PLAIN.split()},
        **{kind: f"# Title\n\n{said(kind)}\n" for kind in ("md", "markdown")},
        **{kind: page.format(said(kind)) for kind in ("html", "htm", "xhtml")},
        **{kind: f'"""{said(kind)}"""\n\n\ndef parse():\n    pass\n' for kind in ("py", "pyi")},
        "csv": f"text,n\n{said('csv')},1\n",
        "tsv": f"text\tn\n{said('tsv')}\t1\n",
        "json": json.dumps({"a": said("json")}),
        "jsonl": json.dumps({"id": 1, "text": said("jsonl")}),
        "ndjson": json.dumps({"id": 1, "text": said("ndjson")}),
        "ipynb": json.dumps({"nbformat": 4, "cells": cells}),
        "eml": mail("eml").as_bytes(),
        "pdf": pdf(said("pdf")),
        **office_files(),
    }
    for kind, data in files.items():
        (folder / f"good.{kind}").write_bytes(data if isinstance(data, bytes) else data.encode())
    (folder / "NOSUFFIX").write_text(said("nosuffix"))
    box = mailbox.mbox(folder / "good.mbox")
    box.add(mail("mbox"))
    box.close()
    for name, kind in ((f"esc {ESCAPE}.txt", "escape"), ("new\nline.txt", "newline"), ("\u202etxt.exe.txt", "bidi")):
        (folder / name).write_text(said(kind))
    return [*files, "nosuffix", "mbox", "escape", "newline", "bidi"]


def left_out_files(folder):
    """Write what is left out by rule; return the names."""
    other = {
        **{
            f"{name}": bytes(range(256)) * 40
            for name in ("a.png", "a.jpg", "a.mp3", "a.zip", "a.sqlite", "a.bin", "NODATA")
        },
        "a.doc": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
        ".hidden.txt": b"hidden",
    }
    for name, data in other.items():
        (folder / name).write_bytes(data)
    (folder / "loop").symlink_to(folder)
    (folder / "broken-link.txt").symlink_to("nowhere")
    (folder / "outside.txt").symlink_to("/etc/hostname")
    (folder / "zero.txt").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe.txt")
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.getcwd()
        os.chdir(folder)  # a socket's path is short
        try:
            listener.bind("socket.txt")
        finally:
            os.chdir(here)
    return [*other, "loop", "broken-link.txt", "outside.txt", "zero.txt", "pipe.txt", "socket.txt"]


def bad_files(folder):
    """Write what cannot be read; return the names."""
    bomb = zipped({"content.xml": b"<a>" + b" " * 5_000 + b"</a>"})
    declared = (5_007).to_bytes(4, "little")
    entities = '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><a>&b;</a>'
    files = {
        "bomb.odt": bomb.replace(declared, (1 << 30).to_bytes(4, "little")),
        "nested.docx": zipped({"a.zip": zipped({"b.zip": zipped({"c": b"0" * 100_000})})}),
        "entities.xlsx": zipped({"[Content_Types].xml": entities, "xl/workbook.xml": entities}),
        "picture.docx": b"\x89PNG\r\n\x1a\n" + bytes(500),
        "cut.pptx": saved_cut(folder / "good.pptx"),
        "old.xlsx": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
        "broken.pdf": b"%PDF-1.7 and nothing else",
        "broken.jsonl": b'{"text": "whole"}\n{"text": ',
        "broken.json": b"{",
        "broken.ipynb": b"{}",
        "latin1.txt": "für".encode("latin-1"),
        "nul.txt": b"a\0b",
        "deep.html": b"<div>" * 10_000,
        **{f"empty.{kind}": b"" for kind in ("docx", "pdf", "epub", "xlsx", "eml", "ipynb", "html", "json")},
        f"bad {ESCAPE}.pdf": b"nothing",
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    with open(folder / "sparse.txt", "wb") as sparse:
        sparse.truncate(1 << 33)
    names = [*files, "sparse.txt"]
    try:
        (folder / os.fsdecode(b"caf\xe9.txt")).write_text("x")
        names.append("caf\\xe9.txt")
    except OSError:  # a file system that takes no such names
        pass
    if os.geteuid():
        (folder / "locked.txt").write_text("x")
        (folder / "locked.txt").chmod(0)
        names.append("locked.txt")
    return names


def saved_cut(path):
    data = path.read_bytes()
    return data[: len(data) // 2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("kinds") / "plant"
    place.mkdir()
    return place


@pytest.fixture(scope="module")
def kinds(folder):
    return good_files(folder), left_out_files(folder), bad_files(folder)


@pytest.fixture(scope="module")
def indexed(folder, kinds):
    with Index.create(folder.parent / "index.rk") as index:
        yield index, index.add_files(folder)


def test_each_kind_is_found_by_its_word(indexed, kinds):
    index, _ = indexed
    assert len(kinds[0]) >= 50
    for kind in kinds[0]:
        (hit,) = index.retrieve(word(kind), "bm25")
        assert kind in hit.node.metadata["path"].lower() or kind in ("escape", "newline", "bidi")


def test_every_file_is_read_or_left_out_or_reported_once(indexed, kinds, folder):
    index, report = indexed
    _, left_out, bad = kinds
    assert {skipped.path.rpartition("/")[2] for skipped in report.skipped} >= set(left_out)
    told = [re.sub(r"\A.*?/plant/", "", str(error.path)) for error in report.errors]
    assert set(told) == set(bad)
    assert {name: told.count(name) for name in bad if told.count(name) != 1} == {}
    assert (report.failed_before, report.partial) == ([], True)
    assert report.of_other_kinds == 8

    sources = {source.rpartition("/")[2] for source, known in index.corpus.sources().items() if known}
    whole = (
        {each.name for each in folder.iterdir()}
        - set(left_out)
        - {os.fsdecode(b"caf\xe9.txt"), "sparse.txt", "locked.txt"}
    )
    assert sources == whole


def test_what_failed_is_counted_and_nothing_is_read_again(indexed, kinds, folder):
    index, _ = indexed
    assert isinstance(index.corpus, Corpus)
    again = index.add_files(folder)
    not_opened = {"sparse.txt", "caf\\xe9.txt", "locked.txt"}
    assert len(again.failed_before) == len(set(kinds[2]) - not_opened)
    assert {str(error.path).rpartition("/")[2] for error in again.errors} == set(kinds[2]) & not_opened
    assert (again.added, again.changed, again.removed) == ([], [], [])


def test_files_that_change_or_vanish_while_others_are_read(tmp_path):
    folder = tmp_path / "notes"
    folder.mkdir()
    for name in "abcd":
        (folder / f"{name}.txt").write_text(name)

    def interfere(done, total, path):
        if done == 1:
            (folder / "b.txt").unlink()
            (folder / "c.txt").write_text("changed")
            (folder / "d.txt").unlink()
            (folder / "d.txt").symlink_to("/etc/hostname")

    with Index.create(tmp_path / "index.rk") as index:
        report = index.add_files(folder, on_progress=interfere)
        assert sorted(node.text for node in index) == ["a", "changed"]
        assert [str(error.path).rpartition("/")[2] for error in report.errors] == ["b.txt", "d.txt"]
        index.add_files(folder)
        assert sorted(node.text for node in index) == ["a", "changed"]


def test_no_name_commands_a_terminal(tmp_path):
    folder = tmp_path / f"notes {ESCAPE}"
    folder.mkdir()
    for name, text in ((f"{ESCAPE}.txt", said("escape")), (f"{ESCAPE}.pdf", "bad"), ("\u202etxt.md", said("escape"))):
        (folder / name).write_text(text)
    (folder / f"{ESCAPE}.md").write_text(f"# pump {ESCAPE}\n\npump {ESCAPE}")
    control, terminal = pty.openpty()
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "TERM": "xterm", "LC_ALL": "C.UTF-8"}
    command = [sys.executable, "-m", "retrieverkit.cli", "search", "kindofescape pump", str(folder), "--mode", "bm25"]
    run = subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal, env=environment, cwd=tmp_path)
    os.close(terminal)
    shown = b""
    while True:
        try:
            more = os.read(control, 65536)
        except OSError:  # the other end is closed
            break
        if not more:
            break
        shown += more
    os.close(control)
    assert run.wait() == 3
    assert b"owned" in shown
    assert b"\x1b]0;" not in shown and b"\x07" not in shown
    assert "\u202e".encode() not in shown
