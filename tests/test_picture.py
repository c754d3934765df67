"""Pictures: the whole tree with its options and, with a result, what each part did; a text in them is no more."""

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from retrieverkit import Document, Index
from retrieverkit.cli.app import app
from retrieverkit_core import BaseRetriever, Node, NodeWithScore, RetrieverSpec
from retrieverkit_core.errors import UsageError
from retrieverkit_core.picture import draw
from retrieverkit_core.picture._boxes import clean
from retrieverkit_fusion import FusionRetriever

MODE = "rerank(fusion(bm25(title_weight=2), vector, weights=[2, 0]), by='embedding', top_n=2)"


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    documents = [Document(text, id=text) for text in ("ice stops the pump", "salt eats the blades", "the pump floods")]
    with Index.from_documents(documents, tmp_path_factory.mktemp("picture") / "i.rk", embedding="lsa") as index:
        yield index


class Read(HTMLParser):
    """Collects the tags and the text of HTML."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.words = set(), []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        assert {name for name, _ in attrs} <= {"style"}

    def handle_data(self, data):
        self.words.append(data)


def texts_of(picture):
    """Return the texts that a reader sees in each form."""
    html = Read(picture.html())
    assert html.tags <= {"div", "b", "i", "br", "ul", "li"}
    svg = ElementTree.fromstring(picture.svg())
    assert {each.tag.rpartition("}")[2] for each in svg.iter()} <= {"svg", "rect", "text", "path"}
    labels = re.findall(r'^    n\d+\["(.*)"\]$', picture.mermaid(), re.M)
    lines = [line for label in labels for line in label.removeprefix("<b>").replace("</b>", "").split("<br/>")]
    mermaid = [re.sub(r"#(\d+);", lambda code: chr(int(code[1])), line) for line in lines]
    return html.words, [each.text for each in svg.iter() if each.text], mermaid


def test_every_form_shows_the_same_tree_with_its_options(index):
    shown = ["rerank", 'by="embedding"', "top_n=2", "fusion", "weights=[2, 0]", "bm25", "title_weight=2", "vector"]
    for drawn in (index.as_retriever(MODE), RetrieverSpec.parse(MODE)):
        assert texts_of(draw(drawn)) == (shown, shown, shown)
    assert index.as_retriever(MODE)._repr_html_() == draw(index.as_retriever(MODE)).html()
    arrows = re.findall(r"n\d --> n\d", str(draw(RetrieverSpec.parse(MODE))))
    assert sorted(arrows) == ["n0 --> n1", "n1 --> n2", "n1 --> n3"]


def test_with_a_result_each_part_says_what_it_did(index):
    retriever = index.as_retriever(MODE)
    result = retriever.retrieve("the pump", explain=True)
    picture = draw(retriever, result)
    words, _, _ = texts_of(picture)
    assert len({" ".join(words) for words in texts_of(picture)}) == 1
    told = " ".join(words)
    assert re.search(r"rerank .*top_n=2 2 found · [\d.]+ ms rerank · \d in, 2 out", told)
    assert re.search(r"bm25 title_weight=2 \d found · [\d.]+ ms search · .* vector SKIPPED", told)
    idle = picture.root.boxes[0].boxes[1]
    assert (idle.name, idle.idle, picture.root.boxes[0].boxes[0].idle) == ("vector", True, False)


class Fails(BaseRetriever):
    """A leg that fails with a hostile message."""

    def _retrieve(self, query_bundle):
        raise OSError("</div><script>alert(1)</script>")


class Finds(BaseRetriever):
    """A leg that finds a node."""

    def _retrieve(self, query_bundle):
        return [NodeWithScore(Node("text", id="n"), 1.0)]


def test_a_leg_that_failed_is_marked_and_legs_of_one_name_are_told_apart():
    fusion = FusionRetriever([Finds(), Fails(), Finds()])
    picture = draw(fusion, fusion.retrieve("q", explain=True))
    assert [box.trouble for box in picture.root.boxes] == [False, True, False]
    assert any("error: " in line for line in picture.root.boxes[1].did)
    assert all(box.did for box in picture.root.boxes)
    texts_of(picture)


@given(st.text(max_size=70))
def test_no_text_is_more_than_text(text):
    spec = RetrieverSpec(mode="bm25", options={"language": text.encode("utf-8", "replace").decode()})
    picture = draw(spec)
    shown = clean(draw(spec).root.lines[0])
    assert texts_of(picture) == (["bm25", shown],) * 3
    assert not re.search(r"[`{}<>%]", str(picture).replace("<b>", "").replace("</b>", "").replace("<br/>", ""))


def test_a_result_of_something_else_is_refused(index):
    bm25, vector = index.as_retriever("bm25"), index.as_retriever("vector")
    with pytest.raises(UsageError, match="not of 'vector'"):
        draw(vector, bm25.retrieve("ice", explain=True))
    with pytest.raises(UsageError, match="explain"):
        draw(bm25, bm25.retrieve("ice"))
    with pytest.raises(UsageError, match="a spec"):
        draw(RetrieverSpec.parse("bm25"), bm25.retrieve("ice", explain=True))


def test_the_command_draws_what_is_written_and_checks_it():
    def run(*arguments):
        return CliRunner().invoke(app, ["modes", "draw", *arguments])

    picture = draw(RetrieverSpec.parse(MODE))
    assert run(MODE).stdout == f"{picture.mermaid()}\n"
    assert run(MODE, "--format", "svg").stdout == f"{picture.svg()}\n"
    assert run(MODE, "--format", "html").stdout == f"{picture.html()}\n"
    for wrong in ("rerank(bm26)", "rerank(bm25(title_wait=2))", "rerank(bm25, by='embedding', top_n=2, top_n=3)"):
        assert run(wrong).exit_code != 0
