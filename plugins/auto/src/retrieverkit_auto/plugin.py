"""What the entry point names: the mode's declaration and how its retriever is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrieverkit_auto.options import AutoOptions
from retrieverkit_core.errors import OptionError
from retrieverkit_core.markers import hookimpl
from retrieverkit_core.plugin import BuildContext, FilterCapabilities, ModeSpec, Need
from retrieverkit_core.scores import ScoreKind, ScoreSpec

if TYPE_CHECKING:
    from retrieverkit_auto.retriever import AutoRetriever
    from retrieverkit_core.services import LanguageModel


class AutoPlugin:
    """Makes auto retrievers."""

    spec = ModeSpec(
        name="auto",
        summary="filters and the number of hits are found in the words of the question",
        options=AutoOptions,
        scores=ScoreSpec(ScoreKind.RELEVANCE),  # in listings; built, it has those of the retriever that it asks
        filters=FilterCapabilities(delegates=True),
        needs=frozenset({Need.CORPUS, Need.SUB_RETRIEVERS}),
    )

    @hookimpl
    def make_retriever(self, mode: str, options: AutoOptions, context: BuildContext) -> AutoRetriever:
        """Build the retriever for the mode."""
        from retrieverkit_auto.retriever import AutoRetriever

        asked = context.resolve(options.retriever)
        asked.leave_index_nodes()
        return AutoRetriever(
            asked,
            context.need_corpus(),
            interpreter=options.interpreter,
            llm=_model(options, context),
            metadata=options.metadata,
            content=options.content,
            top_k=options.top_k,
            max_top_k=options.max_top_k,
            instructions=options.instructions,
            object_map=context.object_map,
        )


def _model(options: AutoOptions, context: BuildContext) -> LanguageModel | None:
    """Return the language model that is asked, if one is.

    Raises:
        OptionError: One is named, and rules read.
    """
    named = options.llm
    if options.interpreter == "model":
        return context.need_services().llm(named)
    if named is not None:
        raise OptionError("auto", [("llm", "rules ask no model")], fix="write interpreter='model' besides")
    return None


auto = AutoPlugin()
