"""`TreeRetriever`: what the modes have in common that need the tree's summaries."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from retrieverkit_core.corpus import Corpus
from retrieverkit_core.filters import MetadataFilter
from retrieverkit_core.retriever import BaseRetriever
from retrieverkit_core.services import CorpusEmbedder, Embedder, LanguageModel
from retrieverkit_summary.plugin import FILTERS
from retrieverkit_summary.summarizing import PROMPT, Summarizer
from retrieverkit_summary.tree.source import TreeSource
from retrieverkit_summary.tree.summaries import TreeSummaries

SUMMARIZE = "summarize"
"""The name of the prompt that summaries are made by."""


class TreeRetriever(BaseRetriever):
    """Searches the tree of summaries.

    Args:
        corpus: What to retrieve from.
        storage: The folder under which the corpus's indexes live.
        model: The language model that makes the summaries; None chooses sentences.
        embedding: What sentences are compared by where there is no model; None for their words.
        num_children: How many children a node has on average.
        prompts: The prompts beside that for summaries.
        **base: What every retriever takes: ``object_map``, ``objects``, ``hooks``, ``verbose``.

    Raises:
        OptionError: ``num_children`` is too small.
    """

    filter_capabilities = FILTERS
    asks_model = True  # what a summary is made of is decided by the filters, and a model may see it

    def __init__(
        self,
        corpus: Corpus,
        storage: Path | str,
        model: LanguageModel | None,
        embedding: Embedder | CorpusEmbedder | None,
        num_children: int,
        prompts: Mapping[str, str],
        base: Mapping[str, Any],
    ) -> None:
        super().__init__(**base)
        self._source = TreeSource(corpus, Path(storage), num_children, self.name)
        self._how: dict[str, Any] = {"model": model, "embedding": embedding}
        self._storage = Path(storage)
        self.index = self._source.index
        self.prompts = {**prompts, **({SUMMARIZE: PROMPT} if model is not None else {})}
        self._set_summarizer()
        self.notes = self._summarizer.notes

    def _set_summarizer(self) -> None:
        prompt = self.prompts.get(SUMMARIZE, PROMPT).format()
        self._summarizer = Summarizer(self._source.corpus, self._storage, prompt=prompt, **self._how)
        self._summaries = TreeSummaries(self._source.corpus, self._summarizer)

    def update_prompts(self, **prompts: str) -> None:
        """Change prompts; after another one for summaries, these are made again.

        Raises:
            OptionError: There is no such prompt, or a text cannot be used.
        """
        super().update_prompts(**prompts)
        self._set_summarizer()

    def can_push(self, filter: MetadataFilter) -> bool:  # noqa: A002 - the name of what it is
        """Return True: the metadata index applies every condition exactly."""
        return True
