"""A small retriever that keeps the contract; the bad ones are made of it."""

import asyncio
import copy
import re
from collections import Counter
from math import log

from retrieverkit_core import BaseRetriever, Node, NodeWithScore, ScoreKind, ScoreSpec
from retrieverkit_core.filters import FilterOperator
from retrieverkit_core.nodes import NodeRelationship
from retrieverkit_core.plugin import FilterCapabilities
from retrieverkit_testkit import Capability

EVERYTHING = frozenset(Capability)
STOP_WORDS = {"the", "of", "and", "der", "die", "das"}
ALL_OPERATORS = FilterCapabilities(frozenset(operator.value for operator in FilterOperator))


class Words(BaseRetriever):
    """Finds nodes that share words with the query; rare words count more."""

    scores = ScoreSpec(ScoreKind.RELEVANCE, lower_bound=0.0)
    filter_capabilities = ALL_OPERATORS
    default_top_k = 5
    name = "words"

    def __init__(self, documents=(), **base):
        super().__init__(**base)
        self.documents = list(documents)
        self.stored = [node_of(document) for document in self.documents]

    def nodes(self):
        return self.stored

    def words(self, text):
        return [word for word in re.findall(r"\w+", text.casefold()) if word not in STOP_WORDS]

    def weights(self, nodes):
        found = Counter(word for node in nodes for word in set(self.words(node.text)))
        return {word: log(1 + len(nodes) / count) for word, count in found.items()}

    def passes(self, node, query):
        return query.filters is None or query.filters.matches(node.metadata)

    def matching(self, query, text=None):
        """Return (score, place, node) of each node that matches and passes, best first."""
        nodes = list(self.nodes())
        weights = self.weights(nodes)
        asked = set(self.words(query.query_str if text is None else text))
        found = []
        for place, node in enumerate(nodes):
            shared = asked & set(self.words(node.text))
            if shared and self.passes(node, query):
                found.append((round(sum(sorted(weights[word] for word in shared)), 9), place, node))
        return sorted(found, key=lambda one: (-one[0], one[1]))

    def hits(self, query, text=None):
        return [NodeWithScore(node, score) for score, _, node in self.matching(query, text)]

    def answer(self, query):
        return [NodeWithScore(copy.deepcopy(hit.node), hit.score) for hit in self.hits(query)[: query.top_k]]

    def _retrieve(self, query_bundle):
        return self.answer(query_bundle)


class AsyncWords(Words):
    """The same, written by an author who has an event loop."""

    _retrieve = BaseRetriever._retrieve

    async def _aretrieve(self, query_bundle):
        return await asyncio.to_thread(self.answer, query_bundle)


def node_of(document):
    source = {NodeRelationship.SOURCE: document.id}
    metadata = copy.deepcopy(document.metadata)
    return Node(text=document.text, id=document.id, metadata=metadata, relationships=source)


def good(documents):
    return Words(documents)
