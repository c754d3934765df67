import numpy as np
import pytest

from retrieverkit_core.nodes import Node
from retrieverkit_property_graph.extraction import Together
from retrieverkit_property_graph.extraction.fields import EntityFields
from retrieverkit_property_graph.extraction.given import GivenTriples
from retrieverkit_property_graph.graph.index import GraphIndex
from retrieverkit_testkit.memory_corpus import MemoryCorpus


def with_triples(node_id, *triples, **metadata):
    return Node(text="", id=node_id, metadata={"triples": list(triples), **metadata})


@pytest.fixture
def graph_of(tmp_path):
    def make(*nodes, fields=()):
        corpus = MemoryCorpus()
        corpus.add(*nodes)
        return GraphIndex(corpus, tmp_path, Together([GivenTriples(), EntityFields(fields)]))

    return make


def test_an_entity_is_there_as_long_as_a_node_supports_it(graph_of):
    index = graph_of(
        with_triples("a", ["Acme, Inc.", "acquired", "Bolt"]),
        with_triples("b", ["ACME INC", "Acquired", "bolt"], ["Bolt", "makes", "screws"]),
    )
    with index.reader().view(None) as view:
        found = view.find(["acme inc", "Bolt", "nuts"])
        assert set(found) == {"acme inc", "Bolt"}
        assert view.entity(found["acme inc"]).supports.tolist() == [1, 2]
        assert view.entity(found["acme inc"]).name == "ACME INC"
    with index.reader().view(np.array([1])) as view:
        assert view.find(["screws"]) == {}
        names = view.names(view.arrays().entities.tolist())
        assert list(names.values()) == ["Acme, Inc.", "Bolt"]
    index.corpus.delete("b")
    with index.reader().view(None) as view:
        assert view.find(["screws"]) == {}
        (relation,) = view.relations_of(view.find(["bolt"]).values())
        assert view.relation(relation).label == "acquired"
        assert view.count().entities == 2
