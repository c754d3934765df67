"""Readers of packages, front matter, notebooks, and what a folder says of its files."""

import itertools
import json
import os
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieverkit import Index
from retrieverkit.discovery import shared_discovery
from retrieverkit.reading import choosing
from retrieverkit.reading.front_matter import taken_from
from retrieverkit_core.errors import ModeConflictError, PluginError

NUMBERS = itertools.count()
READER = """
from retrieverkit_core.readers import Parsed, Reader, whole_file

def read(file, data):
    return Parsed([whole_file(file, data[::-1].decode(), title="turned")], [])

reader = Reader(read, version=VERSION)
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Installs a distribution with a reader of a suffix."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))

    def add(name, suffix, source=READER, version=1):
        module = f"fake_{next(NUMBERS)}"
        (site / f"{module}.py").write_text(source.replace("VERSION", str(version)))
        info = site / f"{name}-1.0.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[retrieverkit.readers]\n{suffix} = {module}:reader\n")
        shared_discovery().refresh()

    yield add
    monkeypatch.undo()
    shared_discovery().refresh()


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "notes"
    place.mkdir()
    return place


@pytest.fixture
def index(tmp_path):
    with Index.create(tmp_path / "index.rk") as made:
        yield made


def texts(index):
    return {node.ref_doc_id: node.text for node in index}


def test_an_installed_reader_is_used_also_where_there_is_one_already_and_its_next_version_reads_again(
    install, folder, index
):
    (folder / "a.turned").write_text("cba")
    (folder / "b.md").write_text("dcb")
    index.add_files(folder)
    assert texts(index) == {"notes/a.turned": "cba", "notes/b.md": "dcb"}
    install("turner", "turned")
    install("other", "md")
    assert sorted(index.add_files(folder).changed) == ["notes/a.turned", "notes/b.md"]
    assert texts(index) == {"notes/a.turned": "abc", "notes/b.md": "bcd"}
    assert index.add_files(folder).unchanged == 2
    install("turner", "turned", version=7)
    install("other", "md", version=9)
    assert index.add_files(folder).read == 2


@pytest.mark.parametrize("source", ["reader = 1", "raise RuntimeError('broken')", READER.replace("data[::-1]", "1/0")])
def test_a_broken_reader_is_told_and_the_others_read(install, folder, index, source):
    (folder / "a.turned").write_text("cba")
    (folder / "b.txt").write_text("text")
    install("turner", "turned", source)
    report = index.add_files(folder)
    assert [error.path for error in report.errors] == [str(folder / "a.turned")]
    assert report.added == ["notes/b.txt"]
    assert isinstance(report.errors[0].__cause__, (PluginError, ZeroDivisionError))


def test_two_readers_of_a_suffix_are_told_and_one_can_be_chosen(install, folder, index, monkeypatch):
    (folder / "a.turned").write_text("cba")
    install("one", "turned")
    install("two", "turned")
    (error,) = index.add_files(folder).errors
    assert "one" in str(error.__cause__) and "two" in str(error.__cause__)
    assert not isinstance(error.__cause__, ModeConflictError)
    monkeypatch.setenv("RETRIEVERKIT_BLOCK", "two")
    assert index.add_files(folder).added == ["notes/a.turned"]


def test_what_the_folder_says_can_be_filtered_by_and_follows_the_file(folder, index):
    file = folder / "deep" / "a.MD"
    file.parent.mkdir()
    file.write_text("# Pump\n")
    os.utime(file, (0, 1_000_000_000))
    index.add_files(folder)
    (node,) = index
    when = datetime.fromtimestamp(1_000_000_000, UTC).isoformat()
    facts = {"modified": when, "size": 7, "suffix": ".md", "folder": "notes/deep"}
    assert {name: node.metadata[name] for name in facts} == facts
    assert set(facts) <= {*node.excluded_embed_metadata_keys} and set(facts) <= {*node.excluded_llm_metadata_keys}
    assert index.retrieve("pump", "bm25", filters="modified < '2002-01-01' and suffix == '.md' and size < 10")
    os.utime(file, (0, 1_500_000_000))
    assert index.add_files(folder).changed == ["notes/deep/a.MD"]
    assert not index.retrieve("pump", "bm25", filters="modified < '2002-01-01'")


def test_what_was_read_is_kept_where_the_package_that_reads_it_is_gone(folder, index, monkeypatch):
    (folder / "a.data").write_text("pump")
    index.add_files(folder)
    (folder / "a.data").write_bytes(b"\0\1\2")
    (folder / "b.data").write_bytes(b"\0\1\2")
    monkeypatch.setitem(choosing.KNOWN_READERS, "data", "retrieverkit-data")
    report = index.add_files(folder)
    assert (report.removed, report.of_other_kinds) == ([], 1)
    [error] = report.errors
    assert (error.code, error.fix) == ("unsupported_file", "pip install retrieverkit-data")
    assert index.retrieve("pump", "bm25")
    (folder / "a.data").unlink()
    assert index.add_files(folder, prune=True).removed == ["notes/a.data"]


def test_a_file_that_turns_into_another_kind_takes_its_document_along(folder, index):
    (folder / "a.data").write_text("pump")
    (folder / "b.txt").write_text("text")
    index.add_files(folder)
    (folder / "a.data").write_bytes(b"\0\1\2")
    report = index.add_files(folder)
    assert (report.removed, report.of_other_kinds, report.errors) == (["notes/a.data"], 1, [])
    assert [(skipped.path, skipped.reason) for skipped in report.skipped] == [
        ("notes/a.data", ".data files are not supported")
    ]
    (error,) = index.add_files(folder / "a.data").errors
    assert error.code == "unsupported_file", "what is named is wanted"


@pytest.mark.parametrize(
    ("text", "metadata", "rest"),
    [
        ("---\na: 1\nb: [x, 2020-01-02]\n---\nT", {"a": 1, "b": ["x", "2020-01-02"]}, "\n\n\n\nT"),
        ("---\r\na: 1\r\n...\r\nT", {"a": 1}, "\n\n\nT"),
        (
            "---\nzip: 010\nat: 1:30\nready: no\nsha: 12e03\nn: 1_0\n---",
            {"zip": "010", "at": "1:30", "ready": "no", "sha": "12e03", "n": "1_0"},
            "\n\n\n\n\n\n",
        ),
        (
            "---\na: true\nb: 1.5\nc: -7\nd: ~\ne: 1.0e-3\n---",
            {"a": True, "b": 1.5, "c": -7, "d": None, "e": 0.001},
            "\n\n\n\n\n\n",
        ),
        ("---\npath: x\nsize: 3\n---", {"own_path": "x", "own_size": 3}, "\n\n\n"),
        ("---\n---\nT", {}, "\n\nT"),
        ("---\nplain words\n---\nT", {}, None),
        ("---\n- a\n---\nT", {}, None),
        ("----\na: 1\n---\nT", {}, None),
        ("---\na: 1\nT", {}, None),
        (" ---\na: 1\n---", {}, None),
        ("", {}, None),
    ],
)
def test_front_matter_is_metadata_and_lines_keep_their_numbers(text, metadata, rest):
    found = taken_from(text)
    expected = text if rest is None else rest
    assert (found.metadata, found.text.replace("\r", ""), found.problem) == (metadata, expected.replace("\r", ""), "")


@pytest.mark.parametrize(
    "yaml", ["a: {", "a: .nan", "a: !!binary aGk=", "a: 1\na: 2", "a: &x [*x]", "? [1]\n: 2\nb: @"]
)
def test_front_matter_that_cannot_be_read_is_told_and_stays_text(yaml, folder, index):
    text = f"---\n{yaml}\n---\nT"
    found = taken_from(text)
    assert found.problem and (found.metadata, found.text) == ({}, text)
    (folder / "a.md").write_text(text)
    report = index.add_files(folder)
    assert "front matter" in str(report.errors[0]) and texts(index) == {"notes/a.md": text}


@given(st.text(), st.dictionaries(st.text(st.characters(codec="ascii", categories=["L"]), min_size=1), st.integers()))
def test_any_front_matter_keeps_the_lines(body, fields):
    text = f"---\n{json.dumps(fields)}\n---\n{body}"
    assert taken_from(text).text == f"\n\n\n{body}"


def test_a_notebook_is_its_cells(folder, index):
    cells = [
        {"cell_type": "markdown", "source": ["# Pumps\n", "How they fail."]},
        {"cell_type": "code", "source": "x = 'stall'", "outputs": [{"text": "secret"}]},
    ]
    notebook = {"cells": cells, "nbformat": 4, "metadata": {"kernelspec": {"language": "python"}}}
    (folder / "a.ipynb").write_text(json.dumps(notebook))
    (folder / "b.ipynb").write_text('{"worksheets": []}')
    report = index.add_files(folder)
    assert "not a notebook of format 4" in str(report.errors[0]) and len(report.errors) == 1
    first, second = index
    assert (first.text, first.metadata["cell"], first.metadata["title"]) == ("# Pumps\nHow they fail.", 1, "Pumps")
    assert (second.text, second.metadata["cell"], second.metadata["language"]) == ("x = 'stall'", 2, "python")


def test_what_a_page_says_of_itself_is_metadata(folder, index):
    head = '<meta name="Author" content=" Ada  L. "><meta name=keywords content="pump, , valve"><meta name=x content=y>'
    (folder / "a.html").write_text(f"<head><title>T</title>{head}</head><body>text<meta name=date content=z>")
    index.add_files(folder)
    (node,) = index
    assert (node.metadata["author"], node.metadata["keywords"]) == ("Ada L.", ["pump", "valve"])
    assert "x" not in node.metadata and "date" not in node.metadata


def test_text_of_a_legacy_encoding_is_read_where_it_is_named(folder, index):
    from retrieverkit.reading import FileRules

    (folder / "a.txt").write_bytes("Prüfung".encode("cp1252"))
    (folder / "b.txt").write_text("größer")
    assert "--encoding" in index.add_files(folder).errors[0].fix
    report = index.add_files(folder, rules=FileRules.of(encoding="cp1252"))
    assert report.errors == [] and texts(index) == {"notes/a.txt": "Prüfung", "notes/b.txt": "größer"}


def test_another_encoding_reads_again_and_none_keeps_what_was_read(folder, index):
    from retrieverkit.reading import FileRules

    (folder / "a.txt").write_bytes("привет".encode("koi8-r"))
    (folder / "b.txt").write_text("plain")
    index.add_files(folder, rules=FileRules.of(encoding="latin-1"))
    report = index.add_files(folder, rules=FileRules.of(encoding="koi8-r"))
    assert (report.changed, report.unchanged) == (["notes/a.txt"], 1)
    assert texts(index) == {"notes/a.txt": "привет", "notes/b.txt": "plain"}
    report = index.add_files(folder)
    assert (report.unchanged, report.errors) == (2, [])
    assert index.as_retriever("bm25").why_not("plain", "notes/a.txt").code == "below_leg_cut", "it has not changed"


def test_front_matter_may_have_any_names(folder, index):
    (folder / "a.md").write_text("---\nfile: f\ntext: t\ntitle: Pump\ndata: d\n---\nvalve")
    assert index.add_files(folder).errors == []
    (node,) = index
    assert node.text.strip() == "valve"
    assert {name: node.metadata[name] for name in ("file", "text", "title", "data")} == {
        "file": "f",
        "text": "t",
        "title": "Pump",
        "data": "d",
    }


@pytest.mark.parametrize("yaml", ["path: a\nown_path: b", "own_path: b\npath: a", "true: a\n'True': b"])
def test_fields_of_front_matter_that_would_have_one_name_are_told(yaml):
    found = taken_from(f"---\n{yaml}\n---\nT")
    assert found.metadata == {}
    assert "given twice" in found.problem


def test_a_reader_that_gives_bytes_as_text_stops_no_other_file(install, folder, index):
    source = READER.replace("data[::-1].decode()", "data")
    install("bytes", "raw", source)
    (folder / "a.raw").write_text("x")
    (folder / "b.txt").write_text("y")
    (error,) = index.add_files(folder).errors
    assert "the text is bytes, not str" in str(error)
    assert texts(index) == {"notes/b.txt": "y"}
