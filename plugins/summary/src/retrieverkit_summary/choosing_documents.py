"""The document summary modes: documents are chosen by their summaries, and their nodes returned."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from retrieverkit_core.choosing import BATCH_SIZE, INSTRUCTIONS, Choices, Cost, Parse, achoose, choose, cost_of
from retrieverkit_core.corpus import Corpus
from retrieverkit_core.filters import MetadataFilter, MetadataFilters
from retrieverkit_core.found import Found
from retrieverkit_core.hits import NodeWithScore
from retrieverkit_core.plan import Plan
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.result import RetrievalResult
from retrieverkit_core.retriever import BaseRetriever
from retrieverkit_core.services import CorpusEmbedder, Embedder, LanguageModel, texts_per_call
from retrieverkit_core.threads import offload
from retrieverkit_indexing.text_vectors import TextModel, TextVectors, nearest, query_vector
from retrieverkit_summary.choosing_nodes import CHOOSE, NO_WORDS, words_of
from retrieverkit_summary.documents import Documents, View
from retrieverkit_summary.partial import Told
from retrieverkit_summary.plugin import COSINES, FILTERS, GRADES, MAX_DOCUMENTS
from retrieverkit_summary.settings import positive
from retrieverkit_summary.summarizing import PROMPT, Summarizer

SUMMARIZE = "summarize"
"""The name of the prompt that summaries are made with."""

_EXPECTED = "x" * 600
"""As long as a summary that has not been made yet."""


class _BySummaries(BaseRetriever):
    """What both modes have in common."""

    filter_capabilities = FILTERS
    asks_model = True

    def __init__(
        self,
        corpus: Corpus,
        storage: Path | str,
        *,
        summarized_by: LanguageModel | None,
        embedding: Embedder | CorpusEmbedder | None,
        choice_top_k: int,
        top_k: int | None,
        **base: Any,
    ) -> None:
        positive(self.name, choice_top_k=choice_top_k)
        super().__init__(**base)
        self.default_top_k = top_k
        self._corpus = corpus
        self._storage = Path(storage)
        self._summarized_by = summarized_by
        self._sentences_by = embedding
        self._choice_top_k = choice_top_k
        self.prompts = {} if summarized_by is None else {SUMMARIZE: _escaped(PROMPT)}
        self._begin()

    def _begin(self) -> None:
        """Make what depends on the prompts."""
        prompt = self.prompts.get(SUMMARIZE, "").format()
        self._summarizer = Summarizer(
            self._corpus, self._storage, model=self._summarized_by, embedding=self._sentences_by, prompt=prompt
        )
        self._documents = Documents(self._corpus, self._storage, self._summarizer)

    def update_prompts(self, **prompts: str) -> None:
        """Change prompts; with another one for summaries, all are made again."""
        before = self.prompts.get(SUMMARIZE)
        super().update_prompts(**prompts)
        if self.prompts.get(SUMMARIZE) != before:
            self._begin()

    def can_push(self, filter: MetadataFilter) -> bool:  # noqa: A002 - the name of what it is
        """Return True: the metadata index applies every condition exactly."""
        return True

    def _texts(self, query_bundle: QueryBundle, limit: int | None) -> list[list[str]]:
        return self._documents.texts(MetadataFilters.and_(query_bundle.filters, query_bundle.scope), limit)


class DocumentSummaryEmbeddingRetriever(_BySummaries):
    """Compares the query with a summary of each document, and returns the nodes of the nearest documents.

    Each hit has its document's score, a cosine; the nodes of a document come in their order. A summary is made when a
    query first needs it, of those nodes of the document that pass the query's filters and scope.

    Args:
        corpus: What to retrieve from.
        storage: The folder under which the corpus's indexes live.
        embedding: What turns summaries into vectors.
        summarized_by: The language model that makes the summaries; None for sentences that are taken from the texts.
        embedding_spec: The spec that names the embedding; by default its fingerprint.
        choice_top_k: How many documents are returned.
        top_k: How many hits a query gets that does not say; None for all nodes of the documents.
        **base: What every retriever takes: ``object_map``, ``objects``, ``hooks``, ``verbose``.

    Raises:
        OptionError: ``choice_top_k`` is not positive.
    """

    scores = COSINES
    name = "document_summary_embedding"

    def __init__(
        self,
        corpus: Corpus,
        storage: Path | str,
        embedding: Embedder | CorpusEmbedder,
        summarized_by: LanguageModel | None = None,
        *,
        embedding_spec: str = "",
        choice_top_k: int = 1,
        top_k: int | None = None,
        **base: Any,
    ) -> None:
        super().__init__(
            corpus,
            storage,
            summarized_by=summarized_by,
            embedding=embedding,
            choice_top_k=choice_top_k,
            top_k=top_k,
            **base,
        )
        self._embedding = embedding
        self._model = TextModel(corpus, Path(storage), embedding, embedding_spec)
        self._vectors: TextVectors[str] = TextVectors(list)
        self.notes = (f"embedding: {self._model.spec}", *self._summarizer.notes)

    def _retrieve(self, query_bundle: QueryBundle) -> Found:
        view = self._documents.view(query_bundle.filters)
        summed = view.documents
        model = self._model.current() if summed else None
        vector = None if model is None else query_vector(model, query_bundle)
        pairs: list[tuple[int, float | None]] = []
        if model is not None and vector is not None:
            scores = self._vectors.nearness(model, vector, [one.summary for one in summed], view.nodes)
            chosen = nearest(scores, self._choice_top_k)
            pairs = [(ordinal, float(scores[at])) for at in chosen for ordinal in summed[at].ordinals]
        told = Told().lacking(self.name, view.shortfall)
        return Found(pairs[: query_bundle.top_k], self._corpus, view.cursor, legs=told.beside(self.name, len(pairs)))

    def _plan(self, query_bundle: QueryBundle) -> Plan:
        groups = self._texts(query_bundle, None)
        each = texts_per_call(self._embedding)
        embeds = Plan(
            "vectors",
            f"embeds {len(groups)} summaries, but for those that have been",
            embedding_calls=each and -(-len(groups) // each),
            once=True,
        )
        asks = None if each is None else min(each, 1) * (query_bundle.embedding is None)
        does = f"compares the query with the summaries of {len(groups)} documents"
        return Plan(self.name, does, embedding_calls=asks, parts=(self._summarizer.cost(groups), embeds))


class DocumentSummaryLLMRetriever(_BySummaries):
    """Shows a language model a summary of each document, and returns the nodes of the documents that it chooses.

    Each hit has its document's grade, from 1 to 10; the nodes of a document come in their order. A summary is made when
    a query first needs it, of those nodes of the document that pass the query's filters and scope. The model can choose
    what it is shown and nothing else (`retrieverkit_core.choosing`).

    Args:
        corpus: What to retrieve from.
        storage: The folder under which the corpus's indexes live.
        model: The language model that chooses.
        summarized_by: The language model that makes the summaries; None for sentences that are taken from the texts.
        choice_top_k: At most this many documents are chosen.
        choice_batch_size: How many summaries the model is shown at once.
        max_documents: At most this many documents are shown; if more pass, the result is partial and says so. None for
            all.
        parse_choices: Reads answers in words, for a prompt of your own that asks for those; see `choosing.Parse`.
        top_k: How many hits a query gets that does not say; None for all nodes of the documents.
        **base: What every retriever takes: ``object_map``, ``objects``, ``hooks``, ``verbose``.

    Raises:
        OptionError: A number is not positive.
    """

    scores = GRADES
    name = "document_summary_llm"

    def __init__(
        self,
        corpus: Corpus,
        storage: Path | str,
        model: LanguageModel,
        summarized_by: LanguageModel | None = None,
        *,
        choice_top_k: int = 1,
        choice_batch_size: int = BATCH_SIZE,
        max_documents: int | None = MAX_DOCUMENTS,
        parse_choices: Parse | None = None,
        top_k: int | None = None,
        **base: Any,
    ) -> None:
        positive(self.name, choice_batch_size=choice_batch_size, max_documents=max_documents)
        super().__init__(
            corpus,
            storage,
            summarized_by=summarized_by,
            embedding=None,
            choice_top_k=choice_top_k,
            top_k=top_k,
            **base,
        )
        self.prompts = {CHOOSE: INSTRUCTIONS, **self.prompts}
        self._model = model
        self._batch_size = choice_batch_size
        self._max_documents = max_documents
        self._parse = parse_choices
        self.notes = (f"model: {model.name}", *self._summarizer.notes)

    def _retrieve(self, query_bundle: QueryBundle) -> RetrievalResult:
        query = words_of(query_bundle)
        if not query:
            return RetrievalResult(notes=(NO_WORDS,))
        view, summaries = self._read(query_bundle)
        return self._result(view, choose(self._model, query, summaries, **self._how()), query_bundle.top_k)

    async def _aretrieve(self, query_bundle: QueryBundle) -> RetrievalResult:
        query = words_of(query_bundle)
        if not query:
            return RetrievalResult(notes=(NO_WORDS,))
        view, summaries = await offload(self._read, query_bundle)
        choices = await achoose(self._model, query, summaries, **self._how())
        return await offload(self._result, view, choices, query_bundle.top_k)

    def _read(self, query_bundle: QueryBundle) -> tuple[View, list[str]]:
        words = words_of(query_bundle)

        def choosing(count: int) -> Cost:
            return cost_of(words, [_EXPECTED] * count, **self._how())

        view = self._documents.view(query_bundle.filters, self._max_documents, choosing)
        return view, [one.summary for one in view.documents]

    def _plan(self, query_bundle: QueryBundle) -> Plan:
        query = words_of(query_bundle)
        groups = self._texts(query_bundle, self._max_documents) if query else []
        summaries = [_EXPECTED if known is None else known for known in self._summarizer.known(groups)]
        cost = cost_of(query, [summary for summary in summaries if summary.strip()], **self._how())
        does = f"asks {self._model.name} about the summaries of {len(groups)} documents, {self._batch_size} at a time"
        parts = (self._summarizer.cost(groups),)
        return Plan(self.name, does, llm_calls=cost.llm_calls, tokens=cost.tokens, parts=parts)

    def _how(self) -> dict[str, Any]:
        return {
            "instructions": self.prompts[CHOOSE].format(),
            "batch_size": self._batch_size,
            "how_many": self._choice_top_k,
            "parse": self._parse,
        }

    def _result(self, view: View, choices: Choices, top_k: int | None) -> RetrievalResult:
        pairs = [(ordinal, one.grade) for one in choices.chosen for ordinal in view.documents[one.position].ordinals]
        hits = self._hits(pairs[:top_k])
        told = Told(choices.legs(self.name), choices.warnings(self.name))
        told = told.lacking(self.name, view.shortfall)
        told = told.unseen(self.name, self._max_documents or view.total, view.total, "documents")
        return RetrievalResult(hits, legs=told.beside(self.name, len(hits)), warnings=told.warnings)

    def _hits(self, pairs: Sequence[tuple[int, float]]) -> list[NodeWithScore]:
        nodes = self._corpus.fetch([ordinal for ordinal, _ in pairs])
        read = zip(nodes, pairs, strict=True)
        return [NodeWithScore(node, grade) for node, (_, grade) in read if node is not None]


def _escaped(prompt: str) -> str:
    return prompt.replace("{", "{{").replace("}", "}}")
