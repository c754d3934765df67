"""What replacing and deleting do, and what they report."""

from __future__ import annotations

import pytest

from retrieverkit.corpus import ChangeReport, SQLiteCorpus
from retrieverkit_core.corpus import Corpus
from retrieverkit_core.errors import CorpusError, InvalidDocumentError
from retrieverkit_core.nodes import Document, Node


def test_implements_the_protocol(corpus):
    assert isinstance(corpus, Corpus)


def test_reports_name_what_happened(corpus, made):
    assert corpus.replace([made("a"), made("b")]) == ChangeReport(added=("a", "b"))
    assert corpus.replace([made("c"), made("b", 1), made("a")]) == ChangeReport(
        added=("c",), changed=("b",), unchanged=("a",)
    )
    assert corpus.delete(["nobody", "b", "b", "\ud800"]) == ChangeReport(removed=("b",), missing=("nobody", "\ud800"))
    assert corpus.document_ids() == ["a", "c"]
    assert corpus.node_ids() == ["a#0", "a#1", "c#0", "c#1"]
    assert corpus.node_ids("c") == ["c#0", "c#1"]
    assert corpus.node_ids("b") == []


def test_what_is_unchanged_writes_nothing(corpus, made, path):
    corpus.replace([made("a"), made("b")])
    log = path.with_name("corpus.sqlite-wal").read_bytes()
    head = corpus.head()
    assert corpus.replace([made("b"), made("a")]).unchanged == ("b", "a")
    assert corpus.delete(["c"]).missing == ("c",)
    assert corpus.head() == head
    assert path.with_name("corpus.sqlite-wal").read_bytes() == log


@pytest.mark.parametrize(
    "change",
    [
        lambda document, node: setattr(document, "text", "other"),
        lambda document, node: document.metadata.update(more=1),
        lambda document, node: document.metadata.update(version=False),
        lambda document, node: document.excluded_embed_metadata_keys.append("name"),
        lambda document, node: document.excluded_llm_metadata_keys.append("name"),
        lambda document, node: setattr(node, "text", "other"),
        lambda document, node: setattr(node, "id", "other"),
        lambda document, node: node.metadata.update(more=1),
        lambda document, node: node.relationships.update(child=["x"]),
        lambda document, node: node.excluded_embed_metadata_keys.append("name"),
        lambda document, node: node.excluded_llm_metadata_keys.append("name"),
        lambda document, node: setattr(node, "start_char_idx", 0),
        lambda document, node: setattr(node, "end_char_idx", 0),
        lambda document, node: setattr(node, "embedding", [1.0]),
        lambda document, node: setattr(node, "embedding", []),
    ],
)
def test_any_difference_is_a_change(corpus, made, change):
    corpus.replace([made("a")])
    document, nodes = made("a")
    change(document, nodes[1])
    old = corpus.head()
    assert corpus.replace([(document, nodes)]).changed == ("a",)
    assert corpus.document("a") == document
    with corpus.snapshot() as snapshot:
        assert [stored.ordinal for stored in snapshot.added(old)] == [3, 4]
        assert list(snapshot.removed(old)) == [1, 2]
    assert corpus.fetch([1, 2, 3, 4]) == [None, None, *nodes]


def test_ordinals_are_never_used_again(corpus, made):
    beginning = corpus.head()
    for version in range(5):
        corpus.replace([made("a", version)])
        corpus.delete(["a"])
    corpus.replace([made("b")])
    with corpus.snapshot() as snapshot:
        assert list(snapshot.removed(beginning)) == list(range(1, 11))
        assert [stored.ordinal for stored in snapshot.nodes()] == [11, 12]


def test_a_document_without_nodes(corpus):
    assert corpus.replace([(Document("nothing to see", "a", {"k": 1}), [])]).added == ("a",)
    assert corpus.document("a") == Document("nothing to see", "a", {"k": 1})
    assert corpus.count() == 0
    assert corpus.delete(["a"]).removed == ("a",)
    assert corpus.document("a") is None


