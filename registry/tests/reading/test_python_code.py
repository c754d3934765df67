"""Python source is cut at its definitions, and no line of it is lost."""

import ast
import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieverkit import Index
from retrieverkit.reading import split
from retrieverkit.reading.python_code import WHOLE_CLASS, read_python
from retrieverkit_core.readers import SourceFile

FILE = SourceFile("/code/parser.py", "parser.py")
LONG = "\n".join(f"        # line {number} of a long method" for number in range(60))
SOURCE = f'''"""Parses."""
import re

LIMIT = 3

# How to parse.
@decorated
def parse(text):
    """Return the parts."""
    def inner():
        return text
    return inner


class Small:
    def method(self):
        pass


class Parser(Base):
    """Reads."""

    depth = 1

    def parse(self):
{LONG}
        return 1

    between = 2

    class Inner:
        def deep(self): pass

if LIMIT:
    async def late(): ...
else:
    rest = 1
'''


def nodes_of(text):
    parsed = read_python(FILE, text.encode())
    return split(parsed.documents[0]), parsed.notes


def test_every_definition_is_a_node_with_its_qualified_name():
    nodes, notes = nodes_of(SOURCE)
    assert notes == ()
    found = [(node.metadata["definition"], node.text.strip().splitlines()[0].strip()) for node in nodes]
    assert [each for each in found if not each[1].startswith("# line")] == [
        ("", '"""Parses."""'),
        ("parse", "# How to parse."),
        ("Small", "class Small:"),
        ("Parser", "class Parser(Base):"),
        ("Parser.parse", "def parse(self):"),
        ("Parser", "between = 2"),
        ("Parser.Inner", "class Inner:"),
        ("", "if LIMIT:"),
        ("late", "async def late(): ..."),
        ("", "else:"),
    ]
    assert "sections" not in nodes[0].metadata


def test_definitions_made_under_any_condition_are_found():
    source = """match LIMIT:
    case 1:
        def one(): ...
    case _:
        def other(): ...
try:
    def tried(): ...
except* OSError:
    class Fallback: ...
"""
    nodes, _ = nodes_of(source)
    named = [node.metadata["definition"] for node in nodes]
    assert [name for name in named if name] == ["one", "other", "tried", "Fallback"]


STATEMENTS = st.recursive(
    st.sampled_from(["x = 1", "# a comment", "", "'''two\nlines'''", "@d\ndef f(a,\n  b): return 1", "class C: x = 1"]),
    lambda inner: st.tuples(
        st.sampled_from(["def g():", "class D:\n    'doc'", "async def h(): # why", "if x:", "try:\n  pass\nfinally:"]),
        st.lists(inner, max_size=5),
    ).map(lambda made: made[0] + "\n" + textwrap.indent("\n".join([*made[1], "pass"]), "    ")),
    max_leaves=40,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(STATEMENTS, min_size=1, max_size=8), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_every_line_is_in_exactly_one_node(statements, end, long):
    filler = f"\ndef filler():\n{textwrap.indent('x = 1', '    ')}" if long else ""
    text = (end.join(statements) + filler).replace("\r\n", "\n").replace("\n", end)
    text += f"{end}class Long:{end}" + "".join(f"    def m{n}(self): return {n}{end}" for n in range(WHOLE_CLASS // 20))
    ast.parse(text)
    nodes, notes = nodes_of(text)
    assert notes == ()
    assert [line for node in nodes for line in node.text.splitlines() if line.strip()] == [
        line for line in text.splitlines() if line.strip()
    ]
    assert {node.metadata["definition"] for node in nodes} >= {f"Long.m{n}" for n in range(WHOLE_CLASS // 20)}


@pytest.mark.parametrize(
    "text",
    [
        "print 'two'",
        "def f(:",
        "(" * 10_000,
        "-" * 50_000 + "1",
        "x" + ".a" * 50_000,
        "if 1:\n" + "  x",
        "[" * 150 + "]" * 150,
    ],
    ids=range(7),
)
def test_what_is_not_python_is_plain_text_with_a_note(text):
    nodes, notes = nodes_of(text)
    assert "".join(node.text for node in nodes) == text
    assert notes == () or (len(notes) == 1 and notes[0].startswith("parser.py") and "read as plain text" in notes[0])


def test_notes_of_many_files_are_counted(tmp_path):
    (tmp_path / "code").mkdir()
    for number in range(5):
        (tmp_path / "code" / f"{number}.py").write_text("print 'two'")
    with Index.create(tmp_path / "index.rk") as index:
        report = index.add_files(tmp_path / "code")
        assert (len(report.notes), report.notes[-1], report.partial) == (
            4,
            "2 more files have such notes",
            False,
        )
        assert index.add_files(tmp_path / "code").notes == []
