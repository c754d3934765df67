"""Headings: which lines are one, as a parser of CommonMark says, and what is cut at them."""

import json

from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from retrieverkit import Document, Index
from retrieverkit.reading import split
from retrieverkit.reading.markdown import Heading, first_heading, heading_path, headings_in
from retrieverkit.reading.splitters import splitter_of
from retrieverkit_core.readers import Section, sections_below, with_sections

LINES = [
    "# One",
    "## Two ##",
    "###### Six",
    "####### seven",
    "#no",
    "#",
    "   ## In",
    "    # code",
    "\t# code",
    "words",
    "more words",
    "===",
    "---",
    "- - -",
    "***",
    "```",
    "```sh",
    "~~~~",
    "~~~",
    "`````",
    "``` a`b",
    "> quoted",
    "> # quoted",
    "- item",
    "1. first",
    "7) seventh",
    "  # deep",
    "  below",
    "   === ",
    "<!-- a",
    "b -->",
    "<!-- # c -->",
    "<div>",
    "</div>",
    "<pre>",
    "</pre>",
    "",
    "",
    "",
    "é # x",
    "--",
    "*x*",
    "+ plus",
    "10. tenth",
    "<?php",
    "echo 1; ?>",
    "<!DOCTYPE html",
    "<![CDATA[ x",
    "]]>",
]
oracle = MarkdownIt("commonmark").disable("inline")


def of_oracle(text):
    """The level, first line and text of each heading that is in nothing else."""
    tokens = oracle.parse(text)
    found = []
    for at, token in enumerate(tokens):
        if token.type == "heading_open" and token.level == 0:
            words = " ".join(line.strip() for line in tokens[at + 1].content.split("\n"))
            if words:
                found.append((int(token.tag[1]), token.map[0], words))
    return found


@given(st.lists(st.sampled_from(LINES), max_size=14))
@settings(max_examples=5 * settings.default.max_examples)
def test_headings_are_those_of_commonmark(lines):
    text = "\n".join(lines)
    mine = [(heading.level, text.count("\n", 0, heading.start), heading.text) for heading in headings_in(text)]
    assert mine == of_oracle(text)


def sections_of(text, path="a.md"):
    nodes = splitter_of("headings")(Document(text, id="d", metadata={"path": path}))
    return [(" › ".join(node.metadata.get("heading", [])), node.text) for node in nodes]


BITS = ["# A\n", "## B\n", "### C\r\n", "# A\n", "words\n", "more.\n\n", "x" * 30, "\n\n", "\r\n", "Head\n====\n"]
BITS += ["```\n", "# in code\n", "\f", "é ", "\0", "\u2028", " "]


@given(st.lists(st.sampled_from(BITS), max_size=30).map("".join), st.integers(1, 40), st.booleans(), st.booleans())
@example(text="# A", size=1, paged=False, named=True)
@example(text="", size=1, paged=True, named=True)
@settings(max_examples=3 * settings.default.max_examples)
def test_sections_are_all_of_the_text_once_below_the_headings_before_them(text, size, paged, named):
    metadata = ({"path": "a.md"} if named else {}) | ({"cells": text.count("\f") + 1} if paged else {})
    document = Document(text, id="d", metadata=metadata)
    nodes = splitter_of(f"headings(chunk_size={size})")(document)
    known = list(headings_in(text))
    if not known:
        assert nodes == split(document, chunk_size=size)
        return
    at = 0
    for position, node in enumerate(nodes):
        start, end = node.start_char_idx, node.end_char_idx
        assert node.text == text[start:end] and not text[at:start].strip()
        assert at <= start < end and len(node.text) <= 3 * size
        at = end
        assert node.metadata["position"] == position if len(nodes) > 1 else "position" not in node.metadata
        path = []
        inside = [heading for heading in known if heading.start < end]
        for heading in inside:
            path = [above for above in path if above.level < heading.level] + [heading]
        assert node.metadata.get("heading", []) == [heading.text for heading in path]
        begun = [heading for heading in inside if heading.start > start]
        if begun and size > 9:  # but for its last heading, it holds nothing but those above that
            words = text[inside[len(inside) - len(begun) - 1].start : begun[-1].start].split()
            said = {word for heading in inside for word in heading.text.split()}
            assert not set(words) - said - {"#", "##", "###", "===="}
        if paged:
            assert node.metadata["cell"] == text[:start].count("\f") + 1 and "\f" not in node.text
    assert not text[at:].strip()
    assert [node.next_node for node in nodes] == [node.id for node in nodes[1:]] + [None]


def test_a_manual_is_cut_at_its_headings():
    text = """Before.

# Manual

## Empty
## Filters

### Refused ###

What is refused.

```sh
# not a heading
```

## Filters

Again.

Under
lined
---

###### Deep

Far below.
#
Still below.
"""
    assert sections_of(text) == [
        ("", "Before."),
        ("Manual › Empty", "# Manual\n\n## Empty"),
        ("Manual › Filters › Refused", text[text.index("## Filters") : text.index("\n\n## Filters\n\nAgain")]),
        ("Manual › Filters", "## Filters\n\nAgain."),
        ("Manual › Under lined › Deep", text[text.index("Under\n") :].rstrip()),
    ]
    lines = text.split("\n")
    assert heading_path(lines[:10]) == ("Manual", "Filters", "Refused")
    assert sections_of("# Alone") == [("Alone", "# Alone")]
    assert sections_of(text.replace("\n", "\r\n"))[3] == ("Manual › Filters", "## Filters\r\n\r\nAgain.")


