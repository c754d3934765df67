"""What the entry point names: the mode's declaration and how its retriever is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrieverkit_compose.sentence_window.options import SentenceWindowOptions
from retrieverkit_core.markers import hookimpl
from retrieverkit_core.plugin import BuildContext, FilterCapabilities, ModeSpec, Need
from retrieverkit_core.scores import ScoreKind, ScoreSpec

if TYPE_CHECKING:
    from retrieverkit_compose.sentence_window.retriever import SentenceWindowRetriever


class SentenceWindowPlugin:
    """Makes retrievers that show a found node with its neighbours."""

    spec = ModeSpec(
        name="sentence_window",
        summary="what was found with its neighbours: a sentence within its window",
        options=SentenceWindowOptions,
        scores=ScoreSpec(ScoreKind.RELEVANCE),  # in listings; built, it has those of the retriever that it asks
        filters=FilterCapabilities(delegates=True),
        needs=frozenset({Need.CORPUS, Need.SUB_RETRIEVERS}),
    )

    @hookimpl
    def make_retriever(
        self, mode: str, options: SentenceWindowOptions, context: BuildContext
    ) -> SentenceWindowRetriever:
        """Build the retriever for the mode."""
        from retrieverkit_compose.around import limit_of
        from retrieverkit_compose.sentence_window.retriever import SentenceWindowRetriever

        return SentenceWindowRetriever(
            context.resolve(options.retriever),
            context.need_corpus(),
            window=options.window,
            top_k=limit_of(options, options.retriever),
            object_map=context.object_map,
        )


sentence_window = SentenceWindowPlugin()
