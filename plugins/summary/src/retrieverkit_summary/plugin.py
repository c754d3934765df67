"""What the entry points name: the modes' declarations and how their retrievers are made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from retrieverkit_core.errors import MissingServiceError
from retrieverkit_core.filters import FilterOperator
from retrieverkit_core.markers import hookimpl
from retrieverkit_core.plugin import BuildContext, FilterCapabilities, ModeOptions, ModeSpec, Need
from retrieverkit_core.scores import UNSCORED, ScoreKind, ScoreSpec

if TYPE_CHECKING:
    from retrieverkit_core.services import LanguageModel, Services
    from retrieverkit_summary.choosing_documents import DocumentSummaryEmbeddingRetriever, DocumentSummaryLLMRetriever
    from retrieverkit_summary.choosing_nodes import SummaryLLMRetriever
    from retrieverkit_summary.embedding_nodes import SummaryEmbeddingRetriever
    from retrieverkit_summary.in_order import SummaryRetriever

FILTERS = FilterCapabilities(frozenset(operator.value for operator in FilterOperator))
GRADES = ScoreSpec(ScoreKind.RELEVANCE, lower_bound=1.0, upper_bound=10.0)
COSINES = ScoreSpec(ScoreKind.SIMILARITY, lower_bound=-1.0, upper_bound=1.0)

_NONE_CONFIGURED = "none is configured"
"""How the message ends where no model is configured. One that is and cannot be used is not done without in silence."""

MAX_NODES = 500
"""How many nodes a model is shown for one query, unless an option says otherwise."""

MAX_DOCUMENTS = 500
"""Of how many documents a model is shown summaries for one query, unless an option says otherwise."""


class SummaryOptions(ModeOptions):
    """Options of the summary mode."""

    top_k: int | None = Field(  # type: ignore[assignment] # no limit is one, too
        default=None, ge=0, description="Return at most this many hits, unless the query says otherwise. None: all."
    )


class SummaryEmbeddingOptions(ModeOptions):
    """Options of the summary_embedding mode."""

    embedding: str | None = Field(
        default=None,
        description='The embedding, with options: "minilm", "openai(model=\'m\')". None: the index\'s own.',
    )


class SummaryLLMOptions(SummaryOptions):
    """Options of the summary_llm mode."""

    choice_batch_size: int = Field(default=10, ge=1, le=100, description="How many nodes the model is shown at once.")
    max_nodes: int | None = Field(
        default=MAX_NODES,
        ge=1,
        description="Show the model at most this many nodes. If more pass the filters, the result is partial. None: "
        "all.",
    )
    llm: str | None = Field(
        default=None, description="The language model, with options: \"openai(model='m')\". None: the index's own."
    )


class DocumentSummaryOptions(SummaryOptions):
    """What the options of the document summary modes have in common."""

    choice_top_k: int = Field(default=1, ge=1, description="Return the nodes of at most this many documents.")
    summaries: Literal["llm", "extraction"] | None = Field(
        default=None,
        description="How summaries are made: by the language model, or by choosing sentences (extraction). None: by "
        "the model if there is one.",
    )
    llm: str | None = Field(
        default=None, description="The language model, with options: \"openai(model='m')\". None: the index's own."
    )


class DocumentSummaryEmbeddingOptions(DocumentSummaryOptions):
    """Options of the document_summary_embedding mode."""

    embedding: str | None = Field(
        default=None,
        description='The embedding, with options: "minilm", "openai(model=\'m\')". None: the index\'s own.',
    )


class DocumentSummaryLLMOptions(DocumentSummaryOptions):
    """Options of the document_summary_llm mode."""

    choice_batch_size: int = Field(
        default=10, ge=1, le=100, description="How many summaries the model is shown at once."
    )
    max_documents: int | None = Field(
        default=MAX_DOCUMENTS,
        ge=1,
        description="Show the model at most this many documents. If more pass the filters, the result is partial. "
        "None: all.",
    )


class SummaryPlugin:
    """Makes retrievers of all nodes in order."""

    spec = ModeSpec(
        name="summary",
        summary="all nodes in order, whatever the query",
        options=SummaryOptions,
        scores=UNSCORED,
        filters=FILTERS,
        needs=frozenset({Need.CORPUS}),
    )

    @hookimpl
    def make_retriever(self, mode: str, options: SummaryOptions, context: BuildContext) -> SummaryRetriever:
        """Build the retriever for the mode."""
        from retrieverkit_summary.in_order import SummaryRetriever

        return SummaryRetriever(
            context.need_corpus(), context.need_storage(), top_k=options.top_k, object_map=context.object_map
        )


class SummaryEmbeddingPlugin:
    """Makes retrievers of the nodes that are near in meaning, embedded when they are first asked about."""

    spec = ModeSpec(
        name="summary_embedding",
        summary="near in meaning, comparing every node; nodes are embedded when a query first reaches them",
        options=SummaryEmbeddingOptions,
        scores=COSINES,
        filters=FILTERS,
        needs=frozenset({Need.CORPUS, Need.EMBEDDING}),
    )

    @hookimpl
    def make_retriever(
        self, mode: str, options: SummaryEmbeddingOptions, context: BuildContext
    ) -> SummaryEmbeddingRetriever:
        """Build the retriever for the mode."""
        from retrieverkit_summary.embedding_nodes import SummaryEmbeddingRetriever

        spec, embedding = context.need_services().embedding(options.embedding)
        return SummaryEmbeddingRetriever(
            context.need_corpus(),
            context.need_storage(),
            embedding,
            embedding_spec=spec,
            top_k=options.top_k,
            object_map=context.object_map,
        )


class SummaryLLMPlugin:
    """Makes retrievers of the nodes that a language model chooses."""

    spec = ModeSpec(
        name="summary_llm",
        summary="the nodes that a language model chooses from all",
        options=SummaryLLMOptions,
        scores=GRADES,
        filters=FILTERS,
        needs=frozenset({Need.CORPUS, Need.LLM}),
    )

    @hookimpl
    def make_retriever(self, mode: str, options: SummaryLLMOptions, context: BuildContext) -> SummaryLLMRetriever:
        """Build the retriever for the mode."""
        from retrieverkit_summary.choosing_nodes import SummaryLLMRetriever

        return SummaryLLMRetriever(
            context.need_corpus(),
            context.need_storage(),
            context.need_services().llm(options.llm),
            top_k=options.top_k,
            choice_batch_size=options.choice_batch_size,
            max_nodes=options.max_nodes,
            object_map=context.object_map,
        )


class DocumentSummaryEmbeddingPlugin:
    """Makes retrievers of the nodes of documents whose summaries are near in meaning."""

    spec = ModeSpec(
        name="document_summary_embedding",
        summary="all nodes of the documents whose summaries are near in meaning",
        options=DocumentSummaryEmbeddingOptions,
        scores=COSINES,
        filters=FILTERS,
        needs=frozenset({Need.CORPUS, Need.EMBEDDING}),
    )

    @hookimpl
    def make_retriever(
        self, mode: str, options: DocumentSummaryEmbeddingOptions, context: BuildContext
    ) -> DocumentSummaryEmbeddingRetriever:
        """Build the retriever for the mode."""
        from retrieverkit_summary.choosing_documents import DocumentSummaryEmbeddingRetriever

        services = context.need_services()
        spec, embedding = services.embedding(options.embedding)
        return DocumentSummaryEmbeddingRetriever(
            context.need_corpus(),
            context.need_storage(),
            embedding,
            summarizing_model(services, options.llm, options.summaries),
            embedding_spec=spec,
            choice_top_k=options.choice_top_k,
            top_k=options.top_k,
            object_map=context.object_map,
        )


class DocumentSummaryLLMPlugin:
    """Makes retrievers of the nodes of documents that a language model chooses by their summaries."""

    spec = ModeSpec(
        name="document_summary_llm",
        summary="all nodes of the documents that a language model chooses by their summaries",
        options=DocumentSummaryLLMOptions,
        scores=GRADES,
        filters=FILTERS,
        needs=frozenset({Need.CORPUS, Need.LLM}),
    )

    @hookimpl
    def make_retriever(
        self, mode: str, options: DocumentSummaryLLMOptions, context: BuildContext
    ) -> DocumentSummaryLLMRetriever:
        """Build the retriever for the mode."""
        from retrieverkit_summary.choosing_documents import DocumentSummaryLLMRetriever

        model = context.need_services().llm(options.llm)
        return DocumentSummaryLLMRetriever(
            context.need_corpus(),
            context.need_storage(),
            model,
            None if options.summaries == "extraction" else model,
            choice_top_k=options.choice_top_k,
            choice_batch_size=options.choice_batch_size,
            max_documents=options.max_documents,
            top_k=options.top_k,
            object_map=context.object_map,
        )


def summarizing_model(
    services: Services, llm: str | None, summaries: Literal["llm", "extraction"] | None
) -> LanguageModel | None:
    """Return the model that sums up, or None where sentences are chosen.

    Args:
        services: The models there are.
        llm: The spec of the model; None for the configured one.
        summaries: Who sums up; None for the model where one is configured.

    Raises:
        MissingServiceError: There is no model and one is asked for, or the one that is configured cannot be used.
    """
    if summaries == "extraction":
        return None
    try:
        return services.llm(llm)
    except MissingServiceError as error:
        if summaries == "llm" or not error.message.endswith(_NONE_CONFIGURED):
            raise
        return None


summary = SummaryPlugin()
summary_embedding = SummaryEmbeddingPlugin()
summary_llm = SummaryLLMPlugin()
document_summary_embedding = DocumentSummaryEmbeddingPlugin()
document_summary_llm = DocumentSummaryLLMPlugin()
