"""What the entry point names: the declaration of the mode grep and how its retriever is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrieverkit_core.markers import hookimpl
from retrieverkit_core.plugin import BuildContext, ModeSpec, Need
from retrieverkit_keyword.grep.options import SCORES, GrepOptions
from retrieverkit_keyword.options import FILTERS

if TYPE_CHECKING:
    from retrieverkit_keyword.grep.retriever import GrepRetriever


class GrepPlugin:
    """Makes grep retrievers."""

    spec = ModeSpec(
        name="grep",
        summary="literals and regular expressions in the text, with line numbers",
        options=GrepOptions,
        scores=SCORES,
        filters=FILTERS,
        needs=frozenset({Need.CORPUS}),
    )

    @hookimpl
    def make_retriever(self, mode: str, options: GrepOptions, context: BuildContext) -> GrepRetriever:
        """Build the retriever for the mode."""
        from retrieverkit_keyword.grep.retriever import GrepRetriever

        return GrepRetriever(
            context.need_corpus(), context.need_storage(), **options.model_dump(), object_map=context.object_map
        )


grep = GrepPlugin()
