"""Triples of metadata: what can be read is, what cannot is said, and which nodes of a document support them."""

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from retrieverkit_core.corpus import StoredNode
from retrieverkit_core.nodes import Node, NodeRelationship
from retrieverkit_property_graph.extraction.fields import EntityFields
from retrieverkit_property_graph.extraction.given import GivenTriples
from retrieverkit_property_graph.names import key_of
from retrieverkit_property_graph.triples import Entity, Extracted, Triple


def said(*given_triples, extractor=None, **metadata):
    metadata = {"triples": list(given_triples), **metadata}
    return (extractor or GivenTriples()).of_nodes([StoredNode(1, Node(text="", id="d", metadata=metadata))])[0]


def test_triples_are_written_short_or_long():
    acme = {"name": "Acme", "labels": ["Company", "Company"], "properties": {"founded": 1947}}
    told = said(
        ["Acme", "acquired", "Bolt"],
        [acme, {"name": "acquired", "properties": {"year": 2020}}, "Bolt"],
        {"subject": acme, "relation": "founded in", "object": 1947},
    )
    full = Entity("Acme", ("Company",), {"founded": 1947})
    assert told == Extracted(
        triples=(
            Triple(Entity("Acme"), "acquired", Entity("Bolt")),
            Triple(full, "acquired", Entity("Bolt"), {"year": 2020}),
            Triple(full, "founded in", Entity("1947")),
        )
    )


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (["a", "b"], "has 2 parts, not subject, relation and object"),
        ("a is b", "is a text, not [subject, relation, object]"),
        (None, "is null, not [subject, relation, object]"),
        ({"subject": "a", "object": "b"}, "has no relation"),
        ({"subject": "a", "relation": "r", "object": "b", "labels": []}, "a triple has 'labels'; it may have subject"),
        ([" ", "r", "b"], "subject is blank"),
        (["a", "\t", "b"], "relation is blank"),
        (["a", "r", True], "object is true, not a name"),
        (["a", "r", ["b"]], "object is a list, not a name"),
        (["a", "r", "\ud800"], "object holds half a surrogate pair, so it is not text"),
        (["a", "r", {"labels": ["x"]}], "object is null, not a name"),
        (["a", "r", {"name": "b", "label": "x"}], "object has 'label'; it may have name, labels, properties"),
        (["a", "r", {"name": "b", "labels": "x"}], "object: labels is a text, not a list of texts"),
        (["a", "r", {"name": "b", "labels": [""]}], "object: label is blank"),
        (["a", "r", {"name": "b", "properties": [1]}], "object: properties is a list, not an object"),
        (["a", "r", {"name": "b", "properties": {"x": float("nan")}}], "object: properties is not JSON"),
        (["a", {"name": "r", "properties": {"x": object()}}, "b"], "relation: properties is not JSON"),
    ],
)
def test_what_cannot_be_read_is_said_and_the_rest_counts(wrong, told):
    found = said(wrong, ["Acme", "acquired", "Bolt"])
    assert [triple.subject.name for triple in found.triples] == ["Acme"]
    assert found.problem.startswith(f"document 'd': triples[0]: {told}")


def test_many_problems_are_counted():
    assert said(*[[]] * 5).problem.endswith("; and 2 more")
    node = StoredNode(1, Node(text="", id="d", metadata={"triples": {"subject": "a"}}))
    assert GivenTriples().of_nodes([node])[0].problem == "document 'd': triples is an object, not a list of triples"


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=3)
    | st.sampled_from(["subject", "relation", "object"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["subject", "relation", "object", "name", "labels", "properties"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(json_values)
@settings(max_examples=150)
def test_nothing_in_metadata_raises_or_is_lost_in_silence(value):
    node = StoredNode(1, Node(text="", id="d", metadata={"triples": value, "author": value}))
    told = GivenTriples().of_nodes([node])[0]
    asked = len(value) if isinstance(value, list) else int(value is not None)
    assert len(told.triples) <= asked
    assert (len(told.triples) < asked) == (told.problem is not None)
    EntityFields(["author"]).of_nodes([node])


words = st.sampled_from(["sea", "Sea,", "fog", "ice", "New", "York", "東京", "の", "(fog)"])
texts = st.lists(words, max_size=6).map(" ".join)
names = st.sampled_from(["sea", "FOG", "New York", "York ice", "東京", "mast", "new-york"])


@given(pieces=st.lists(texts, min_size=1, max_size=4), ends=st.lists(st.tuples(names, names), max_size=4))
def test_a_triple_is_supported_by_the_nodes_that_name_its_ends(pieces, ends):
    metadata = {"triples": [[subject, "is", object_] for subject, object_ in ends]}
    source = {NodeRelationship.SOURCE: "d"}
    nodes = [
        StoredNode(at, Node(text=text, id=f"d#{at}", metadata=metadata, relationships=source))
        for at, text in enumerate(pieces)
    ]

    def names_it(text, name):
        inside, of = key_of(name), key_of(text)
        return inside in of if inside == "東京" else f" {inside} " in f" {of} "

    expected = [[] for _ in nodes]
    for subject, object_ in ends:
        naming = [at for at, text in enumerate(pieces) if names_it(text, subject) or names_it(text, object_)]
        for at in naming or [0]:
            expected[at].append((subject, object_))
    found = GivenTriples().of_nodes(nodes)
    assert [[(t.subject.name, t.object.name) for t in each.triples] for each in found] == expected


def test_nodes_of_one_document_with_triples_of_their_own_support_these():
    source = {NodeRelationship.SOURCE: "d"}
    nodes = [
        StoredNode(at, Node(text="", id=f"{at}", metadata={"triples": [[name, "is", "x"]]}, relationships=source))
        for at, name in enumerate("ab")
    ]
    assert [each.triples[0].subject.name for each in GivenTriples().of_nodes(nodes)] == ["a", "b"]


def test_fields_are_entities_and_the_title_has_them():
    fields = EntityFields(["author", "year", "title"])
    told = said(extractor=fields, title="On ducks", author=["Ann Lee", None, ""], year=1999)
    title = Entity("On ducks")
    assert told == Extracted(
        entities=(Entity("On ducks", ("title",)),),
        triples=(
            Triple(title, "author", Entity("Ann Lee", ("author",))),
            Triple(title, "year", Entity("1999", ("year",))),
        ),
    )
    assert said(extractor=fields, author="Ann Lee") == Extracted(entities=(Entity("Ann Lee", ("author",)),))
    assert said(extractor=fields, author=[{"x": 1}, True]).problem == "document 'd': 'author' holds what is not a name"
