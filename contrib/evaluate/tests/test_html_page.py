"""The page needs nothing but itself, and whatever the texts hold, it only shows them."""

from html.parser import HTMLParser

import pytest

from retrieverkit import Document, Index
from retrieverkit_evaluate import evaluate

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&lt;\x1b[31m\u202e"
ADDRESSES = {"src", "href", "srcset", "action", "data", "poster", "background", "xlink:href", "formaction"}
VOID = {"meta", "br"}


class Page(HTMLParser):
    """Checks that elements nest, and gathers what a page does and shows."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.attributes, self.words = [], set(), [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements.add(tag)
        self.attributes += attributes
        if tag not in VOID and not self.get_starttag_text().endswith("/>"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.add(tag)
        self.attributes += attributes

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture(scope="module")
def report():
    documents = [Document(id=f"{HOSTILE}{n}", text=f"{HOSTILE} tide {n}", metadata={"path": HOSTILE}) for n in range(7)]
    queries = {f"{HOSTILE}q{n}": f"tide {n} {HOSTILE}" for n in range(4)}
    qrels = {query_id: {f"{HOSTILE}{6 - n}": 1, HOSTILE: 2} for n, query_id in enumerate(queries)}
    with Index.from_documents(documents) as index:
        yield evaluate(index, queries, qrels, ["bm25", 'bm25(language="de", top_k=1)'])


def test_the_page_has_no_script_and_no_address(report):
    page = Page(report.to_html())
    assert not page.elements & {"script", "img", "iframe", "link", "object", "embed", "form", "base", "a"}
    names = {name for name, _ in page.attributes}
    assert not names & ADDRESSES
    assert not any(name.startswith("on") for name in names)
    assert "url(" not in report.to_html() and "@import" not in report.to_html()


def test_hostile_text_is_shown_as_it_is_written(report):
    page = Page(report.to_html())
    shown = "".join(page.words)
    assert "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&lt;\\x1b[31m\\u202e" in shown
    assert "\x1b" not in shown and "\u202e" not in shown


def test_the_page_tells_the_worst_queries_with_their_hits_and_what_is_missing(report):
    shown = "".join(Page(report.to_html()).words)
    assert "query by query" in shown and "Where it loses most" in shown
    assert "bm25 #1" in shown, "the evidence of a hit"
    assert "relevant, grade 1" in shown and "not judged" in shown
    assert "not in the index" in shown


def test_a_notebook_gets_the_tables_and_no_page(report):
    page = Page(report._repr_html_())
    assert "html" not in page.elements and "table" in page.elements
    assert "nDCG@10" in str(report) and "nDCG@10" in repr(report)


def test_intervals_have_an_axis_and_narrow_pages_have_labels(report):
    page = Page(report.to_html())
    drawn = [word for word in page.words if word in ("0", "0.5", "1")]
    assert drawn.count("0.5") == len(report.measures)
    labels = {value for name, value in page.attributes if name == "data-label"}
    assert {"mean", "p, corrected", "time per query"} <= labels and not any("<" in label for label in labels)
    assert "@media (max-width" in report.to_html()


def test_relevant_documents_are_named_by_their_titles():
    documents = [
        Document(id=f"d{n}", text=f"tide {n}", metadata={"title": f"{HOSTILE} On tides {n}"}) for n in range(3)
    ]
    with Index.from_documents(documents) as index:
        report = evaluate(index, {"q": "tide 1"}, {"q": {"d1": 1, "gone": 1, "d2": 0}}, ["bm25"])
    assert list(report.titles) == ["d1"]
    assert "On tides 1" in "".join(Page(report.to_html()).words) and "<script>" not in report.to_html()
