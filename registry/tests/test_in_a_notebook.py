"""What a notebook shows: an index as a table, a mistake as its message and the fix."""

import pytest

from retrieverkit import ConfigError, Document, FilterError, Index, QueryError

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def index():
    with Index.from_documents([Document("ice at the inlet", id="a", metadata={HOSTILE: 1, "year": 1960})]) as made:
        yield made


def test_an_index_says_what_it_holds(index):
    shown = index._repr_html_()
    assert HOSTILE not in shown
    assert "year" in shown
    assert "<th style='text-align:left'>documents</th>" in shown
    assert "none yet" in shown


@pytest.mark.needs("retrieverkit_bm25")
def test_an_index_says_which_indexes_are_behind(index):
    index.retrieve("ice", "bm25")
    assert "bm25 (current)" in index._repr_html_()
    index.add(Document("more ice", id="b"))
    assert "bm25 (1 change behind)" in index._repr_html_()


@pytest.mark.needs("retrieverkit_bm25")
@pytest.mark.parametrize(
    ("kind", "mistake"),
    [
        (ConfigError, lambda index: index.as_retriever("bm25", top_kk=3)),
        (QueryError, lambda index: index.retrieve("ice", "bm25", top_k=-1)),
        (FilterError, lambda index: index.retrieve("ice", "bm25", filters="yaer > 1950")),
    ],
)
def test_a_mistake_is_shown_as_its_message_and_the_fix_alone(index, kind, mistake):
    with pytest.raises(kind) as caught:
        mistake(index)
    shown = caught.value._render_traceback_()
    assert "\n".join(shown) == f"{type(caught.value).__name__}: {caught.value}"
    assert shown[-1].startswith("fix: ")


@pytest.mark.needs("retrieverkit_bm25")
def test_a_misspelt_option_does_not_show_how_options_are_validated(index):
    with pytest.raises(ConfigError) as caught:
        index.as_retriever("bm25", top_kk=3)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
