"""Where entities and relations come from: `extractor_of` chooses by a mode's options."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from typing import Protocol, runtime_checkable

from retrieverkit_core.corpus import Corpus, StoredNode
from retrieverkit_core.plan import Plan
from retrieverkit_core.services import Services
from retrieverkit_property_graph.options import GraphOptions
from retrieverkit_property_graph.triples import Extracted, merged


class Extractor(Protocol):
    """Says what nodes support. What it says of a node depends on the node's document alone, not on other documents."""

    @property
    def fingerprint(self) -> str:
        """Names everything that the answers depend on."""
        ...

    @property
    def uses(self) -> tuple[object, ...]:
        """The models that it asks."""
        ...

    def of_nodes(self, nodes: Sequence[StoredNode]) -> list[Extracted]:
        """Return what each node supports, in order.

        Args:
            nodes: All nodes of some documents; those of one document are neighbours.
        """
        ...


@runtime_checkable
class CostlyExtractor(Extractor, Protocol):
    """What an `Extractor` that asks models may be too: it says what that takes."""

    def cost(self, name: str, nodes: Iterable[StoredNode]) -> Plan:
        """Return what `Extractor.of_nodes` would take, in a plan of that name. Nobody is asked."""
        ...


def document_of(stored: StoredNode) -> str:
    """Return the id of the document that a node is a piece of, or the node's own where it is of none."""
    return stored.node.ref_doc_id or stored.node.id


def documents_of(nodes: Sequence[StoredNode]) -> list[list[StoredNode]]:
    """Return the nodes of each document."""
    return [list(group) for _, group in groupby(nodes, document_of)]


class Together:
    """What several extractors say.

    Args:
        extractors: These.

    Attributes:
        parts: The same.
    """

    def __init__(self, extractors: Sequence[Extractor]) -> None:
        self.parts = tuple(extractors)

    @property
    def fingerprint(self) -> str:
        """Names all of them."""
        return " + ".join(each.fingerprint for each in self.parts)

    @property
    def uses(self) -> tuple[object, ...]:
        """The models that any of them asks."""
        return tuple(used for each in self.parts for used in each.uses)

    def of_nodes(self, nodes: Sequence[StoredNode]) -> list[Extracted]:
        """Return what all say of each node."""
        said = [each.of_nodes(nodes) for each in self.parts]
        return [merged(list(of_node)) for of_node in zip(*said, strict=True)]


class Otherwise:
    """What one extractor says, and of documents that it finds nothing in what another says.

    Args:
        first: Is asked about every document.
        second: Is asked about those that the first finds nothing in, not even a problem.
    """

    def __init__(self, first: Extractor, second: Extractor) -> None:
        self._first, self._second = first, second

    @property
    def fingerprint(self) -> str:
        """Names both."""
        return f"{self._first.fingerprint} or {self._second.fingerprint}"

    @property
    def uses(self) -> tuple[object, ...]:
        """The models that either asks."""
        return (*self._first.uses, *self._second.uses)

    def of_nodes(self, nodes: Sequence[StoredNode]) -> list[Extracted]:
        """Return what either says of each node."""
        said = self._first.of_nodes(nodes)
        known = {document_of(node) for node, of_node in zip(nodes, said, strict=True) if of_node or of_node.problem}
        rest = [at for at, node in enumerate(nodes) if document_of(node) not in known]
        for at, of_node in zip(rest, self._second.of_nodes([nodes[at] for at in rest]), strict=True):
            said[at] = of_node
        return said


def costly_part(extractor: Extractor) -> CostlyExtractor | None:
    """Return the part of an extractor that says what asking its models takes, if there is one."""
    parts = extractor.parts if isinstance(extractor, Together) else (extractor,)
    return next((part for part in parts if isinstance(part, CostlyExtractor)), None)


def extractor_of(
    options: GraphOptions,
    corpus: Corpus,
    storage: Path,
    services: Services | None,
    prompts: Mapping[str, str] = MappingProxyType({}),
) -> Extractor:
    """Return what takes entities and relations out of the nodes of ``corpus``.

    Triples in a document's metadata and its entity fields always count.

    Args:
        options: Those of the mode.
        corpus: What is read.
        storage: The folder under which the corpus's indexes live; what a model said is kept there.
        services: Models, where the options ask for one.
        prompts: The mode's prompts; ``extract`` is what a model is told that extracts.

    Raises:
        ConfigError: The language of the corpus is not supported.
        MissingServiceError: The options ask for a model and there is none.
    """
    from retrieverkit_property_graph.extraction.given import GivenTriples

    given: Extractor = GivenTriples()
    parts = [given]
    if options.extract == "auto":
        parts = [Otherwise(given, _rules(corpus))]
    elif options.extract == "rules":
        parts = [given, _rules(corpus)]
    elif options.extract == "llm":
        from retrieverkit_property_graph.extraction.llm import llm_extractor

        parts = [given, llm_extractor(options, corpus, storage, services, prompts)]
    if options.entity_fields:
        from retrieverkit_property_graph.extraction.fields import EntityFields

        parts.append(EntityFields(options.entity_fields))
    return parts[0] if len(parts) == 1 else Together(parts)


def _rules(corpus: Corpus) -> Extractor:
    from retrieverkit_property_graph.extraction.rules import rule_extractor

    return rule_extractor(corpus)