def test_an_id_twice_in_one_call(corpus, made):
    with pytest.raises(InvalidDocumentError, match="twice"):
        corpus.replace([made("a"), made("b"), made("a", 1)])
    assert corpus.document_ids() == []


def test_a_node_id_of_another_document(corpus, made):
    corpus.replace([made("a"), made("b")])
    head = corpus.head()
    thief = (Document("c", "c"), [Node("x", "c#0"), Node("y", "a#1")])
    with pytest.raises(InvalidDocumentError, match="'a#1'.*document 'a'") as caught:
        corpus.replace([made("b", 1), thief])
    assert caught.value.document_id == "c"
    assert corpus.head() == head
    with pytest.raises(InvalidDocumentError, match="'x'"):
        corpus.replace([(Document("d", "d"), [Node("1", "x"), Node("2", "x")])])


def test_a_node_moves_from_one_document_to_another(corpus, made):
    corpus.replace([made("a"), made("b")])
    moved = (Document("c", "c"), [Node("x", "a#1")])
    corpus.replace([moved, (Document("a now", "a"), [Node("y", "b#0")]), (Document("b now", "b"), [])])
    assert [node.text for node in corpus.get(["a#1", "b#0"])] == ["x", "y"]


def test_thousands_in_one_call(corpus, made):
    corpus.replace(made(f"doc {i}", pieces=1) for i in range(3000))
    assert corpus.count() == 3000
    wanted = [3000, 1, 999_999, 2, 2, -1, 0, 2**70, *range(1, 2000)]
    found = corpus.fetch(wanted)
    assert [node and node.id for node in found] == [
        f"doc {ordinal - 1}#0" if 0 < ordinal <= 3000 else None for ordinal in wanted
    ]
    assert [node and node.id for node in corpus.get(["doc 7#0", "no", "\ud800", *corpus.node_ids()])][:4] == [
        "doc 7#0", None, None, "doc 0#0",
    ]  # fmt: skip
    report = corpus.replace(made(f"doc {i}", i % 2, pieces=1) for i in range(3000))
    assert (len(report.changed), len(report.unchanged)) == (1500, 1500)
    assert corpus.check() == []


def test_delete_takes_many_ids(corpus, made):
    corpus.replace([made("a")])
    for wrong in ("a", b"a", ["a", ""], ["a", None]):
        with pytest.raises(InvalidDocumentError):
            corpus.delete(wrong)
    assert corpus.document_ids() == ["a"]


def test_fields_follow_every_change(corpus):
    def put(doc_id, **metadata):
        corpus.replace([(Document("x", doc_id), [Node("x", doc_id + "#", metadata)])])

    assert corpus.fields() == {}
    put("a", year=2020, tags=["x", 1])
    put("b", year="2020-01-01", open=True)
    assert corpus.fields() == {
        "year": {"number", "date"}, "tags": {"list", "list[string]", "list[number]"}, "open": {"bool"},
    }  # fmt: skip
    put("a", year=None)
    assert corpus.fields() == {"year": {"null", "date"}, "open": {"bool"}}
    corpus.delete(["b"])
    assert corpus.fields() == {"year": {"null"}}
    corpus.delete(["a"])
    assert corpus.fields() == {}


def test_fields_see_what_another_handle_wrote(corpus, made):
    assert corpus.fields() == {}
    with SQLiteCorpus.open(corpus.path) as other:
        other.replace([made("a")])
    assert corpus.fields() == {"version": {"number"}, "name": {"string"}}


def test_a_closed_corpus_says_so(corpus, made, path):
    with SQLiteCorpus.open(path) as other:
        other.replace([made("a")])
    other.close()
    for use in (other.head, other.count, lambda: other.replace([made("b")]), lambda: other.fetch([1])):
        with pytest.raises(CorpusError, match="closed"):
            use()
