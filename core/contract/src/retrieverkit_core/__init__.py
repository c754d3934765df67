"""RetrieverKit's retrieval contract.

Plugin authors need nothing else: the types that go in and out of a retriever, the base class, the hooks, the errors.
"""

from retrieverkit_core.corpus import Corpus, CorpusSnapshot, Cursor, IndexSettings, StoredNode, WritableCorpus
from retrieverkit_core.errors import RetrieverKitError
from retrieverkit_core.filters import FilterCondition, FilterOperator, MetadataFilter, MetadataFilters
from retrieverkit_core.hits import Evidence, NodeWithScore
from retrieverkit_core.markers import hookimpl, hookspec
from retrieverkit_core.nodes import Document, IndexNode, MetadataMode, Node, NodeRelationship
from retrieverkit_core.observers import Observers
from retrieverkit_core.plugin import (
    PLUGIN_API,
    BuildContext,
    FilterCapabilities,
    ModeOptions,
    ModeSpec,
    Need,
)
from retrieverkit_core.query import QueryBundle, QueryType
from retrieverkit_core.result import FilterReport, LegState, LegStatus, Outcome, RetrievalResult
from retrieverkit_core.retriever import BaseAutoRetriever, BaseRetriever
from retrieverkit_core.scores import ScoreKind, ScoreSpec
from retrieverkit_core.services import Embedder, LanguageModel, Services
from retrieverkit_core.spec import RetrieverSpec

__all__ = [
    "PLUGIN_API",
    "BaseAutoRetriever",
    "BaseRetriever",
    "BuildContext",
    "Corpus",
    "CorpusSnapshot",
    "Cursor",
    "Document",
    "Embedder",
    "Evidence",
    "FilterCapabilities",
    "FilterCondition",
    "FilterOperator",
    "FilterReport",
    "IndexNode",
    "IndexSettings",
    "LanguageModel",
    "LegState",
    "LegStatus",
    "MetadataFilter",
    "MetadataFilters",
    "MetadataMode",
    "ModeOptions",
    "ModeSpec",
    "Need",
    "Node",
    "NodeRelationship",
    "NodeWithScore",
    "Observers",
    "Outcome",
    "QueryBundle",
    "QueryType",
    "RetrievalResult",
    "RetrieverKitError",
    "RetrieverSpec",
    "ScoreKind",
    "ScoreSpec",
    "Services",
    "StoredNode",
    "WritableCorpus",
    "hookimpl",
    "hookspec",
]
