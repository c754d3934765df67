"""What the entry point names: the mode's declaration and how its retriever is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrieverkit_compose.auto_merging.options import AutoMergingOptions
from retrieverkit_core.markers import hookimpl
from retrieverkit_core.plugin import BuildContext, FilterCapabilities, ModeSpec, Need
from retrieverkit_core.scores import ScoreKind, ScoreSpec

if TYPE_CHECKING:
    from retrieverkit_compose.auto_merging.retriever import AutoMergingRetriever


class AutoMergingPlugin:
    """Makes retrievers that put parents in place of their children."""

    spec = ModeSpec(
        name="auto_merging",
        summary="larger nodes in place of the small ones that were found in them",
        options=AutoMergingOptions,
        scores=ScoreSpec(ScoreKind.RELEVANCE),  # in listings; built, it has those of the retriever that it asks
        filters=FilterCapabilities(delegates=True),
        needs=frozenset({Need.CORPUS, Need.SUB_RETRIEVERS}),
    )

    @hookimpl
    def make_retriever(self, mode: str, options: AutoMergingOptions, context: BuildContext) -> AutoMergingRetriever:
        """Build the retriever for the mode."""
        from retrieverkit_compose.around import written_limit
        from retrieverkit_compose.auto_merging.retriever import AutoMergingRetriever

        return AutoMergingRetriever(
            context.resolve(options.retriever),
            context.need_corpus(),
            threshold=options.threshold,
            candidates=options.candidates if written_limit(options.retriever) is None else None,
            top_k=options.top_k,
            object_map=context.object_map,
        )


auto_merging = AutoMergingPlugin()
