"""`GraphSynonymRetriever`: a language model names what the query is about, and the graph is walked from there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrieverkit_core.corpus import Corpus
from retrieverkit_core.found import Found
from retrieverkit_core.plan import Plan
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.services import LanguageModel
from retrieverkit_property_graph.graph_retriever import GraphRetriever, Match, Walked
from retrieverkit_property_graph.paths import Path as GraphPath
from retrieverkit_property_graph.paths import walk
from retrieverkit_property_graph.synonym.naming import EXPAND, QueryNames, find
from retrieverkit_property_graph.synonym.options import SCORES, GraphSynonymOptions

if TYPE_CHECKING:
    from retrieverkit_property_graph.graph.reader import GraphReader
    from retrieverkit_property_graph.graph.view import GraphView

NAMED = 0.5
"""The score of a node that names an entity of the query and supports none of its relations."""


class GraphSynonymRetriever(GraphRetriever):
    """Finds the nodes that support relations of the entities that a query means; a language model names these.

    The model is asked once per query, for the names in it and for others that mean the same. A relation of a named
    entity has the score 1, one between two of them 2, one that is reached over n relations 1/n; a node that names an
    entity and supports none of its relations has 0.5. Names that no entity has are told of in a note; where no name is
    found, nothing is.

    Args:
        corpus: What to retrieve from.
        storage: The folder under which the corpus's indexes live.
        model: The language model.
        **given: Options (`GraphSynonymOptions`), and what `GraphRetriever` takes.

    Raises:
        OptionError: There is no such option, or it has a value that cannot be.
        MissingServiceError: A model is to extract and there is none.
    """

    scores = SCORES
    name = "graph_synonym"
    prompts = {"expand": EXPAND}
    options_type = GraphSynonymOptions

    options: GraphSynonymOptions

    def __init__(self, corpus: Corpus, storage: Path | str, model: LanguageModel, **given: Any) -> None:
        super().__init__(corpus, storage, **given)
        self._model = model
        self._query_names = self._asking()
        self.notes = (*self.notes, f"names: by {model.name}")

    def update_prompts(self, **prompts: str) -> None:
        """Change prompts; queries are asked about again."""
        super().update_prompts(**prompts)
        self._query_names = self._asking()

    def _asking(self) -> QueryNames:
        return QueryNames(self._model, self.prompts["expand"], self.options.max_keywords)

    def _search(self, reader: GraphReader, query_bundle: QueryBundle) -> Found:
        if not query_bundle.query_str.strip():
            return Found([], notes=(f"{self.name}: the query has no words, so nothing was searched for",))
        self._query_names.of(query_bundle.query_str)  # nobody waits for a model with the graph open
        return super()._search(reader, query_bundle)

    def _walk(self, view: GraphView, query_bundle: QueryBundle) -> Walked:
        names = self._query_names.of(query_bundle.query_str)
        starts, missing = find(view, names)
        notes = (_told(self.name, names, missing),) if missing or not names else ()
        if not starts:
            return Walked((), notes)
        paths = walk(view, starts, depth=self.options.depth, limit=self.options.limit)
        matches = [Match(score, path) for path, score in zip(paths, _scores(view, paths, starts), strict=True)]
        return Walked([*matches, *(Match(NAMED, entity=entity) for entity in starts)], notes)

    def _plan(self, query_bundle: QueryBundle) -> Plan:
        if not query_bundle.query_str.strip():
            return Plan(self.name, "finds nothing, and asks nobody", parts=self._index_plan(query_bundle))
        calls, tokens = self._query_names.cost(query_bundle.query_str)
        asks = f"asks {self._model.name} for names, and walks the graph" if calls else "walks the graph"
        return Plan(self.name, asks, llm_calls=calls, tokens=tokens, parts=self._index_plan(query_bundle))


def _scores(view: GraphView, paths: Sequence[GraphPath], starts: Sequence[int]) -> list[float]:
    """Return the score of each path."""
    named = set(starts)
    facts = {fact.id: fact for fact in view.relations(sorted(path[-1] for path in paths))}
    scores = []
    for path in paths:
        last = facts[path[-1]]
        ends = len(named & {last.subject, last.object})
        scores.append(max(ends, 1) / len(path))
    return scores


def _told(mode: str, names: Sequence[str], missing: Sequence[str]) -> str:
    """Return what to tell of names that are not in the graph."""
    if not names:
        return f"{mode}: the model named nothing, so nothing was searched for"
    shown = ", ".join(repr(name[:60]) for name in missing[:10])
    more = f" and {len(missing) - 10} more" if len(missing) > 10 else ""
    return f"{mode}: not in the graph: {shown}{more}"
