"""`SummaryLLMRetriever`: the nodes that a language model chooses."""

from __future__ import annotations

from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

from retrieverkit_core.choosing import BATCH_SIZE, INSTRUCTIONS, Choices, Parse, achoose, choose, cost_of
from retrieverkit_core.corpus import Corpus
from retrieverkit_core.filters import MetadataFilter, MetadataFilters
from retrieverkit_core.hits import NodeWithScore
from retrieverkit_core.nodes import MetadataMode, Node
from retrieverkit_core.plan import Plan
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.result import RetrievalResult
from retrieverkit_core.retriever import BaseRetriever
from retrieverkit_core.services import LanguageModel
from retrieverkit_core.threads import offload
from retrieverkit_summary.nodes_in_order import FirstNodes, NodesInOrder
from retrieverkit_summary.partial import Told
from retrieverkit_summary.plugin import FILTERS, GRADES, MAX_NODES
from retrieverkit_summary.settings import positive

CHOOSE = "choose"
"""The name of the prompt."""


class SummaryLLMRetriever(BaseRetriever):
    """Shows a language model all nodes that pass the filters, some at a time, and returns those that it chooses.

    Hits are graded by the model from 1 to 10, the best first; of one grade the first in the corpus comes first. The
    model is shown a node's text with its metadata, but for ``excluded_llm_metadata_keys``, under a random label, and
    can answer with such labels alone (`retrieverkit_core.choosing`).

    Args:
        corpus: What to retrieve from.
        storage: The folder under which the corpus's indexes live.
        model: The language model.
        top_k: How many hits a query gets that does not say; None for all that are chosen.
        choice_batch_size: How many nodes the model is shown at once.
        max_nodes: At most this many nodes are shown; if more pass, the result is partial and says so. None for all.
        parse_choices: Reads answers in words, for a prompt of your own that asks for those; see `choosing.Parse`.
        **base: What every retriever takes: ``object_map``, ``objects``, ``hooks``, ``verbose``.

    Raises:
        OptionError: A number is not positive.
    """

    scores = GRADES
    filter_capabilities = FILTERS
    asks_model = True
    name = "summary_llm"

    def __init__(
        self,
        corpus: Corpus,
        storage: Path | str,
        model: LanguageModel,
        *,
        top_k: int | None = None,
        choice_batch_size: int = BATCH_SIZE,
        max_nodes: int | None = MAX_NODES,
        parse_choices: Parse | None = None,
        **base: Any,
    ) -> None:
        positive(self.name, choice_batch_size=choice_batch_size, max_nodes=max_nodes)
        super().__init__(**base)
        self.default_top_k = top_k
        self.notes = (f"model: {model.name}",)
        self.prompts = {CHOOSE: INSTRUCTIONS}
        self._model = model
        self._nodes = NodesInOrder(corpus, Path(storage))
        self._batch_size = choice_batch_size
        self._max_nodes = max_nodes
        self._parse = parse_choices

    def can_push(self, filter: MetadataFilter) -> bool:  # noqa: A002 - the name of what it is
        """Return True: the metadata index applies every condition exactly."""
        return True

    def _retrieve(self, query_bundle: QueryBundle) -> RetrievalResult:
        query = words_of(query_bundle)
        if not query:
            return RetrievalResult(notes=(NO_WORDS,))
        first, texts = self._read(query_bundle)
        return self._result(first, choose(self._model, query, texts, **self._how()), query_bundle.top_k)

    async def _aretrieve(self, query_bundle: QueryBundle) -> RetrievalResult:
        query = words_of(query_bundle)
        if not query:
            return RetrievalResult(notes=(NO_WORDS,))
        first, texts = await offload(self._read, query_bundle)
        choices = await achoose(self._model, query, texts, **self._how())
        return await offload(self._result, first, choices, query_bundle.top_k)

    def _read(self, query_bundle: QueryBundle) -> tuple[FirstNodes, list[str]]:
        first = self._nodes.first(query_bundle.filters, self._max_nodes)
        return first, list(map(shown, first.nodes))

    def _plan(self, query_bundle: QueryBundle) -> Plan:
        query = words_of(query_bundle)
        filters = MetadataFilters.and_(query_bundle.filters, query_bundle.scope)
        with closing(self._nodes.walk(filters)) as passing:
            texts = list(map(shown, islice(passing, self._max_nodes))) if query else []
        cost = cost_of(query, texts, **self._how())
        does = f"asks {self._model.name} about {len(texts)} nodes, {self._batch_size} at a time"
        return Plan(self.name, does, llm_calls=cost.llm_calls, tokens=cost.tokens)

    def _how(self) -> dict[str, Any]:
        return {
            "instructions": self.prompts[CHOOSE].format(),
            "batch_size": self._batch_size,
            "parse": self._parse,
        }

    def _result(self, first: FirstNodes, choices: Choices, top_k: int | None) -> RetrievalResult:
        hits = [NodeWithScore(first.nodes[one.position], one.grade) for one in choices.chosen]
        told = Told(choices.legs(self.name), choices.warnings(self.name))
        told = told.unseen(self.name, len(first.nodes), first.total, "nodes")
        return RetrievalResult(hits[:top_k], legs=told.beside(self.name, len(hits)), warnings=told.warnings)


NO_WORDS = "the query has no words that a model could choose by"


def words_of(query: QueryBundle) -> str:
    """Return what a model is told that the query is; "" where it has no words."""
    return query.query_str.strip() or "\n".join(filter(str.strip, query.custom_embedding_strs or ()))


def shown(node: Node) -> str:
    """Return what a model is shown of a node."""
    return node.get_content(MetadataMode.LLM)
