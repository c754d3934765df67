"""What the entry points name: the declarations of the tree's modes and how their retrievers are made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from retrieverkit_core.errors import MissingServiceError
from retrieverkit_core.markers import hookimpl
from retrieverkit_core.plugin import BuildContext, ModeOptions, ModeSpec, Need
from retrieverkit_core.scores import UNSCORED
from retrieverkit_summary.plugin import COSINES, FILTERS, GRADES, summarizing_model

if TYPE_CHECKING:
    from retrieverkit_core.services import CorpusEmbedder, Embedder
    from retrieverkit_summary.tree.all_leaf import TreeAllLeafRetriever
    from retrieverkit_summary.tree.root import TreeRootRetriever
    from retrieverkit_summary.tree.select_leaf import TreeSelectLeafRetriever
    from retrieverkit_summary.tree.select_leaf_embedding import TreeSelectLeafEmbeddingRetriever

BRANCHES = 10
"""How many branches are followed where nothing but vectors is compared. Fewer miss most of what is near."""


class TreeAllLeafOptions(ModeOptions):
    """Options of the tree_all_leaf mode."""

    top_k: int | None = Field(  # type: ignore[assignment] # no limit is one, too
        default=None, ge=0, description="Return at most this many hits, unless the query says otherwise. None: all."
    )


class TreeOptions(ModeOptions):
    """What the modes share that search the tree of summaries."""

    num_children: int = Field(default=10, ge=2, le=100, description="How many children a node has, on average.")
    summaries: Literal["llm", "extraction"] | None = Field(
        default=None,
        description="How summaries are made: by the language model, or by choosing sentences (extraction). None: by "
        "the model if there is one.",
    )
    llm: str | None = Field(
        default=None, description="The language model, with options: \"openai(model='m')\". None: the index's own."
    )


class TreeRootOptions(TreeOptions):
    """Options of the tree_root mode."""

    top_k: int | None = Field(  # type: ignore[assignment] # no limit is one, too
        default=None, ge=0, description="Return at most this many hits, unless the query says otherwise. None: all."
    )


class TreeSelectLeafOptions(TreeOptions):
    """Options of the tree_select_leaf mode."""

    child_branch_factor: int = Field(
        default=1, ge=1, description="How many branches are followed. This is also the most hits that there can be."
    )
    choice_batch_size: int = Field(default=10, ge=1, le=100, description="How many texts the model is shown at once.")


class TreeSelectLeafEmbeddingOptions(TreeOptions):
    """Options of the tree_select_leaf_embedding mode."""

    child_branch_factor: int = Field(
        default=BRANCHES,
        ge=1,
        description="How many branches are followed. This is also the most hits that there can be.",
    )
    embedding: str | None = Field(
        default=None,
        description='The embedding, with options: "minilm", "openai(model=\'m\')". None: the index\'s own.',
    )


class TreeAllLeafPlugin:
    """Makes retrievers of all nodes in the order of the tree."""

    spec = ModeSpec(
        name="tree_all_leaf",
        summary="all nodes in the order of the tree, whatever the query",
        options=TreeAllLeafOptions,
        scores=UNSCORED,
        filters=FILTERS,
        needs=frozenset({Need.CORPUS}),
    )

    @hookimpl
    def make_retriever(self, mode: str, options: TreeAllLeafOptions, context: BuildContext) -> TreeAllLeafRetriever:
        """Build the retriever for the mode."""
        from retrieverkit_summary.tree.all_leaf import TreeAllLeafRetriever

        return TreeAllLeafRetriever(
            context.need_corpus(), context.need_storage(), top_k=options.top_k, object_map=context.object_map
        )


class TreeSelectLeafEmbeddingPlugin:
    """Makes retrievers that go down the tree by vectors."""

    spec = ModeSpec(
        name="tree_select_leaf_embedding",
        summary="down a tree of summaries to the nodes that are near in meaning",
        options=TreeSelectLeafEmbeddingOptions,
        scores=COSINES,
        filters=FILTERS,
        needs=frozenset({Need.CORPUS, Need.EMBEDDING}),
    )

    @hookimpl
    def make_retriever(
        self, mode: str, options: TreeSelectLeafEmbeddingOptions, context: BuildContext
    ) -> TreeSelectLeafEmbeddingRetriever:
        """Build the retriever for the mode."""
        from retrieverkit_summary.tree.select_leaf_embedding import TreeSelectLeafEmbeddingRetriever

        spec, embedding = context.need_services().embedding(options.embedding)
        model = summarizing_model(context.need_services(), options.llm, options.summaries)
        return TreeSelectLeafEmbeddingRetriever(
            context.need_corpus(),
            context.need_storage(),
            embedding,
            model,
            embedding_spec=spec,
            child_branch_factor=options.child_branch_factor,
            num_children=options.num_children,
            top_k=options.top_k,
            object_map=context.object_map,
        )


class TreeRootPlugin:
    """Makes retrievers of the summaries at the top of the tree."""

    spec = ModeSpec(
        name="tree_root",
        summary="the summaries at the top of the tree, which tell of all nodes, whatever the query",
        options=TreeRootOptions,
        scores=UNSCORED,
        filters=FILTERS,
        needs=frozenset({Need.CORPUS}),
    )

    @hookimpl
    def make_retriever(self, mode: str, options: TreeRootOptions, context: BuildContext) -> TreeRootRetriever:
        """Build the retriever for the mode."""
        from retrieverkit_summary.tree.root import TreeRootRetriever

        model = summarizing_model(context.need_services(), options.llm, options.summaries)
        return TreeRootRetriever(
            context.need_corpus(),
            context.need_storage(),
            model,
            embedding=_embedding_at_hand(context) if model is None else None,
            num_children=options.num_children,
            top_k=options.top_k,
            object_map=context.object_map,
        )


class TreeSelectLeafPlugin:
    """Makes retrievers that go down the tree as a language model chooses."""

    spec = ModeSpec(
        name="tree_select_leaf",
        summary="down a tree of summaries to the nodes that a language model chooses",
        options=TreeSelectLeafOptions,
        scores=GRADES,
        filters=FILTERS,
        needs=frozenset({Need.CORPUS, Need.LLM}),
    )

    @hookimpl
    def make_retriever(
        self, mode: str, options: TreeSelectLeafOptions, context: BuildContext
    ) -> TreeSelectLeafRetriever:
        """Build the retriever for the mode."""
        from retrieverkit_summary.tree.select_leaf import TreeSelectLeafRetriever

        extracts = options.summaries == "extraction"
        return TreeSelectLeafRetriever(
            context.need_corpus(),
            context.need_storage(),
            context.need_services().llm(options.llm),
            summaries="extraction" if extracts else "llm",
            embedding=_embedding_at_hand(context) if extracts else None,
            child_branch_factor=options.child_branch_factor,
            choice_batch_size=options.choice_batch_size,
            num_children=options.num_children,
            top_k=options.top_k,
            object_map=context.object_map,
        )


def _embedding_at_hand(context: BuildContext) -> Embedder | CorpusEmbedder | None:
    """Return the index's embedding, to compare sentences with; None where there is none: their words will do."""
    try:
        return context.need_services().embedding()[1]
    except MissingServiceError:
        return None


tree_all_leaf = TreeAllLeafPlugin()
tree_root = TreeRootPlugin()
tree_select_leaf = TreeSelectLeafPlugin()
tree_select_leaf_embedding = TreeSelectLeafEmbeddingPlugin()
