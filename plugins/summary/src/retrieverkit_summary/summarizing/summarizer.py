"""`Summarizer`: one summary for some texts, made once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from retrieverkit_core.corpus import Corpus
from retrieverkit_core.errors import BudgetExceededError, RetrieverKitError
from retrieverkit_core.nodes import Node
from retrieverkit_core.plan import Plan
from retrieverkit_core.services import CorpusEmbedder, Embedder, LanguageModel
from retrieverkit_summary.summarizing.by_extraction import ByExtraction
from retrieverkit_summary.summarizing.by_model import PROMPT, ByModel
from retrieverkit_summary.summarizing.cache import cache_of, key_of
from retrieverkit_summary.summarizing.failures import failures_of


class Summarizer:
    """Makes summaries, by a language model if there is one, else by choosing sentences.

    A summary depends on its own texts alone, not on what else is in the corpus. So it can be kept by what it was made
    of: what was paid for once is not paid for again, in whatever index it is needed, and whatever ended the build. An
    embedding that is fitted to a corpus is therefore not used to choose sentences; their words are.

    Args:
        corpus: Its settings say what is searched, and in what language.
        storage: The folder that the corpus's indexes live under. Where it is only read, what is there is used, and what
            is made is kept for this process.
        model: The language model, or None.
        embedding: The embedding that sentences are compared in where there is no language model, or None.
        prompt: What the language model is told.
    """

    def __init__(
        self,
        corpus: Corpus,
        storage: Path,
        *,
        model: LanguageModel | None = None,
        embedding: Embedder | CorpusEmbedder | None = None,
        prompt: str = PROMPT,
    ) -> None:
        self._corpus = corpus
        self._cache = cache = cache_of(Path(storage), corpus.writable)
        self._method: ByModel | ByExtraction
        self._substitute = ByExtraction(corpus, None, cache)
        if model is not None:
            self._method = ByModel(model, prompt, cache, failures_of(corpus), corpus.settings.language)
        else:
            embedder = None if isinstance(embedding, CorpusEmbedder) else embedding
            self._method = ByExtraction(corpus, embedder, cache)

    @property
    def fingerprint(self) -> str:
        """Names all that a summary depends on beside its texts and their language: for an index's config."""
        return self._method.fingerprint

    @property
    def notes(self) -> tuple[str, ...]:
        """What a result should say of how the summaries are made."""
        return (self._method.note,)

    def text_of(self, node: Node) -> str:
        """Return what of a node is summarised."""
        return self._method.text_of(node)

    def summarize(self, groups: Sequence[Sequence[str]], identities: Sequence[str] | None = None) -> list[str]:
        """Return one summary per group of texts, in order; an empty text for a group without words.

        Groups are asked for side by side, and each answer is kept the moment it comes. The first error is raised once
        those that were asked at the same time have ended. Where several need the same, one asks.

        Args:
            groups: The texts to be summed up together, in their order.
            identities: A name for each group, by which `recall` finds its summary without its texts. A name must stand
                for the same texts always, such as a hash of them.

        Raises:
            BudgetExceededError: The caller's budget does not allow all of them.
            ServiceError: A model cannot answer.
            CorpusBusyError: Another process has been making summaries for too long.
        """
        made = self.attempt(groups, identities)
        errors = [said for said in made if isinstance(said, RetrieverKitError)]
        if errors:
            raise next((error for error in errors if isinstance(error, BudgetExceededError)), errors[0])
        return [said for said in made if isinstance(said, str)]

    def attempt(
        self,
        groups: Sequence[Sequence[str]],
        identities: Sequence[str | None] | None = None,
        *,
        instead: RetrieverKitError | None = None,
    ) -> list[str | RetrieverKitError]:
        """Return what `summarize` does, with an error in the place of each summary that cannot be made.

        What a model could not sum up it is not asked for again for a while; its error is given meanwhile.

        Args:
            groups: The texts to be summed up together, in their order.
            identities: As for `summarize`; None for a group that is not to be found by one.
            instead: The error to give for all that is not at hand; then nobody is asked.

        Raises:
            ServiceError: An embedding cannot be asked, or the caller's deadline has passed.
            CorpusBusyError: Another process has been making summaries for too long.
        """
        made: list[str | RetrieverKitError]
        if instead is not None:
            made = [instead if said is None else said for said in self.known(groups)]
        elif isinstance(self._method, ByModel):
            made = self._method.attempt(groups)
        else:
            made = [*self._method.summarize(groups)]
        for identity, said in zip(identities or (), made, strict=identities is not None):
            if identity is not None and isinstance(said, str):
                self._cache.put(self._key(identity), said)
        return made

    def extract(self, groups: Sequence[Sequence[str]]) -> list[str]:
        """Return sentences of each group, chosen by their words: in place of what a model did not sum up."""
        return self._substitute.summarize(groups)

    def recall(self, identities: Sequence[str]) -> list[str | None]:
        """Return the summary of each group that was summarised under an identity, None for the others."""
        keys = [self._key(identity) for identity in identities]
        found = self._cache.get(keys)
        return [found.get(key) for key in keys]

    def _key(self, identity: str) -> bytes:
        settings = self._corpus.settings
        return key_of("identity", self.fingerprint, settings.language, *settings.searched, identity)

    def known(self, groups: Sequence[Sequence[str]]) -> list[str | None]:
        """Return the summary of each group that is at hand, None for the others. Nobody is asked."""
        return self._method.known(groups)

    def cost(self, groups: Sequence[Sequence[str]]) -> Plan:
        """Return what `summarize` would ask for those that are not at hand. Nobody is asked, nothing is written."""
        return self._method.cost(groups)
