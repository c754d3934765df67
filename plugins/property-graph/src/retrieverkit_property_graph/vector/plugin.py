"""What the entry point names: the declaration of the mode graph_vector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrieverkit_core.markers import hookimpl
from retrieverkit_core.plugin import BuildContext, ModeSpec, Need
from retrieverkit_property_graph.options import FILTERS
from retrieverkit_property_graph.vector.options import COSINES, GraphVectorOptions

if TYPE_CHECKING:
    from retrieverkit_property_graph.vector.retriever import GraphVectorRetriever


class GraphVectorPlugin:
    """Makes graph_vector retrievers."""

    spec = ModeSpec(
        name="graph_vector",
        summary="entities that are near the query in meaning, and what is around them in the graph",
        options=GraphVectorOptions,
        scores=COSINES,
        filters=FILTERS,
        needs=frozenset({Need.CORPUS, Need.EMBEDDING}),
    )

    @hookimpl
    def make_retriever(self, mode: str, options: GraphVectorOptions, context: BuildContext) -> GraphVectorRetriever:
        """Build the retriever for the mode."""
        from retrieverkit_property_graph.vector.retriever import GraphVectorRetriever

        spec, embedding = context.need_services().embedding(options.embedding)
        return GraphVectorRetriever(
            context.need_corpus(),
            context.need_storage(),
            embedding,
            embedding_spec=spec,
            **options.model_dump(exclude={"embedding"}),
            services=context.services,
            object_map=context.object_map,
        )


graph_vector = GraphVectorPlugin()
