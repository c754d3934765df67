"""Documents that come from files."""

import pytest

from retrieverkit.corpus import SourceContent, SQLiteCorpus
from retrieverkit_core import Document, Node
from retrieverkit_core.errors import CorpusBusyError, InvalidDocumentError


@pytest.fixture
def corpus(tmp_path):
    with SQLiteCorpus.open(tmp_path / "corpus.sqlite") as opened:
        yield opened
        assert opened.check() == []


def content(source, fingerprint, **texts):
    return SourceContent(
        source, fingerprint, [(Document(t, id=i), [Node(t, id=f"{i}-node")]) for i, t in texts.items()]
    )


def test_a_source_holds_exactly_what_was_last_read_from_it(corpus):
    corpus.replace([(Document("mine", id="mine"), [Node("mine", id="mine")])])
    assert corpus.replace_sources([content("f", "1", a="x", b="y")]).added == ("a", "b")
    report = corpus.replace_sources([content("f", "2", b="changed", c="z")])
    assert (report.added, report.changed, report.removed) == (("c",), ("b",), ("a",))
    assert corpus.sources() == {"f": "2"}
    assert corpus.remove_sources(["f"]).removed == ("b", "c")
    assert (corpus.sources(), corpus.document_ids()) == ({}, ["mine"])


def test_rereading_the_same_writes_nothing_to_the_log(corpus):
    corpus.replace_sources([content("f", "1", a="x")])
    head = corpus.head()
    assert corpus.replace_sources([content("f", "1", a="x")]).unchanged == ("a",)
    assert corpus.head() == head
    assert corpus.sources() == {"f": "1"}


@pytest.mark.parametrize("change", ["delete", "replace"])
def test_a_source_whose_document_was_changed_by_hand_is_read_again(corpus, change):
    corpus.replace_sources([content("f", "1", a="x"), content("g", "1", b="y")])
    if change == "delete":
        corpus.delete(["a"])
    else:
        corpus.replace([(Document("mine", id="a"), [Node("mine", id="a-node")])])
    assert corpus.sources() == {"f": None, "g": "1"}


def test_a_document_moves_between_sources_given_together(corpus):
    corpus.replace_sources([content("f", "1", a="x"), content("g", "1")])
    corpus.replace_sources([content("f", "2"), content("g", "2", a="x")])
    assert corpus.document_ids() == ["a"]
    assert corpus.remove_sources(["g"]).removed == ("a",)


@pytest.mark.parametrize("owner", ["file", "hand"])
def test_an_id_from_elsewhere_is_refused_and_nothing_is_written(corpus, owner):
    if owner == "file":
        corpus.replace_sources([content("f", "1", a="x")])
    else:
        corpus.replace([(Document("x", id="a"), [Node("x", id="a-node")])])
    head = corpus.head()
    with pytest.raises(InvalidDocumentError, match="already belongs"):
        corpus.replace_sources([content("g", "1", a="other", b="y")])
    assert corpus.head() == head
    assert "g" not in corpus.sources()


def test_an_amended_document_leaves_its_source_as_it_was_read(corpus):
    corpus.replace([(Document("mine", id="mine"), [Node("mine", id="mine")])])
    corpus.replace_sources([content("f", "1", a="x")])
    amended = [(Document("z", id=i, metadata={"m": 1}), [Node("z", id=f"{i}-node")]) for i in ("a", "mine")]
    assert corpus.amend(amended, at=corpus.head()).changed == ("a", "mine")
    assert (corpus.sources(), corpus.document("a").metadata) == ({"f": "1"}, {"m": 1})
    assert corpus.sources_of(["a", "mine"]) == {"a": "f", "mine": None}


def test_what_was_made_from_another_state_of_the_corpus_is_not_written(corpus):
    corpus.replace_sources([content("f", "1", a="x")])
    before = corpus.head()
    corpus.replace_sources([content("f", "2", a="y")])
    with pytest.raises(CorpusBusyError, match="changed meanwhile"):
        corpus.amend([(Document("z", id="a"), [Node("z", id="a-node")])], at=before)
    assert corpus.document("a").text == "y"
