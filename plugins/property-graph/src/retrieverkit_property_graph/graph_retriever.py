"""`GraphRetriever`: the base of retrievers that walk the graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from retrieverkit_core.corpus import Corpus
from retrieverkit_core.errors import ConfigError
from retrieverkit_core.filters import MetadataFilter
from retrieverkit_core.found import Found
from retrieverkit_core.hits import Evidence
from retrieverkit_core.plan import Plan
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.scores import ScoreKind, ScoreSpec
from retrieverkit_core.services import LanguageModel, Services
from retrieverkit_indexing.derived import IndexRetriever
from retrieverkit_indexing.metadata import MetadataIndex
from retrieverkit_property_graph.extraction import extractor_of
from retrieverkit_property_graph.extraction.planning import build_plan
from retrieverkit_property_graph.extraction.prompt import EXTRACT
from retrieverkit_property_graph.graph.index import GraphIndex
from retrieverkit_property_graph.graph.reader import GraphReader
from retrieverkit_property_graph.options import FILTERS, Extract, GraphOptions
from retrieverkit_property_graph.paths import as_json

if TYPE_CHECKING:
    import pluggy

    from retrieverkit_core.nodes import IndexNode
    from retrieverkit_core.observers import Observers
    from retrieverkit_property_graph.graph.view import GraphView

SCORES = ScoreSpec(ScoreKind.RELEVANCE)

SHOWN = 10
"""At most this many paths, and so many entities, are told of a hit."""


@dataclass(frozen=True, slots=True)
class Match:
    """A place in the graph that answers a query: a relation with the path to it, or an entity.

    Attributes:
        score: How well it answers, higher is better.
        path: The ids of relations, each with an end in common with the one before; nodes that support the last one
            are found. `paths.walk` makes such paths.
        entity: The id of an entity, in place of a path; nodes that name it are found.

    Raises:
        ConfigError: It has both, or neither.
    """

    score: float
    path: tuple[int, ...] = ()
    entity: int | None = None

    def __post_init__(self) -> None:
        if bool(self.path) == (self.entity is not None):
            found = "both a path and an entity" if self.path else "neither a path nor an entity"
            raise ConfigError(f"a match has {found}", fix="write Match(score, path) or Match(score, entity=id)")


@dataclass(frozen=True, slots=True)
class Walked:
    """What a walk found.

    Attributes:
        matches: The places in the graph, the most important first.
        notes: What a reader of this answer may want to know.
    """

    matches: Sequence[Match]
    notes: tuple[str, ...] = ()


class GraphRetriever(IndexRetriever[GraphReader]):
    """Finds nodes by what they support in the graph. Subclasses implement `_walk` and nothing else.

    A walk sees the graph through the nodes that pass the query's filters and scope: an entity or a relation is there
    only if one of those supports it. Its matches become hits: the score of a node is that of its best match; of equal
    ones, a node with more matches comes first, then the order of the corpus. The evidence of a hit has its paths as
    JSON, the best ten: ``{"paths": [[{"subject": …, "relation": …, "object": …, "nodes": [ids]}]]}``, and the names
    of the entities that it was found by, where it was.

    Args:
        corpus: What to retrieve from.
        storage: The folder under which the corpus's indexes live.
        services: The models there are; needed for ``extract="llm"`` alone.
        object_map: What index nodes lead to, by ``index_id``.
        objects: Index nodes that hold their objects.
        hooks: Observers, or a plugin manager with the hookspecs.
        verbose: Print which retriever is entered on the way.
        **options: Those of `options_type`.

    Attributes:
        options_type: The options; a subclass with options of its own names a subclass of `GraphOptions`.
        options: The options of this retriever.
        index: The graph.

    Raises:
        OptionError: There is no such option, or it has a value that cannot be.
        MissingServiceError: A model is to extract and there is none.
    """

    scores = SCORES
    filter_capabilities = FILTERS
    replaces_nodes = (
        True  # what is found hangs on all nodes that are seen: filters hold before index nodes are followed
    )
    name = "graph"
    options_type: ClassVar[type[GraphOptions]] = GraphOptions

    options: GraphOptions

    def __init__(
        self,
        corpus: Corpus,
        storage: Path | str,
        *,
        services: Services | None = None,
        object_map: Mapping[str, Any] | None = None,
        objects: Iterable[IndexNode] | None = None,
        hooks: Observers | pluggy.PluginManager | None = None,
        verbose: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(object_map=object_map, objects=objects, hooks=hooks, verbose=verbose)
        self.options = self.options_type.checked(self.name, **options)
        self.default_top_k = self.options.top_k
        self._storage = Path(storage)
        self._services = services
        self._metadata = MetadataIndex(corpus, self._storage)
        if self.options.extract == "llm":
            self.prompts = {**self.prompts, "extract": EXTRACT}
        self.index: GraphIndex = self._graph_of(corpus)
        self.notes = (*self.notes, *_how(self.options.extract, self.index))
        self._looked_at: GraphReader | None = None

    def _walk(self, view: GraphView, query_bundle: QueryBundle) -> Walked | Sequence[Match]:
        """Return the places in the graph that answer a query; as `Walked` where there is something to tell.

        Args:
            view: The graph, as far as the query's filters and scope let see. Its ids are valid in this call alone.
            query_bundle: What `_retrieve` is given.
        """
        raise NotImplementedError

    def can_push(self, filter: MetadataFilter) -> bool:  # noqa: A002 - the name of what it is
        """Return True: the metadata index applies every condition exactly."""
        return True

    def _search(self, reader: GraphReader, query_bundle: QueryBundle) -> Found:
        reader = self._as_settings_are(reader)
        allowed = None
        if query_bundle.filters is not None:
            allowed = self._metadata.reader().ordinals_of(query_bundle.filters)
        with reader.view(allowed) as view:
            walked = self._walk(view, query_bundle)
            if not isinstance(walked, Walked):
                walked = Walked(tuple(walked))
            found = self._found(view, tuple(walked.matches), query_bundle.top_k)
            found.notes = (*walked.notes, *view.notes(self.name))
            return found

    def _plan(self, query_bundle: QueryBundle) -> Plan:
        """Return what a query does where no model is asked; a subclass that asks one says what it is asked."""
        if self.prompts.keys() - {"extract"}:
            return Plan.unknown(self.name, self._index_plan(query_bundle))
        return Plan(self.name, "walks the graph", parts=self._index_plan(query_bundle))

    def update_prompts(self, **prompts: str) -> None:
        """Change prompts; with another one for extracting, all nodes are asked about again."""
        super().update_prompts(**prompts)
        if "extract" in prompts:
            self.index = self._graph_of(self.index.corpus)

    def _index_plan(self, query_bundle: QueryBundle) -> tuple[Plan, ...]:
        """Return what the graph takes in first; nothing where it is up to date."""
        return build_plan(self.index, query_bundle)

    def _graph_of(self, corpus: Corpus) -> GraphIndex:
        extractor = extractor_of(self.options, corpus, self._storage, self._services, self.prompts)
        return GraphIndex(corpus, self._storage, extractor)

    def _as_settings_are(self, reader: GraphReader) -> GraphReader:
        """Return ``reader``, or one of another graph where the corpus has other settings now."""
        if reader is self._looked_at:
            return reader
        index = self.index
        if index.corpus.settings != index.settings:
            self.index = self._graph_of(index.corpus)
            reader = self.index.reader()
        self._looked_at = reader
        return reader

    def _found(self, view: GraphView, matches: Sequence[Match], top_k: int | None) -> Found:
        """Return the nodes that support the matches, best first, with evidence."""
        by_node = _matches_by_node(view, matches)
        best = {node: float(max(matches[at].score for at in places)) for node, places in by_node.items()}
        order = sorted(by_node, key=lambda node: (-best[node], -len(by_node[node]), node))[:top_k]
        own = [sorted((matches[at] for at in by_node[node]), key=lambda match: -match.score) for node in order]
        details = _details(view, own, self.index.corpus)
        pairs = [(node, best[node]) for node in order]
        evidence = [
            (Evidence(self.name, rank, score, told),)
            for rank, ((_, score), told) in enumerate(zip(pairs, details, strict=True), start=1)
        ]
        return Found(pairs, evidence=evidence)


def _how(extract: Extract, index: GraphIndex) -> tuple[str, ...]:
    """Return what results say of where relations come from."""
    by_model = ", ".join(used.name for used in index.uses if isinstance(used, LanguageModel))
    ways = {"auto": "by rules where none are given", "rules": "by rules", "llm": f"by {by_model}", "given": ""}
    return (f"relations: {ways[extract]}",) if ways[extract] else ()


def _details(view: GraphView, own: Sequence[Sequence[Match]], corpus: Corpus) -> list[dict[str, Any]]:
    """Return what to tell of hits, each of which has some matches, best first."""
    paths = [[match.path for match in matches if match.path] for matches in own]
    entities = [[match.entity for match in matches if match.entity is not None] for matches in own]
    shown = list(dict.fromkeys(path for of_hit in paths for path in of_hit[:SHOWN]))
    steps = dict(zip(shown, as_json(view, shown, corpus), strict=True))
    names = view.names(sorted({entity for of_hit in entities for entity in of_hit[:SHOWN]}))
    details = []
    for of_paths, of_entities in zip(paths, entities, strict=True):
        told: dict[str, Any] = {"paths": [steps[path] for path in of_paths[:SHOWN]]}
        if len(of_paths) > SHOWN:
            told["more_paths"] = len(of_paths) - SHOWN
        if of_entities:
            told["entities"] = [names[entity] for entity in of_entities[:SHOWN]]
        details.append(told)
    return details


def _matches_by_node(view: GraphView, matches: Sequence[Match]) -> dict[int, list[int]]:
    """Return for each node that supports a match the places of those, in order."""
    last = sorted({match.path[-1] for match in matches if match.path})
    by_relation = {fact.id: fact.supports.tolist() for fact in view.relations(last)}
    named = sorted({match.entity for match in matches if match.entity is not None})
    by_entity: dict[int | None, list[int]] = {fact.id: fact.supports.tolist() for fact in view.entities(named)}
    by_node: dict[int, list[int]] = {}
    for at, match in enumerate(matches):
        for node in by_relation[match.path[-1]] if match.path else by_entity.get(match.entity, ()):
            by_node.setdefault(node, []).append(at)
    return by_node
