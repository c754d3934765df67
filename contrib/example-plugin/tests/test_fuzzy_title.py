"""What fuzzy_title promises beside what every mode does."""

import ast
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz import fuzz
from rapidfuzz.utils import default_process

import retrieverkit_core
from retrieverkit import Document, Index
from retrieverkit_core import MetadataFilters, QueryBundle
from retrieverkit_core.errors import OptionError

SOURCES = Path(__file__).parents[1] / "src"


@pytest.fixture
def papers():
    long = "\n\n".join(f"Paragraph {n} of the book. " + "Words follow words. " * 40 for n in range(40))
    documents = [
        Document("Ice lowers the mass flow.", id="icing", metadata={"title": "On inlet icing"}),
        Document("Where bending meets torsion.", id="flutter", metadata={"title": "Wing flutter"}),
        Document("\n\nA history of airships\n\nThey were large.", id="airships"),
        Document(long, id="book", metadata={"title": "Flutter of wings: a book"}),
        Document("...", id="signs"),
        Document("Untitled is its title.", id="number", metadata={"title": 7}),
    ]
    return Index.from_documents(documents)


def found(result):
    return [hit.ref_doc_id for hit in result]


@pytest.mark.parametrize(
    ("mode", "query", "expected"),
    [
        ("fuzzy_title", "on inlet iceing", ["icing"]),
        ("fuzzy_title", "histroy of airships", ["airships"]),
        ("fuzzy_title", "UNTITLED is its title!", ["number"]),
        ("fuzzy_title(match='whole')", "wing fluter", ["flutter"]),
        ("fuzzy_title(match='words', cutoff=0.9)", "flutter wing", ["flutter"]),
        ("fuzzy_title(match='part', cutoff=0.9)", "airships", ["airships"]),
        ("fuzzy_title(cutoff=1)", "on inlet iceing", []),
        ("fuzzy_title", "...", []),
    ],
)
def test_titles_are_found_misspelt_or_not(papers, mode, query, expected):
    assert found(papers.retrieve(query, mode)) == expected


def test_a_document_is_found_once_by_its_first_node_that_passes(papers):
    (hit,) = papers.retrieve("flutter of wings a book", "fuzzy_title(cutoff=0.9)")
    assert "Paragraph 0" in hit.text
    later = QueryBundle("flutter of wings a book", filters=MetadataFilters.parse("position > 0"))
    (hit,) = papers.retrieve(later, "fuzzy_title(cutoff=0.9)")
    assert hit.metadata["position"] == 1


def test_options_that_cannot_be_are_refused(papers):
    for written in ("fuzzy_title(match='letters')", "fuzzy_title(cutoff=60)"):
        with pytest.raises(OptionError):
            papers.as_retriever(written)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.text("abc é!", max_size=8), max_size=8), st.text("abc é!", max_size=8), st.integers(0, 9))
def test_the_ranking_is_that_of_comparing_one_by_one(titles, query, top_k):
    texts = [default_process(title) for title in titles]
    scored = [(fuzz.ratio(default_process(query), text) / 100, n) for n, text in enumerate(texts) if text]
    wanted = sorted((found for found in scored if found[0] >= 0.3), key=lambda found: (-found[0], found[1]))
    expected = wanted[:top_k] if default_process(query) else []
    with Index.from_documents([Document(title, id=str(n)) for n, title in enumerate(titles)]) as index:
        hits = index.retrieve(QueryBundle(query, top_k=top_k), "fuzzy_title(match='whole', cutoff=0.3)")
        assert [(hit.score, int(hit.ref_doc_id)) for hit in hits] == expected


def test_it_uses_public_names_alone():
    for file in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("retrieverkit_core"):
                assert node.module == "retrieverkit_core"
                assert {alias.name for alias in node.names} <= set(retrieverkit_core.__all__)
            if isinstance(node, ast.Import):
                assert all(not alias.name.startswith("retrieverkit") for alias in node.names)
