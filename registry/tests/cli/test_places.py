"""Where hits stand in their files, and what other programs get of it."""

import json
import os
import stat
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieverkit import Index
from retrieverkit.cli.passages import PassageFinder
from retrieverkit.cli.places import places_of
from retrieverkit_core.query import QueryBundle

pytestmark = pytest.mark.searches

PUMP = """---
title: Pump care
year: 2021
---
# Pumps

## Valves

    def close(valve):
        return coolant(valve)

Last line.
"""


@pytest.fixture
def plant(tmp_path):
    folder = tmp_path / "plant"
    folder.mkdir()
    (folder / "pump.md").write_text(PUMP)
    (folder / "page.html").write_text("<html>\n<body>\n<p>The coolant of a page</p></body></html>")
    return folder


def found(retriever, *arguments):
    return json.loads(retriever("search", "coolant", *arguments, "--mode", "bm25", "--json").stdout)["hits"]


WORDS = st.sampled_from(
    ["coolant", "pump", "valve", "", "  ", "# Head", "```", "é", "---", "x: 1", "\f", "\v", "\u2028"]
)
LINES = st.lists(st.lists(WORDS, max_size=4).map(" ".join), min_size=1, max_size=80)


@settings(deadline=None, max_examples=25)
@given(lines=LINES, suffix=st.sampled_from([".md", ".txt"]), end=st.sampled_from(["\n", "\r\n"]))
def test_a_line_that_is_named_is_the_line_of_the_file(tmp_path_factory, lines, suffix, end):
    folder = tmp_path_factory.mktemp("lines")
    file = folder / f"a{suffix}"
    file.write_bytes(end.join(lines).encode())
    index = Index.create(folder / "ix", splitter="pieces(chunk_size=20)")
    with index:
        index.add_files(file)
        hits = index.as_retriever("bm25").retrieve(QueryBundle("coolant", top_k=50))
        places = places_of(index.corpus, hits, PassageFinder("coolant"))
    of_file = dict(enumerate(lines, 1))
    for place in places:
        assert place.path == str(file.resolve())
        assert place.first <= place.line <= place.last
        assert "coolant" in of_file[place.line]
        assert all(of_file[number] == text for number, text in place.shown)


def test_a_line_a_heading_and_lines_as_they_stand(retriever, plant):
    hits = {hit["label"]: hit for hit in found(retriever, plant)}
    pump, page = hits["plant/pump.md"], hits["plant/page.html"]
    assert (pump["line"], pump["end_line"], pump["match_line"]) == (5, 12, 10)
    assert pump["heading"] == ["Pumps", "Valves"]
    assert [page[name] for name in ("line", "end_line", "match_line", "heading")] == [None, None, None, []]
    lines = retriever("search", "coolant", plant, "--mode", "bm25").stdout.splitlines()
    at = next(at for at, line in enumerate(lines) if line.endswith("  plant/pump.md:10  Pumps › Valves"))
    assert lines[at + 2 :][:4] == [
        "    Pump care",
        "        def close(valve):",
        "            return coolant(valve)",
        "    Last line.",
    ]
    assert any(line.endswith("  plant/page.html") for line in lines)


@pytest.mark.parametrize(
    ("name", "text", "heading"),
    [
        ("a.py", "def one():\r    return 'coolant'\rdef two():\r    return 2\r", ["one"]),
        ("a.md", "# One\r\rThe coolant.\r\r# Two\r\rA valve.\r", ["One"]),
    ],
)
def test_a_heading_behind_the_hit_is_not_above_it(retriever, tmp_path, name, text, heading):
    (tmp_path / name).write_bytes(text.encode())  # old ends of lines: the whole file is one line to grep
    retriever("index", tmp_path / name, "--index", tmp_path / "old.rk", "--splitter", "headings")
    done = retriever("search", "coolant", "--index", tmp_path / "old.rk", "--mode", "bm25", "--json")
    (hit,) = json.loads(done.stdout)["hits"]
    assert hit["heading"] == heading


def test_no_line_is_named_of_a_file_that_was_changed_since(retriever, plant):
    retriever("index", plant, "--index", "ix")
    (plant / "pump.md").write_text("New first line.\n" + PUMP)
    hits = {hit["label"]: hit for hit in found(retriever, "--index", "ix")}
    assert hits["plant/pump.md"]["match_line"] is None
    assert hits["plant/pump.md"]["heading"] == ["Pumps", "Valves"]
    (plant / "pump.md").unlink()
    os.mkfifo(plant / "pump.md")
    assert found(retriever, "--index", "ix")[0]["match_line"] is None


