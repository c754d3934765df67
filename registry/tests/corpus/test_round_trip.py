"""What is stored comes back equal, whatever it is; what cannot is refused before anything is written."""

from __future__ import annotations

import math
import struct
from collections import OrderedDict
from enum import StrEnum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieverkit.corpus import SQLiteCorpus
from retrieverkit_core.errors import InvalidDocumentError
from retrieverkit_core.nodes import Document, IndexNode, Node, NodeRelationship

texts = st.text(st.characters(exclude_categories=["Cs"]))
ids = texts.filter(bool)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=6
)
metadata = st.dictionaries(texts, values, max_size=4)
related = st.dictionaries(st.sampled_from(NodeRelationship), texts | st.lists(texts, max_size=3), max_size=5)
offsets = st.none() | st.integers(0, 2**63 - 1)
vectors = st.none() | st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), max_size=5)
keys = st.lists(texts, max_size=3)
nodes = st.builds(Node, texts, ids, metadata, related, keys, keys, offsets, offsets, vectors) | st.builds(
    IndexNode, texts, ids, metadata, related, keys, keys, offsets, offsets, vectors, texts
)
documents = st.builds(Document, texts, ids, metadata, keys, keys)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    with SQLiteCorpus.open(tmp_path_factory.mktemp("corpus") / "corpus.sqlite") as corpus:
        yield corpus


@settings(max_examples=2 * settings.default.max_examples)
@given(documents, st.lists(nodes, max_size=4, unique_by=lambda node: node.id))
def test_any_document_comes_back(shared, document, pieces):
    shared.delete(shared.document_ids())
    shared.replace([(document, pieces)])
    assert shared.document(document.id) == document
    found = shared.get([node.id for node in pieces])
    assert found == pieces
    assert [type(node) for node in found] == [type(node) for node in pieces]
    assert [list(node.metadata) for node in found] == [list(node.metadata) for node in pieces]
    assert [repr(node.metadata) for node in found] == [
        repr(node.metadata) for node in pieces
    ]  # 1 is not True is not 1.0
    with shared.snapshot() as snapshot:
        stored = list(snapshot.nodes())
    assert [item.node for item in stored] == pieces
    assert shared.fetch([item.ordinal for item in stored]) == pieces
    assert shared.replace([(document, pieces)]).unchanged == (document.id,)
    assert shared.check() == []


def test_naughty_strings(corpus, naughty):
    given = []
    for number, text in enumerate(naughty):
        own = text or "empty"
        meta = {text: text, "number": number}
        given.append((Document(text, f"{number}{own}", meta), [Node(text, f"{own}{number}", meta, {"source": own})]))
    corpus.replace(given)
    for document, pieces in given:
        assert corpus.document(document.id) == document
        assert corpus.get([node.id for node in pieces]) == pieces
    assert corpus.document_ids() == [document.id for document, _ in given]


def test_characters_that_others_lose(corpus):
    text = "a\x00b\x00"
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    corpus.replace([(Document(text, t, {t: t}), [Node(text, t + "#", {t: t})]) for t in (text, composed, decomposed)])
    assert corpus.document_ids() == [text, composed, decomposed]
    assert corpus.get(["a\x00b\x00#", "a#"])[0].text == text
    assert corpus.get(["a#"]) == [None]


def test_whole_numbers_of_any_size(corpus):
    numbers = [2**63, -(2**63) - 1, 2**64, 10**4000, 2**53 + 1]
    corpus.replace([(Document("x", "x", {"n": numbers}), [Node("x", "x#", {"n": numbers})])])
    assert corpus.get(["x#"])[0].metadata == {"n": numbers}


def test_vectors_are_kept_as_float32(corpus):
    corpus.replace([(Document("x", "x"), [Node("x", "x#", embedding=[0.1, 1e-3])])])
    assert corpus.get(["x#"])[0].embedding == list(struct.unpack("<2f", struct.pack("<2f", 0.1, 1e-3)))


def test_a_class_named_in_metadata_stays_text(corpus):
    meta = {
        "lc": 1,
        "type": "constructor",
        "id": ["os", "system"],
        "__class__": "Node",
        "$ref": "#",
        "_node_content": "{}",
    }
    corpus.replace([(Document("x", "x", meta), [Node("x", "x#", meta)])])
    assert corpus.get(["x#"])[0].metadata == meta


