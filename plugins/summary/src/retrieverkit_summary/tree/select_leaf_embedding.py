"""`TreeSelectLeafEmbeddingRetriever`: down the tree, each time to the children that are nearest in meaning."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrieverkit_core.corpus import Corpus, Cursor, searched_text
from retrieverkit_core.errors import OptionError, QueryError
from retrieverkit_core.filters import MetadataFilter
from retrieverkit_core.found import Found, Pair
from retrieverkit_core.plan import Plan
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.retriever import BaseRetriever
from retrieverkit_core.services import CorpusEmbedder, Embedder, LanguageModel, texts_per_call
from retrieverkit_core.vectors import checked
from retrieverkit_summary.summarizing import PROMPT, Summarizer
from retrieverkit_summary.text_model import TextModel
from retrieverkit_summary.tree.plugin import BRANCHES, FILTERS, NEARNESS
from retrieverkit_summary.tree.source import NUM_CHILDREN, TreeSource
from retrieverkit_summary.tree.summaries import TreeSummaries
from retrieverkit_summary.tree.tree import Place, Tree

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


_DIGITS = 6
"""Cosines have so many places: of those that differ by rounding alone, the first in the tree comes first."""


class TreeSelectLeafEmbeddingRetriever(BaseRetriever):
    """Goes down the tree of summaries, at each level to the nodes whose vectors are nearest to the query's.

    Of all children of the nodes that it stands on, the ``child_branch_factor`` nearest ones go on; those of them that
    are leaves are the hits, with their cosine. Where a node is not found although it is near, the summaries above it
    do not tell of it: more branches find more.

    Args:
        corpus: What to retrieve from.
        storage: The folder under which the corpus's indexes live.
        embedding: What turns texts into vectors.
        model: The language model that makes the summaries; None chooses sentences.
        embedding_spec: The spec that names the embedding; by default its fingerprint.
        child_branch_factor: How many branches are followed, and so the most hits there are.
        num_children: How many children a node has on average.
        top_k: How many hits a query gets that does not say.
        **base: What every retriever takes: ``object_map``, ``objects``, ``hooks``, ``verbose``.

    Raises:
        OptionError: A number is too small.
    """

    scores = NEARNESS
    filter_capabilities = FILTERS
    name = "tree_select_leaf_embedding"

    def __init__(
        self,
        corpus: Corpus,
        storage: Path | str,
        embedding: Embedder | CorpusEmbedder,
        model: LanguageModel | None = None,
        *,
        embedding_spec: str = "",
        child_branch_factor: int = BRANCHES,
        num_children: int = NUM_CHILDREN,
        top_k: int = 5,
        **base: Any,
    ) -> None:
        super().__init__(**base)
        storage = Path(storage)
        self._source = TreeSource(corpus, storage, num_children, self.name)
        self._branches = branches(child_branch_factor, self.name)
        self._model = TextModel(corpus, storage, embedding, embedding_spec)
        self._embedding = embedding
        self._llm = model
        self._storage = storage
        self.index = self._source.index
        self.default_top_k = top_k
        if model is not None:
            self.prompts = {SUMMARIZE: PROMPT}
        self._set_summarizer()

    def _set_summarizer(self) -> None:
        prompt = self.prompts.get(SUMMARIZE, PROMPT)
        corpus, storage = self._source.corpus, self._storage
        self._summarizer = Summarizer(corpus, storage, model=self._llm, embedding=self._embedding, prompt=prompt)
        self._summaries = TreeSummaries(corpus, self._summarizer)
        self.notes = (f"embedding: {self._model.spec}", *self._summarizer.notes)

    def update_prompts(self, **prompts: str) -> None:
        """Change prompts; summaries are made again by the new one.

        Raises:
            OptionError: There is no such prompt, or a text cannot be used.
        """
        super().update_prompts(**prompts)
        self._set_summarizer()

    def can_push(self, filter: MetadataFilter) -> bool:  # noqa: A002 - the name of what it is
        """Return True: the metadata index applies every condition exactly."""
        return True

    def _retrieve(self, query_bundle: QueryBundle) -> Found:
        return self._source.ask(query_bundle.filters, lambda tree, cursor: self._found(tree, cursor, query_bundle))

    def _found(self, tree: Tree, cursor: Cursor, query: QueryBundle) -> Found:
        pairs = self._descended(tree, query) if len(tree.ordinals) else []
        return Found(pairs[: query.top_k], self._source.corpus, cursor, disown=self.index.rebuild)

    def _descended(self, tree: Tree, query: QueryBundle) -> list[Pair]:
        embedder = self._model.current()
        target = None if embedder is None else _target(embedder, query)
        if embedder is None or target is None:
            return []
        standing = self._nearest(tree, tree.roots, embedder, target)
        while standing and standing[0][0].level:
            children = [child for place, _ in standing for child in tree.children(place)]
            standing = self._nearest(tree, children, embedder, target)
        return [(int(tree.ordinals[place.at]), score) for place, score in standing]

    def _nearest(
        self, tree: Tree, places: Sequence[Place], embedder: Embedder, target: NDArray[np.float64]
    ) -> list[tuple[Place, float]]:
        import numpy as np

        vectors = _directions(embedder, self._texts(tree, places))
        near = np.round(np.clip(np.einsum("ij,j->i", vectors, target), -1.0, 1.0), _DIGITS)
        near[~vectors.any(axis=1)] = -np.inf
        order = np.argsort(-near, kind="stable")[: self._branches].tolist()
        return [(places[at], float(near[at])) for at in order if near[at] > -np.inf]

    def _texts(self, tree: Tree, places: Sequence[Place]) -> list[str]:
        """Return what nodes are found by; "" for a leaf that has been removed since."""
        if places[0].level:
            return self._summaries.of(tree, places)
        corpus = self._source.corpus
        nodes = corpus.fetch([int(tree.ordinals[place.at]) for place in places])
        return ["" if node is None else searched_text(node, corpus.settings) for node in nodes]

    def _plan(self, query_bundle: QueryBundle) -> Plan:
        planned = self._source.planned(query_bundle, self._summarizer)
        levels = planned.tree.depth + 1
        does = f"compares vectors on {levels} levels of a tree of {len(planned.tree.ordinals)} nodes"
        calls = self._calls(levels, query_bundle) if len(planned.tree.ordinals) else 0
        return Plan(self.name, does, embedding_calls=calls, parts=(planned.summaries,))

    def _calls(self, levels: int, query: QueryBundle) -> int | None:
        if isinstance(self._embedding, CorpusEmbedder):
            return 0
        size = texts_per_call(self._embedding)
        return size if size is None or size == 0 else levels + (query.embedding is None)


SUMMARIZE = "summarize"
"""The name of the prompt that summaries are made by."""


def branches(given: int, mode: str) -> int:
    """Return how many branches are followed.

    Raises:
        OptionError: It is not a whole number from 1 up.
    """
    if type(given) is not int or given < 1:
        raise OptionError(mode, [("child_branch_factor", f"it is a whole number from 1 up, not {given!r}")])
    return given


def _target(embedder: Embedder, query: QueryBundle) -> NDArray[np.float64] | None:
    """Return the direction of a query, None where nothing is known of it.

    Raises:
        QueryError: It brings a vector of another length than the embedding's.
    """
    import numpy as np

    if query.embedding is not None:
        if len(query.embedding) != embedder.dimension:
            raise QueryError(
                f"the query's embedding has {len(query.embedding)} numbers; the embedding's have {embedder.dimension}",
                fix="embed the query with the model that the index uses",
            )
        vectors = np.array([query.embedding], np.float64)
    else:
        texts = [text for text in query.embedding_strs if text.strip()]
        if not texts:
            return None
        given = checked(embedder.embed_queries(texts), len(texts), embedder.dimension, allow_zero=True)
        vectors = given.astype(np.float64)
    mean = _scaled(vectors).mean(axis=0, keepdims=True)
    return _scaled(mean)[0] if mean.any() else None


def _directions(embedder: Embedder, texts: Sequence[str]) -> NDArray[np.float64]:
    """Return one row per text, of length 1; zeros for a blank text and one of which nothing is known."""
    import numpy as np

    rows = np.zeros((len(texts), embedder.dimension), np.float64)
    written = [at for at, text in enumerate(texts) if text.strip()]
    if written:
        found = embedder.embed_documents([texts[at] for at in written])
        rows[written] = _scaled(checked(found, len(written), embedder.dimension, allow_zero=True).astype(np.float64))
    return rows


def _scaled(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    scaled: NDArray[np.float64] = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    return scaled