def test_front_matter_is_not_a_heading_underlined():
    assert first_heading("---\ntitle: x\n---\n# A") == "A"
    assert first_heading("---\n\nA slide\n---\n") == "A slide"
    assert sections_of("---\ntitle: x\n---\n# A\ntext")[-1] == ("A", "# A\ntext")


def test_long_lines_are_read_in_linear_time():
    """Each took minutes where its time grew with the square of its length."""
    for text in (
        ">" * 300_000,
        "- " * 300_000,
        "* " * 300_000 + "x",
        "\t" * 300_000 + "# x",
        "#" * 300_000,
        "a\n" * 200_000,
    ):
        assert list(headings_in(text + "\n\n# End")) == [Heading(len(text) + 2, 1, "End")]


def test_what_a_reader_says_is_a_heading_is_one():
    cut = splitter_of("headings")
    document = with_sections(Document("One two three", id="d"), sections_below([(4, 1, "two")]))
    assert [(node.text, node.metadata) for node in cut(document)] == [
        ("One", {"position": 0}),
        ("two three", {"position": 1, "heading": ["two"]}),
    ]
    slides = [Section(0, ("a",), {"slide": 1}), Section(4, ("a", "b")), Section(8, (), {"slide": 2})]
    nodes = cut(with_sections(Document("One two three", id="d"), slides))
    assert [(node.text, node.metadata.get("heading"), node.metadata["slide"]) for node in nodes] == [
        ("One", ["a"], 1),
        ("two", ["a", "b"], 1),
        ("three", None, 2),
    ]


HTML = """<html><title>Manual</title><body><p>Before.</p>
<h1>The   <b>manual</b></h1><div><h2>Filters<br>here</h2>What &amp; how. # not one
<pre>
## neither
</pre>
<table><tr><td><h3>In a cell</h3></td><td>beside</td></tr></table>
<nav><h2>unseen</h2></nav><h2 hidden>hidden</h2><h2> </h2><h2>Last</h2></div></body></html>"""


def test_html_and_notebooks_say_what_their_headings_are(tmp_path):
    (tmp_path / "page.html").write_text(HTML)
    cells = [
        {"cell_type": "markdown", "source": "Before"},
        {"cell_type": "markdown", "source": ["# Train\n", "words\n", "## Fit\n"]},
        {"cell_type": "code", "source": "# a comment\nfit()"},
        {"cell_type": "markdown", "source": "é # no\n\n# Test"},
    ]
    (tmp_path / "book.ipynb").write_text(json.dumps({"cells": cells, "nbformat": 4}))
    (tmp_path / "plain.txt").write_text("# not a heading\n\ntext")
    (tmp_path / "page.md").write_text("---\ntitle: Given\n---\r\n# One\r\n\r\ntext\r\n")
    with Index.create(tmp_path / "i.rk", splitter="headings") as index:
        report = index.add_files(tmp_path)
        assert not report.errors
        assert report.notes[-1] == "headings: 1 of 4 documents have none, and are cut by pieces: plain.txt"
        assert index.settings.searched == ("title", "heading")
        found = {}
        for node in index:
            found.setdefault(node.ref_doc_id, []).append((node.metadata.get("heading"), node.text))
            text = index.corpus.document(node.ref_doc_id).text
            assert node.text == text[node.start_char_idx : node.end_char_idx]
    manual, filters = "The manual", "Filters here"
    assert found["page.html"] == [
        (None, "Before."),
        ([manual, filters], "The manual\n\nFilters\nhere\n\nWhat & how. # not one\n## neither"),
        ([manual, filters, "In a cell"], "In a cell\n\nbeside"),
        ([manual, "Last"], "Last"),
    ]
    assert found["book.ipynb"] == [
        (None, "Before"),
        (["Train"], "# Train\nwords"),
        (["Train", "Fit"], "## Fit"),
        (["Train", "Fit"], "# a comment\nfit()"),
        (["Train", "Fit"], "é # no"),
        (["Test"], "# Test"),
    ]
    assert found["page.md"] == [(["One"], "# One\r\n\r\ntext")]
    assert found["plain.txt"] == [(None, "# not a heading\n\ntext")]


def test_a_document_s_own_heading_stands_and_the_setting_of_the_caller_too(tmp_path):
    with Index.create(tmp_path / "i.rk", splitter="headings", searched=["title"]) as index:
        assert index.settings.searched == ("title",)
        report = index.add([Document("# A\ntext", id="d", metadata={"heading": "mine"}), Document("plain", id="e")])
        assert [node.metadata.get("heading") for node in index] == ["mine", None]
        assert report.notes[-1] == "headings: 1 of 2 documents have none, and are cut by pieces: e"
        assert index.add(Document("# A\ntext", id="d", metadata={"heading": "mine"})).unchanged == ("d",)


def test_the_command_shows_the_headings_of_what_it_finds(tmp_path, monkeypatch, capsys):
    from retrieverkit.cli import main

    monkeypatch.chdir(tmp_path)
    (tmp_path / "page.html").write_text(HTML)
    assert main(["index", "page.html", "--index", "a.rk", "--splitter", "headings"]) == 0
    capsys.readouterr()
    assert main(["search", "neither", "--index", "a.rk", "--mode", "grep", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [hit["heading"] for hit in told["hits"]] == [["The manual", "Filters here"]]


def test_a_blank_document_is_one_node_as_for_split():
    blank = with_sections(Document(" \n", id="d"), [Section(0, ("A",))])
    assert [(n.id, n.text) for n in splitter_of("headings")(blank)] == [
        (n.id, n.text) for n in split(blank, chunk_size=800)
    ]
    assert len(splitter_of("headings")(blank)) == 1
