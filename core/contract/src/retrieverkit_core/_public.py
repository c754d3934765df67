"""All that `retrieverkit_core` itself exports."""

from retrieverkit_core.budget import Budget, Spent
from retrieverkit_core.corpus import (
    Corpus,
    CorpusSnapshot,
    Cursor,
    IndexSettings,
    StoredNode,
    WritableCorpus,
    searched_text,
)
from retrieverkit_core.errors import RetrieverKitError
from retrieverkit_core.filters import FilterCondition, FilterOperator, MetadataFilter, MetadataFilters
from retrieverkit_core.found import Found
from retrieverkit_core.hits import Evidence, NodeWithScore
from retrieverkit_core.markers import hookimpl, hookspec
from retrieverkit_core.nodes import Document, IndexNode, MetadataMode, Node, NodeRelationship
from retrieverkit_core.observers import Observers, new_plugin_manager
from retrieverkit_core.plan import Plan
from retrieverkit_core.plugin import (
    PLUGIN_API,
    BuildContext,
    FilterCapabilities,
    ModeOptions,
    ModeSpec,
    Need,
)
from retrieverkit_core.query import UNLIMITED, QueryBundle, QueryType
from retrieverkit_core.result import FilterReport, LegState, LegStatus, Outcome, RetrievalResult
from retrieverkit_core.retriever import BaseAutoRetriever, BaseRetriever
from retrieverkit_core.scores import ScoreKind, ScoreSpec
from retrieverkit_core.services import (
    CorpusEmbedder,
    Embedder,
    EmbeddingOptions,
    EmbeddingProvider,
    LanguageModel,
    MeteredEmbedder,
    ModelSettings,
    Prompt,
    Reply,
    Reranker,
    Services,
    Usage,
)
from retrieverkit_core.spec import RetrieverSpec

__all__ = [
    "PLUGIN_API",
    "UNLIMITED",
    "BaseAutoRetriever",
    "BaseRetriever",
    "Budget",
    "BuildContext",
    "Corpus",
    "CorpusEmbedder",
    "CorpusSnapshot",
    "Cursor",
    "Document",
    "Embedder",
    "EmbeddingOptions",
    "EmbeddingProvider",
    "Evidence",
    "FilterCapabilities",
    "FilterCondition",
    "FilterOperator",
    "FilterReport",
    "Found",
    "IndexNode",
    "IndexSettings",
    "LanguageModel",
    "LegState",
    "LegStatus",
    "MetadataFilter",
    "MetadataFilters",
    "MetadataMode",
    "MeteredEmbedder",
    "ModeOptions",
    "ModeSpec",
    "ModelSettings",
    "Need",
    "Node",
    "NodeRelationship",
    "NodeWithScore",
    "Observers",
    "Outcome",
    "Plan",
    "Prompt",
    "QueryBundle",
    "QueryType",
    "Reply",
    "Reranker",
    "RetrievalResult",
    "RetrieverKitError",
    "RetrieverSpec",
    "ScoreKind",
    "ScoreSpec",
    "Services",
    "Spent",
    "StoredNode",
    "Usage",
    "WritableCorpus",
    "hookimpl",
    "hookspec",
    "new_plugin_manager",
    "searched_text",
]
