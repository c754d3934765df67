"""What the entry points name: the declarations of the modes that ask in Cypher."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrieverkit_core.markers import hookimpl
from retrieverkit_core.plugin import BuildContext, ModeSpec, Need
from retrieverkit_property_graph.cypher.options import SCORES, CypherOptions, CypherTemplateOptions
from retrieverkit_property_graph.options import FILTERS

if TYPE_CHECKING:
    from retrieverkit_property_graph.cypher.retriever import GraphCypherRetriever, GraphCypherTemplateRetriever


class GraphCypherPlugin:
    """Makes graph_cypher retrievers."""

    spec = ModeSpec(
        name="graph_cypher",
        summary="results of a Cypher query that a language model writes; it only reads, in a process without rights",
        options=CypherOptions,
        scores=SCORES,
        filters=FILTERS,
        needs=frozenset({Need.CORPUS, Need.LLM}),
    )

    @hookimpl
    def make_retriever(self, mode: str, options: CypherOptions, context: BuildContext) -> GraphCypherRetriever:
        """Build the retriever for the mode."""
        from retrieverkit_property_graph.cypher.retriever import GraphCypherRetriever

        return GraphCypherRetriever(
            context.need_corpus(),
            context.need_storage(),
            context.need_services().llm(options.llm),
            **options.model_dump(),
            services=context.services,
            object_map=context.object_map,
        )


class GraphCypherTemplatePlugin:
    """Makes graph_cypher_template retrievers."""

    spec = ModeSpec(
        name="graph_cypher_template",
        summary="results of a Cypher query of yours; a language model fills in its parameters",
        options=CypherTemplateOptions,
        scores=SCORES,
        filters=FILTERS,
        needs=frozenset({Need.CORPUS, Need.LLM}),
    )

    @hookimpl
    def make_retriever(
        self, mode: str, options: CypherTemplateOptions, context: BuildContext
    ) -> GraphCypherTemplateRetriever:
        """Build the retriever for the mode."""
        from retrieverkit_property_graph.cypher.retriever import GraphCypherTemplateRetriever

        return GraphCypherTemplateRetriever(
            context.need_corpus(),
            context.need_storage(),
            context.need_services().llm(options.llm),
            **options.model_dump(),
            services=context.services,
            object_map=context.object_map,
        )


graph_cypher = GraphCypherPlugin()
graph_cypher_template = GraphCypherTemplatePlugin()
