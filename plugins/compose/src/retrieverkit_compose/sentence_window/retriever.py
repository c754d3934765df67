"""`SentenceWindowRetriever`: a found node with its neighbours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain, pairwise
from typing import Any

from retrieverkit_compose.around import Around, checked, evidence_of, explicit
from retrieverkit_compose.relatives import Relatives
from retrieverkit_compose.sentence_window.options import SentenceWindowSettings
from retrieverkit_core import explain
from retrieverkit_core.corpus import Corpus
from retrieverkit_core.hits import Evidence, NodeWithScore
from retrieverkit_core.nodes import Node
from retrieverkit_core.plan import Plan
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.result import RetrievalResult
from retrieverkit_core.retriever import BaseRetriever
from retrieverkit_core.threads import offload


class SentenceWindowRetriever(Around):
    """Finds small nodes, such as sentences, and returns each with its neighbours: the window around it.

    A hit keeps the id, the score and the metadata of the node that was found; its text, and its place in the document,
    are those of the window. What was found is in the evidence: ``found``, and the ids of the window's nodes as
    ``window``. A window ends at the document's ends, and before a node that does not pass filters and scope.

    Args:
        retriever: The retriever that finds the nodes.
        corpus: Where the neighbours are.
        window: How many neighbours are shown before a found node, and behind it.
        top_k: How many hits a query gets that does not say.
        **base: What every retriever takes: ``object_map``, ``objects``, ``hooks``, ``verbose``.

    Raises:
        OptionError: A setting is wrong.
    """

    replaces_nodes = True
    name = "sentence_window"

    def __init__(
        self, retriever: BaseRetriever, corpus: Corpus, *, window: int = 3, top_k: int = 5, **base: Any
    ) -> None:
        super().__init__(retriever, **base)
        settings = checked(self.name, SentenceWindowSettings, {"window": window, "top_k": top_k})
        self.default_top_k = settings.top_k
        self.scores = retriever.score_spec
        self._corpus = corpus
        self._window = settings.window

    def _retrieve(self, query_bundle: QueryBundle) -> RetrievalResult:
        return self._windows(query_bundle, self.retriever.retrieve(explicit(query_bundle)))

    async def _aretrieve(self, query_bundle: QueryBundle) -> RetrievalResult:
        return await offload(self._windows, query_bundle, await self.retriever.aretrieve(explicit(query_bundle)))

    def _windows(self, query: QueryBundle, found: RetrievalResult) -> RetrievalResult:
        relatives = Relatives(self._corpus, query)
        relatives.know(hit.node for hit in found if hit._origin is not None and relatives.owns(hit))
        relatives.read(hit.node.id for hit in found if relatives.owns(hit))
        nodes = [_as_cut(hit.node, relatives) if relatives.owns(hit) else None for hit in found]
        before = self._chains(nodes, relatives, lambda node: node.prev_node, [[] for _ in nodes])
        behind = self._chains(nodes, relatives, lambda node: node.next_node, before)
        hits = [
            self._hit(hit, rank, [*reversed(earlier), node, *later]) if node and (earlier or later) else hit
            for rank, (hit, node, earlier, later) in enumerate(zip(found, nodes, before, behind, strict=True), 1)
        ]
        with explain.stage("windows", came=found) as stage:
            stage.went(hits)
        notes = [
            "no hit has neighbours; an index whose documents are cut by splitter='sentences' has some "
            "(retriever index PATH --index NEW --splitter sentences)"
        ]
        return self._made(hits, found, notes=notes if found and not any(before) and not any(behind) else ())

    def _chains(
        self,
        nodes: Sequence[Node | None],
        relatives: Relatives,
        step: Callable[[Node], str | None],
        shown: Sequence[Sequence[Node]],
    ) -> list[list[Node]]:
        """Return the neighbours of each node to one side, the nearest first; all of one distance are read at once.

        Args:
            nodes: The nodes; None for one whose neighbours are not here.
            relatives: Where they are read.
            step: From a node to the next one on this side.
            shown: The neighbours to the other side.
        """
        chains: list[list[Node]] = [[] for _ in nodes]
        ends = {at: node for at, node in enumerate(nodes) if node is not None}
        for _ in range(self._window):
            wanted = {at: name for at, node in ends.items() if (name := step(node)) is not None}
            relatives.read(wanted.values())
            there = {at: relatives.get(name) for at, name in wanted.items()}
            ends = {at: node for at, node in there.items() if node and _new(node, nodes[at], shown[at], chains[at])}
            for at, node in ends.items():
                chains[at].append(node)
        return chains

    def _hit(self, hit: NodeWithScore, rank: int, nodes: Sequence[Node]) -> NodeWithScore:
        first, last = nodes[0], nodes[-1]
        shown = hit.node.copied()
        shown.text = _joined(nodes)
        shown.start_char_idx, shown.end_char_idx = first.start_char_idx, last.end_char_idx
        shown.embedding = None
        told, *others = evidence_of(hit, self.retriever.name, rank)
        found = next(node.text for node in nodes if node.id == hit.node.id)
        details = {**told.details, "found": found, "window": [node.id for node in nodes]}
        return NodeWithScore(shown, hit.score, (Evidence(told.leg, told.rank, told.score, details), *others))

    def _plan(self, query_bundle: QueryBundle) -> Plan:
        does = f"shows {self._window} neighbours to both sides of what is found"
        return Plan(self.name, does, parts=(self.retriever.plan(self._limited(query_bundle)),))


def _as_cut(node: Node, relatives: Relatives) -> Node:
    """Return a node as the corpus has it where it was found with a wider text: no window is put around a window."""
    known = relatives.get(node.id)
    return known if known is not None and known.ref_doc_id == node.ref_doc_id and known.text in node.text else node


def _new(node: Node, found: Node | None, *shown: Sequence[Node]) -> bool:
    """Return whether a neighbour is of the same document, and new: relationships may lead in a circle."""
    assert found is not None
    return node.ref_doc_id == found.ref_doc_id and all(node.id != other.id for other in chain([found], *shown))


def _joined(nodes: Sequence[Node]) -> str:
    """Return the texts of neighbours as one; a blank stands where there was white space between them."""
    text = nodes[0].text
    for before, node in pairwise(nodes):
        touches = before.end_char_idx is not None and before.end_char_idx == node.start_char_idx
        text += node.text if touches else f" {node.text}"
    return text
