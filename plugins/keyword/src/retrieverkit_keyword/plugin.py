"""What the entry points name: the keyword modes' declarations and how their retrievers are made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrieverkit_core.markers import hookimpl
from retrieverkit_core.plugin import BuildContext, ModeSpec, Need
from retrieverkit_keyword.options import FILTERS, SCORES, KeywordLLMOptions, KeywordOptions

if TYPE_CHECKING:
    from retrieverkit_keyword.llm.retriever import KeywordLLMRetriever
    from retrieverkit_keyword.retriever import KeywordRakeRetriever, KeywordRetriever


class KeywordPlugin:
    """Makes keyword retrievers."""

    spec = ModeSpec(
        name="keyword",
        summary="keywords in common: the terms that are most often in a node",
        options=KeywordOptions,
        scores=SCORES,
        filters=FILTERS,
        needs=frozenset({Need.CORPUS}),
    )

    @hookimpl
    def make_retriever(self, mode: str, options: KeywordOptions, context: BuildContext) -> KeywordRetriever:
        """Build the retriever for the mode."""
        from retrieverkit_keyword.retriever import KeywordRetriever

        return KeywordRetriever(
            context.need_corpus(), context.need_storage(), **options.model_dump(), object_map=context.object_map
        )


class KeywordRakePlugin:
    """Makes keyword_rake retrievers."""

    spec = ModeSpec(
        name="keyword_rake",
        summary="phrases in common, and their words: what RAKE takes of a text",
        options=KeywordOptions,
        scores=SCORES,
        filters=FILTERS,
        needs=frozenset({Need.CORPUS}),
    )

    @hookimpl
    def make_retriever(self, mode: str, options: KeywordOptions, context: BuildContext) -> KeywordRakeRetriever:
        """Build the retriever for the mode."""
        from retrieverkit_keyword.retriever import KeywordRakeRetriever

        return KeywordRakeRetriever(
            context.need_corpus(), context.need_storage(), **options.model_dump(), object_map=context.object_map
        )


class KeywordLLMPlugin:
    """Makes keyword_llm retrievers."""

    spec = ModeSpec(
        name="keyword_llm",
        summary="keywords in common that a language model names",
        options=KeywordLLMOptions,
        scores=SCORES,
        filters=FILTERS,
        needs=frozenset({Need.CORPUS, Need.LLM}),
    )

    @hookimpl
    def make_retriever(self, mode: str, options: KeywordLLMOptions, context: BuildContext) -> KeywordLLMRetriever:
        """Build the retriever for the mode."""
        from retrieverkit_keyword.llm.retriever import KeywordLLMRetriever

        return KeywordLLMRetriever(
            context.need_corpus(),
            context.need_storage(),
            context.need_services().llm(options.llm),
            **options.model_dump(exclude={"llm"}),
            object_map=context.object_map,
        )


keyword = KeywordPlugin()
keyword_llm = KeywordLLMPlugin()
keyword_rake = KeywordRakePlugin()