def nested(levels):
    value = {}
    for _ in range(levels - 1):
        value = {"deeper": value}
    return value


def test_metadata_of_the_greatest_depth(corpus):
    corpus.replace([(Document("x", "x", nested(32)), [Node("x", "x#", nested(32))])])
    assert corpus.document("x").metadata == nested(32)


class Colour(StrEnum):
    RED = "red"


class OwnDocument(Document):
    pass


class OwnNode(Node):
    pass


circle: dict[str, object] = {}
circle["again"] = circle

BAD_METADATA = [
    {1: "a"},
    {None: "a"},
    {"a": math.nan},
    {"a": [math.inf]},
    {"a": {"b": -math.inf}},
    {"a": (1, 2)},
    {"a": {1, 2}},
    {"a": b"bytes"},
    {"a": object()},
    {"a": {1: 2}},
    {"\ud800": 1},
    {"a": ["\udfff"]},
    {"a": 10**5000},
    nested(33),
    {"a": [[[nested(30)]]]},
    circle,
    [("a", 1)],
    None,
]


@pytest.mark.parametrize("bad", BAD_METADATA, ids=range(len(BAD_METADATA)))
def test_metadata_that_is_not_json(corpus, bad):
    refused(corpus, Document("x", "x", bad), [])
    refused(corpus, Document("x", "x"), [Node("x", "x#", bad)])


@pytest.mark.parametrize(
    "node",
    [
        Node("x", ""),
        Node("x", 7),
        Node(None, "x#"),
        Node(b"x", "x#"),
        Node(Colour.RED, "x#"),
        Node("\ud83d", "x#"),
        Node("x", "x#\udc00"),
        Node("x", "x#", {}, {"cousin": "y"}),
        Node("x", "x#", {}, {"child": [1]}),
        Node("x", "x#", {}, {"source": None}),
        Node("x", "x#", {}, {"source": "\ud800"}),
        Node("x", "x#", {}, {}, ["\ud800"]),
        Node("x", "x#", {}, {}, "ab"),
        Node("x", "x#", {}, {}, [], None),
        Node("x", "x#", start_char_idx=-1),
        Node("x", "x#", end_char_idx=2**63),
        Node("x", "x#", start_char_idx=True),
        Node("x", "x#", start_char_idx=1.5),
        Node("x", "x#", embedding=[1.0, math.nan]),
        Node("x", "x#", embedding=[math.inf]),
        Node("x", "x#", embedding=[1e300]),
        Node("x", "x#", embedding=["a"]),
        Node("x", "x#", embedding=[None]),
        IndexNode("x", "x#", index_id=None),
        OwnNode("x", "x#"),
        "x",
        None,
    ],
    ids=lambda node: repr(node)[:60],
)
def test_nodes_that_cannot_be_stored(corpus, node):
    refused(corpus, Document("x", "x"), [node])


@pytest.mark.parametrize(
    "document",
    [
        Document("x", ""),
        Document("x", None),
        Document("x", 1),
        Document(None, "x"),
        Document("\udc80", "x"),
        Document("x", "\udc80"),
        Document("x", "x", {}, ["\ud800"]),
        Document("x", "x", {}, None),
        OwnDocument("x", "x"),
        "x",
    ],
    ids=lambda document: repr(document)[:60],
)
def test_documents_that_cannot_be_stored(corpus, document):
    refused(corpus, document, [])


def refused(corpus, document, pieces):
    """A bad document is refused and takes the good one of the same call with it."""
    before = corpus.head()
    with pytest.raises(InvalidDocumentError):
        corpus.replace([(Document("good", "good"), [Node("good", "good#")]), (document, pieces)])
    assert corpus.head() == before
    assert corpus.document_ids() == []


def test_a_dictionary_of_another_class_is_a_dictionary(corpus):
    corpus.replace([(Document("x", "x", OrderedDict(b=1, a=2)), [Node("x", "x#", OrderedDict(b=1, a=2))])])
    assert list(corpus.document("x").metadata) == ["b", "a"]
