"""What the entry point names: the declaration of property_graph and how its retrievers are made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrieverkit_core.markers import hookimpl
from retrieverkit_core.plugin import BuildContext, FilterCapabilities, ModeSpec, Need
from retrieverkit_core.spec import RetrieverSpec
from retrieverkit_property_graph.plain import plain_retriever
from retrieverkit_property_graph.together.options import SCORES, TogetherOptions

if TYPE_CHECKING:
    from retrieverkit_property_graph.together.retriever import PropertyGraphRetriever


class PropertyGraphPlugin:
    """Makes property_graph retrievers."""

    spec = ModeSpec(
        name="property_graph",
        summary="a plain retriever's first hits, then what the relations in the documents lead to",
        options=TogetherOptions,
        scores=SCORES,
        filters=FilterCapabilities(delegates=True),
        needs=frozenset({Need.CORPUS, Need.SUB_RETRIEVERS}),
    )

    @hookimpl
    def make_retriever(self, mode: str, options: TogetherOptions, context: BuildContext) -> PropertyGraphRetriever:
        """Build the retriever for the mode."""
        from retrieverkit_property_graph.together.retriever import PropertyGraphRetriever

        plain, note = plain_retriever(options.plain, context)
        retriever = PropertyGraphRetriever(
            plain,
            [context.resolve(spec) for spec in options.parts or [_walk_beside(options.plain)]],
            keep=options.keep,
            top_k=options.top_k,
            object_map=context.object_map,
        )
        retriever.notes = (note,) if note else ()
        return retriever


def _walk_beside(plain: RetrieverSpec | None) -> RetrieverSpec:
    """Return the part that there is where none is named."""
    return RetrieverSpec(mode="graph_ppr", **({} if plain is None else {"passages": plain}))


property_graph = PropertyGraphPlugin()
