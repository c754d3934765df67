"""The property-graph modes. Importing this loads neither numpy nor an engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retrieverkit_property_graph.cypher.errors import (
        CypherError,
        CypherQueryError,
        CypherRefusedError,
        CypherTimeoutError,
        CypherWorkerError,
    )
    from retrieverkit_property_graph.cypher.neo4j_store import Neo4jStore
    from retrieverkit_property_graph.cypher.options import CypherOptions, CypherTemplateOptions
    from retrieverkit_property_graph.cypher.retriever import GraphCypherRetriever, GraphCypherTemplateRetriever
    from retrieverkit_property_graph.cypher.sandbox.worker import Confinement
    from retrieverkit_property_graph.cypher.store import CypherStore, LadybugStore
    from retrieverkit_property_graph.extract_schema import ExtractSchema
    from retrieverkit_property_graph.extraction.given import GivenTriples
    from retrieverkit_property_graph.graph.index import GraphIndex
    from retrieverkit_property_graph.graph.view import GraphView
    from retrieverkit_property_graph.graph_retriever import GraphRetriever, Match, Walked
    from retrieverkit_property_graph.names import key_of
    from retrieverkit_property_graph.options import GraphOptions
    from retrieverkit_property_graph.paths import triples_of, walk
    from retrieverkit_property_graph.picture import Picture, draw
    from retrieverkit_property_graph.ppr.options import PprOptions
    from retrieverkit_property_graph.ppr.retriever import PprRetriever
    from retrieverkit_property_graph.synonym.options import GraphSynonymOptions
    from retrieverkit_property_graph.synonym.retriever import GraphSynonymRetriever
    from retrieverkit_property_graph.together.options import TogetherOptions
    from retrieverkit_property_graph.together.retriever import PropertyGraphRetriever
    from retrieverkit_property_graph.triples import Entity, Extracted, Triple
    from retrieverkit_property_graph.vector.options import GraphVectorOptions
    from retrieverkit_property_graph.vector.retriever import GraphVectorRetriever

__all__ = [
    "Confinement",
    "CypherError",
    "CypherOptions",
    "CypherQueryError",
    "CypherRefusedError",
    "CypherStore",
    "CypherTemplateOptions",
    "CypherTimeoutError",
    "CypherWorkerError",
    "Entity",
    "ExtractSchema",
    "Extracted",
    "GivenTriples",
    "GraphCypherRetriever",
    "GraphCypherTemplateRetriever",
    "GraphIndex",
    "GraphOptions",
    "GraphRetriever",
    "GraphSynonymOptions",
    "GraphSynonymRetriever",
    "GraphVectorOptions",
    "GraphVectorRetriever",
    "GraphView",
    "LadybugStore",
    "Match",
    "Neo4jStore",
    "Picture",
    "PprOptions",
    "PprRetriever",
    "PropertyGraphRetriever",
    "TogetherOptions",
    "Triple",
    "Walked",
    "draw",
    "key_of",
    "triples_of",
    "walk",
]

_MODULES = {
    "Confinement": "cypher.sandbox.worker",
    "CypherError": "cypher.errors",
    "CypherOptions": "cypher.options",
    "CypherQueryError": "cypher.errors",
    "CypherRefusedError": "cypher.errors",
    "CypherStore": "cypher.store",
    "CypherTemplateOptions": "cypher.options",
    "CypherTimeoutError": "cypher.errors",
    "CypherWorkerError": "cypher.errors",
    "Entity": "triples",
    "ExtractSchema": "extract_schema",
    "Extracted": "triples",
    "GivenTriples": "extraction.given",
    "GraphCypherRetriever": "cypher.retriever",
    "GraphCypherTemplateRetriever": "cypher.retriever",
    "GraphIndex": "graph.index",
    "GraphOptions": "options",
    "GraphRetriever": "graph_retriever",
    "GraphSynonymOptions": "synonym.options",
    "GraphSynonymRetriever": "synonym.retriever",
    "GraphVectorOptions": "vector.options",
    "GraphVectorRetriever": "vector.retriever",
    "GraphView": "graph.view",
    "LadybugStore": "cypher.store",
    "Match": "graph_retriever",
    "Neo4jStore": "cypher.neo4j_store",
    "Picture": "picture",
    "PprOptions": "ppr.options",
    "PprRetriever": "ppr.retriever",
    "PropertyGraphRetriever": "together.retriever",
    "TogetherOptions": "together.options",
    "Triple": "triples",
    "Walked": "graph_retriever",
    "draw": "picture",
    "key_of": "names",
    "triples_of": "paths",
    "walk": "paths",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
