"""What the entry point names: the mode's declaration and how its retriever is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrieverkit_compose.router.options import RouterOptions
from retrieverkit_compose.vectors import vector_mode
from retrieverkit_core.markers import hookimpl
from retrieverkit_core.plugin import BuildContext, FilterCapabilities, ModeSpec, Need
from retrieverkit_core.scores import ScoreKind, ScoreSpec

if TYPE_CHECKING:
    from retrieverkit_compose.router.retriever import RouterRetriever


class RouterPlugin:
    """Makes routers."""

    spec = ModeSpec(
        name="router",
        summary="one of several retrievers, chosen by the query's words, an embedding or a language model",
        options=RouterOptions,
        scores=ScoreSpec(ScoreKind.RELEVANCE),  # in listings; built, it has those of its routes
        filters=FilterCapabilities(delegates=True),
        needs=frozenset({Need.SUB_RETRIEVERS}),
    )

    @hookimpl
    def make_retriever(self, mode: str, options: RouterOptions, context: BuildContext) -> RouterRetriever:
        """Build the retriever for the mode."""
        from retrieverkit_compose.around import written_limit
        from retrieverkit_compose.router.retriever import RouterRetriever

        router = RouterRetriever(
            [context.resolve(spec) for spec in options.retrievers],
            names=options.route_names,
            by=options.by,
            rules=options.rules,
            descriptions=options.descriptions,
            multi=options.multi,
            otherwise=options.otherwise,
            vectors=vector_mode(context, options.embedding) if options.by == "embedding" else None,
            llm=context.need_services().llm(options.llm) if options.by == "llm" else None,
            top_k=options.top_k,
            object_map=context.object_map,
        )
        limits = {str(spec): written_limit(spec) for spec in options.retrievers}
        own = [name for name, limit in limits.items() if limit not in (None, options.top_k)]
        if own:
            router.notes = (*router.notes, f"each route is asked for the router's top_k, also {', '.join(own)}")
        return router


router = RouterPlugin()
