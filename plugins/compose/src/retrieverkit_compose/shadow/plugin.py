"""What the entry point names: the mode's declaration and how its retriever is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrieverkit_compose.shadow.options import ShadowOptions
from retrieverkit_core.markers import hookimpl
from retrieverkit_core.plugin import BuildContext, FilterCapabilities, ModeSpec, Need
from retrieverkit_core.scores import ScoreKind, ScoreSpec

if TYPE_CHECKING:
    from retrieverkit_compose.shadow.retriever import ShadowRetriever


class ShadowPlugin:
    """Makes retrievers beside which another is compared."""

    spec = ModeSpec(
        name="shadow",
        summary="one retriever answers, another is compared with it off the path and the difference logged",
        options=ShadowOptions,
        scores=ScoreSpec(ScoreKind.RELEVANCE),  # in listings; built, it has those of the retriever that answers
        filters=FilterCapabilities(delegates=True),
        needs=frozenset({Need.SUB_RETRIEVERS}),
    )

    @hookimpl
    def make_retriever(self, mode: str, options: ShadowOptions, context: BuildContext) -> ShadowRetriever:
        """Build the retriever for the mode."""
        from retrieverkit_compose.around import limit_of
        from retrieverkit_compose.shadow.retriever import ShadowRetriever

        served, other = options.retrievers
        return ShadowRetriever(
            context.resolve(served),
            context.resolve(other),
            timeout=options.timeout,
            concurrency=options.concurrency,
            top_k=limit_of(options, served),
            object_map=context.object_map,
        )


shadow = ShadowPlugin()
