"""What the entry point names: the declaration of graph_ppr and how its retrievers are made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrieverkit_core.markers import hookimpl
from retrieverkit_core.plugin import BuildContext, ModeSpec, Need
from retrieverkit_property_graph.options import FILTERS
from retrieverkit_property_graph.plain import plain_retriever
from retrieverkit_property_graph.ppr.options import SCORES, PprOptions

if TYPE_CHECKING:
    from retrieverkit_property_graph.ppr.retriever import PprRetriever


class PprPlugin:
    """Makes graph_ppr retrievers."""

    spec = ModeSpec(
        name="graph_ppr",
        summary="passages on a walk along the relations in the documents: personalised PageRank",
        options=PprOptions,
        scores=SCORES,
        filters=FILTERS,
        needs=frozenset({Need.CORPUS}),
    )

    @hookimpl
    def make_retriever(self, mode: str, options: PprOptions, context: BuildContext) -> PprRetriever:
        """Build the retriever for the mode."""
        from retrieverkit_property_graph.ppr.retriever import PprRetriever

        passages, note = None, ""
        if options.passage_weight > 0:
            passages, note = plain_retriever(options.passages, context)
        retriever = PprRetriever(
            context.need_corpus(),
            context.need_storage(),
            passages,
            **options.model_dump(exclude={"passages"}),
            services=context.services,
            object_map=context.object_map,
        )
        retriever.notes += (note,) if note else ()
        return retriever


graph_ppr = PprPlugin()
