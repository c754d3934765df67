"""A retrieved node, its score, and the evidence for it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from retrieverkit_core.nodes import Metadata, MetadataMode, Node

if TYPE_CHECKING:
    from retrieverkit_core.corpus import Corpus


class _Place(NamedTuple):
    leg: str
    rank: int
    score: float | None


class Evidence(_Place):
    """Where a hit comes from. It is equal to the tuple ``(leg, rank, score)``.

    Attributes:
        leg: The name of the retriever that found it.
        rank: Its rank there, from 1.
        score: Its raw score there, or None.
        details: What else that retriever says of the hit, as inert JSON: the keywords or the lines that matched.
    """

    details: Mapping[str, Any] = MappingProxyType({})

    def __new__(cls, leg: str, rank: int, score: float | None, details: Mapping[str, Any] | None = None) -> Self:
        """Return the evidence; without details, as a plain tuple would be."""
        evidence = super().__new__(cls, leg, rank, score)
        if details:
            evidence.details = details
        return evidence

    def as_dict(self) -> dict[str, Any]:
        """Return the evidence as inert JSON."""
        told = self._asdict()
        return {**told, "details": dict(self.details)} if self.details else told


class NodeWithScore:
    """A retrieved node and its score.

    Attributes:
        node: The node.
        score: The score, on the scale that the retriever declares, or None. None is not 0.
    """

    __slots__ = ("_evidence", "_origin", "node", "score")

    def __init__(
        self, node: Node, score: float | None = None, evidence: tuple[tuple[str, int, float | None], ...] = ()
    ) -> None:
        self.node = node
        self.score = score
        self._evidence = evidence
        self._origin: tuple[Corpus, int] | None = None

    @property
    def ordinal(self) -> int | None:
        """The node's ordinal in the corpus that it was read from, where it was found by one; else None."""
        return None if self._origin is None else self._origin[1]

    def with_score(self, score: float | None, evidence: tuple[tuple[str, int, float | None], ...]) -> NodeWithScore:
        """Return a hit on the same node with another score and other evidence."""
        hit = NodeWithScore(self.node, score, evidence)
        hit._origin = self._origin
        return hit

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """Each leg that found the node, with its rank and raw score there."""
        return tuple(each if isinstance(each, Evidence) else Evidence._make(each) for each in self._evidence)

    @property
    def node_id(self) -> str:
        """The node's id."""
        return self.node.id

    @property
    def id_(self) -> str:
        """The node's id."""
        return self.node.id

    @property
    def ref_doc_id(self) -> str | None:
        """The id of the node's document."""
        return self.node.ref_doc_id

    @property
    def text(self) -> str:
        """The node's text."""
        return self.node.text

    @property
    def metadata(self) -> Metadata:
        """The node's metadata."""
        return self.node.metadata

    @property
    def embedding(self) -> list[float] | None:
        """The node's own vector."""
        return self.node.embedding

    def get_score(self, raise_error: bool = False) -> float:
        """Return the score as a number.

        Args:
            raise_error: Raise instead of returning 0.0 when there is no score.

        Raises:
            ValueError: There is no score and ``raise_error`` is set.
        """
        if self.score is not None:
            return self.score
        if raise_error:
            raise ValueError(f"node {self.node.id!r} has no score")
        return 0.0

    def get_content(self, metadata_mode: MetadataMode = MetadataMode.NONE) -> str:
        """Return the node's text with the metadata that ``metadata_mode`` names."""
        return self.node.get_content(metadata_mode)

    def get_embedding(self) -> list[float]:
        """Return the node's own vector.

        Raises:
            ValueError: It has none.
        """
        if self.node.embedding is None:
            raise ValueError(f"node {self.node.id!r} has no embedding")
        return self.node.embedding

    def get_text(self) -> str:
        """Return the node's text."""
        return self.node.text

    def copied(self) -> NodeWithScore:
        """Return a hit on a copy of the node."""
        return NodeWithScore(self.node.copied(), self.score, self._evidence)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, NodeWithScore):
            return NotImplemented
        return self.node == other.node and self.score == other.score

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        score = "None" if self.score is None else f"{self.score:.4f}"
        return f"NodeWithScore(id={self.node.id!r}, score={score}, text={self.node.text[:60]!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return NodeWithScore, (self.node, self.score, self._evidence)
