"""What the entry point names: the declaration of the mode graph_synonym."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrieverkit_core.markers import hookimpl
from retrieverkit_core.plugin import BuildContext, ModeSpec, Need
from retrieverkit_property_graph.options import FILTERS
from retrieverkit_property_graph.synonym.options import SCORES, GraphSynonymOptions

if TYPE_CHECKING:
    from retrieverkit_property_graph.synonym.retriever import GraphSynonymRetriever


class GraphSynonymPlugin:
    """Makes graph_synonym retrievers."""

    spec = ModeSpec(
        name="graph_synonym",
        summary="relations of the entities that a language model names in the query, also by other names",
        options=GraphSynonymOptions,
        scores=SCORES,
        filters=FILTERS,
        needs=frozenset({Need.CORPUS, Need.LLM}),
    )

    @hookimpl
    def make_retriever(self, mode: str, options: GraphSynonymOptions, context: BuildContext) -> GraphSynonymRetriever:
        """Build the retriever for the mode."""
        from retrieverkit_property_graph.synonym.retriever import GraphSynonymRetriever

        return GraphSynonymRetriever(
            context.need_corpus(),
            context.need_storage(),
            context.need_services().llm(options.llm),
            **options.model_dump(),
            services=context.services,
            object_map=context.object_map,
        )


graph_synonym = GraphSynonymPlugin()
