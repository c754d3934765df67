"""The graph that the rules make, after any history, for whoever may see what."""

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieverkit_core import Node
from retrieverkit_property_graph.extraction import extractor_of
from retrieverkit_property_graph.graph.index import GraphIndex
from retrieverkit_property_graph.options import GraphOptions
from retrieverkit_testkit.memory_corpus import MemoryCorpus

WORDS = ["Ann", "ANN", "Oslo", "met", "of", "the", "Bank", "(BO)", "in", "wind", "tunnel", ".", "北京", "“Long Road”"]
NODES = st.builds(
    lambda words, title, given: Node(
        text=" ".join(words), metadata={**({"title": title} if title else {}), **({"triples": given} if given else {})}
    ),
    st.lists(st.sampled_from(WORDS), max_size=12),
    st.sampled_from(["", "Oslo", "Long Road (song)"]),
    st.sampled_from([None, [["Ann", "met", "Bob"]], ["no triple"]]),
)


def seen(index, allowed=None):
    """Return all that a graph shows: its relations and entities by name, with the ids of the nodes behind them."""
    with index.reader().view(allowed) as view:
        entities = view.entities(view.arrays().entities.tolist())
        relations = view.relations(view.relations_of([entity.id for entity in entities]))
        names = {entity.id: entity.name for entity in entities}

    def nodes(ordinals):
        return sorted(node.id for node in index.corpus.fetch(ordinals.tolist()) if node is not None)

    return (
        sorted((entity.name, nodes(entity.supports)) for entity in entities),
        sorted((names[each.subject], each.label, names[each.object], nodes(each.supports)) for each in relations),
    )


def graph_of(nodes, folder):
    corpus = MemoryCorpus()
    corpus.add(*nodes)
    options = GraphOptions.checked("graph")
    return GraphIndex(corpus, folder, extractor_of(options, corpus, folder, None))


@settings(max_examples=20)
@given(st.lists(NODES, min_size=1, max_size=6), st.data())
def test_after_any_history_and_under_any_scope_the_graph_is_that_of_the_nodes_there_are(nodes, data):
    with tempfile.TemporaryDirectory() as folder:
        there = nodes[: data.draw(st.integers(1, len(nodes)), "at first")]
        index = graph_of(there, Path(folder, "grown"))
        seen(index)
        index.corpus.add(*nodes[len(there) :])
        there = list(nodes)
        for gone in data.draw(st.lists(st.sampled_from(nodes), max_size=3, unique_by=id), "gone"):
            index.corpus.delete(gone.id)
            there.remove(gone)
            if data.draw(st.booleans(), "looked at"):
                seen(index)
        assert seen(index) == seen(graph_of(there, Path(folder, "fresh")))
        with index.corpus.snapshot() as snapshot:
            ordinals = {stored.node.id: stored.ordinal for stored in snapshot.nodes()}
        allowed = [node for node in there if data.draw(st.booleans(), "allowed")]
        of_allowed = seen(graph_of(allowed, Path(folder, "allowed")))
        assert seen(index, np.array(sorted(ordinals[node.id] for node in allowed), np.int64)) == of_allowed
