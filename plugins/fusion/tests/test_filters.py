"""Filters and scope hold in every leg, whatever each leg can apply itself."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieverkit_core import BaseRetriever, FilterOperator, Node, NodeWithScore, QueryBundle, ScoreKind, ScoreSpec
from retrieverkit_fusion import FusionRetriever

oracle = pytest.importorskip("retrieverkit_testkit.filters_oracle")

OPERATORS = [operator.value for operator in FilterOperator]


class Applies(BaseRetriever):
    """A leg over a list of nodes that applies some operators itself and leaves the others to the core."""

    scores = ScoreSpec(ScoreKind.RELEVANCE)

    def __init__(self, name, nodes, operators):
        super().__init__()
        self.name = name
        self.nodes = nodes
        self.operators = operators

    def can_push(self, filter):
        return filter.operator.value in self.operators

    def _retrieve(self, query_bundle):
        tree = query_bundle.filters
        plain = None if tree is None else tree.model_dump(mode="json")
        passing = [n for n in self.nodes if plain is None or oracle.oracle_matches(plain, n.metadata)]
        return [NodeWithScore(node, -float(at)) for at, node in enumerate(passing[: query_bundle.top_k])]


@st.composite
def corpora(draw):
    metadatas = draw(st.lists(oracle.metadatas(), min_size=1, max_size=60))
    nodes = [Node(id=f"n{at}", metadata=metadata) for at, metadata in enumerate(metadatas)]
    legs = [
        Applies(f"leg{at}", draw(st.permutations(nodes)), set(draw(st.lists(st.sampled_from(OPERATORS)))))
        for at in range(draw(st.integers(1, 3)))
    ]
    return nodes, legs


@settings(max_examples=2 * settings.default.max_examples)
@given(
    corpus=corpora(),
    filters=st.none() | oracle.filter_trees(),
    scope=st.none() | oracle.filter_trees(),
    method=st.sampled_from(["rrf", "relative_score", "dist_based_score", "simple"]),
    candidates=st.integers(1, 80),
    nested=st.booleans(),
)
def test_a_fusion_finds_what_passes_filters_and_scope(corpus, filters, scope, method, candidates, nested):
    nodes, legs = corpus
    passing = {
        node.id
        for node in nodes
        if all(
            tree is None or oracle.oracle_matches(tree.model_dump(mode="json"), node.metadata)
            for tree in (filters, scope)
        )
    }
    if nested:
        legs = [FusionRetriever(legs, method=method, candidates=candidates), *legs]
        method = "rrf"
    fused = FusionRetriever(legs, method=method, candidates=candidates)
    query = QueryBundle("q", filters=filters, scope=scope, top_k=60)
    result = fused.retrieve(query)
    assert {hit.node_id for hit in result} == passing
    assert not result.warnings
    assert fused.retrieve_many([query])[0] == result
    assert asyncio.run(fused.aretrieve(query)) == result
