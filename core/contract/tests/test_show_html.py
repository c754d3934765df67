"""A result as a notebook shows it."""

from hypothesis import given
from hypothesis import strategies as st

from retrieverkit_core import Node, NodeWithScore, QueryBundle, RetrievalResult
from retrieverkit_core.show_html import result_as_html


def result(*nodes, query="inlet ice", notes=()):
    hits = [NodeWithScore(node, 1.0) for node in nodes]
    return RetrievalResult(hits, query=QueryBundle(query), retriever="mine", notes=notes)


def test_it_names_the_file_and_the_page_and_keeps_the_id_at_hand():
    shown = result_as_html(result(Node("ice", id="/a/b.pdf#3", metadata={"path": "notes/b.pdf", "page": 3})))
    assert ">notes/b.pdf, page 3</td>" in shown
    assert "title='/a/b.pdf#3'" in shown


def test_it_marks_the_words_of_the_query_and_shows_the_notes():
    shown = result_as_html(result(Node("Ice at the <inlet>", id="a"), notes=("typos: inlte",)))
    assert "<mark>Ice</mark> at the &lt;<mark>inlet</mark>&gt;" in shown
    assert "<b>note:</b> typos: inlte" in shown


def test_without_hits_there_is_no_empty_table():
    assert "<table" not in result_as_html(result())
    assert "0 hits" in result_as_html(result())


@given(text=st.text(), name=st.text(min_size=1), query=st.text(min_size=1))
def test_no_text_of_the_result_becomes_markup(text, name, query):
    plain = result_as_html(result(Node("x", id="x"), query="yyy"))
    node = Node(text, id=name, metadata={"path": name, "title": text})
    shown = result_as_html(result(node, query=query, notes=(name,)))
    tags = shown.replace("<mark>", "").replace("</mark>", "").replace("<p><b>note:</b> ", "").count("<")
    assert tags == plain.count("<") + 1
    assert "'" not in shown.split("title='", 1)[1].split("'>", 1)[0]