def test_lines_around_the_best_one(retriever, plant):
    lines = retriever("search", "coolant", plant / "pump.md", "--mode", "bm25", "-C", 1).stdout.splitlines()
    assert lines[-3:] == ["    9-     def close(valve):", "    10:         return coolant(valve)", "    11-"]


def test_a_scope_shows_nothing_around_a_hit(retriever, tmp_path):
    (tmp_path / "a.txt").write_text("secret before. coolant.\nsecret after, secret again.\n")
    with Index.create(tmp_path / "ix", splitter="pieces(chunk_size=15)") as index:
        index.add_files(tmp_path / "a.txt")
    arguments = ("search", "coolant", "--index", "ix", "--mode", "bm25", "-C", 3)
    assert "secret after" in retriever(*arguments).stdout
    told = retriever(*arguments, "--scope", "position == 1").stdout
    assert "1: coolant" in told and "secret" not in told


def test_paths_alone(retriever, plant):
    (plant / "two\nlines.txt").write_text("coolant of two lines")
    (plant / "esc\x1b[31m.txt").write_text("coolant of an escape")
    done = retriever("search", "coolant", plant, "-l", "--mode", "bm25")
    assert sorted(done.stdout.splitlines()) == ["plant/esc\x1b[31m.txt", "plant/page.html", "plant/pump.md"]
    assert "1 left out: a path with a line break" in done.stderr
    done = retriever("search", "coolant", plant, "-l", "-0", "--mode", "bm25")
    assert "plant/two\nlines.txt" in done.stdout.split("\0")
    assert retriever("search", "zebra", plant, "-l").stdout == ""


def test_a_form_of_your_own(retriever, plant):
    arguments = ("search", "coolant", plant, "--mode", "bm25", "--format")
    told = retriever(*arguments, r"{path}:{line}:{text}\t{{{heading}}}").stdout.splitlines()
    assert "plant/pump.md:10:return coolant(valve)\t{Pumps › Valves}" in told
    assert "plant/page.html::The coolant of a page\t{}" in told
    for form, fix in (
        ("{pth}", "did you mean {path}?"),
        ("{path", "write a text"),
        ("{path.x}", "it has"),
        ("{}", "it has"),
    ):
        assert fix in retriever(*arguments, form, code=2).stderr


def test_the_best_hit_opens_in_the_editor(retriever, plant, tmp_path):
    editor = tmp_path / "bin" / "vim"
    editor.parent.mkdir()
    editor.write_text(f'#!/bin/sh\necho "$@" > "{tmp_path}/asked"\nexit "${{1#-x}}"\n')
    editor.chmod(editor.stat().st_mode | stat.S_IXUSR)
    arguments = ("search", "coolant", plant / "pump.md", "--mode", "bm25", "--open")
    retriever(*arguments, EDITOR=f"{editor} -x0")
    assert (tmp_path / "asked").read_text().split() == ["-x0", "+10", str(plant.resolve() / "pump.md")]
    retriever(*arguments, EDITOR=f"{editor} -x7", code=7)
    assert "set EDITOR" in retriever(*arguments, EDITOR="", VISUAL="", code=2).stderr
    assert "does not start" in retriever(*arguments, EDITOR=str(tmp_path / "none"), code=2).stderr


@pytest.mark.parametrize(
    "arguments", [("--json", "-l"), ("-l", "--format", "{path}"), ("-C", "2", "-l"), ("-0",), ("-l", "--explain")]
)
def test_ways_of_showing_that_do_not_go_together(retriever, plant, arguments):
    assert "fix: " in retriever("search", "coolant", plant, *arguments, code=2).stderr


def test_a_path_that_is_no_text_is_written_as_its_bytes(environment, tmp_path):
    folder = os.fsencode(tmp_path) + b"/odd"
    os.mkdir(folder)
    with open(folder + b"/a.txt", "w") as file:
        file.write("coolant")
    command = [sys.executable, "-m", "retrieverkit.cli", "search", "coolant", ".", "-l", "--mode", "bm25"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, b"a.txt\n"), done.stderr
