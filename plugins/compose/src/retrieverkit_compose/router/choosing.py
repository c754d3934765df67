"""Who chooses routes: words in the query, an embedding, a language model, or a function."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol
from unicodedata import normalize

from retrieverkit_compose.words import words_of
from retrieverkit_core.choosing import Choices, achoose, choose, cost_of
from retrieverkit_core.errors import ConfigError, shorten
from retrieverkit_core.hits import NodeWithScore
from retrieverkit_core.nodes import Node
from retrieverkit_core.plan import Plan
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.retriever import BaseRetriever, NodeVectors
from retrieverkit_core.services import LanguageModel
from retrieverkit_core.threads import offload

INSTRUCTIONS = """\
You choose where a query is looked up.
The first message holds the query. Each further message describes one source: a label, and below it what is found there.
Return the labels of the sources that can answer the query, each with its relevance: a whole number from 1 (may help) to
10 (just what is asked for). Leave out all others. If no source can answer, return none."""
"""What a model is told to do."""


class Route(NamedTuple):
    """A route that was chosen.

    Attributes:
        at: Its place among all.
        why: What called for it, for the result.
    """

    at: int
    why: str


class Picked(NamedTuple):
    """What came of choosing: the routes, the best first, and what a reader must know of it."""

    routes: Sequence[Route]
    warnings: Sequence[str] = ()


class Chooser(Protocol):
    """Chooses routes for a query, the best first."""

    def choose(self, query: QueryBundle) -> Picked:
        """Return all routes that suit the query.

        Raises:
            RetrieverKitError: Nothing can be chosen.
        """
        ...

    async def achoose(self, query: QueryBundle) -> Picked:
        """As `choose`, without blocking the event loop."""
        ...

    def plan(self, name: str, query: QueryBundle) -> Plan:
        """Return what choosing would spend."""
        ...


class ByRule:
    """Chooses the routes of whose words and phrases the query holds one, in the order of the routes.

    Args:
        rules: The words and phrases of each route.
    """

    def __init__(self, rules: Sequence[Sequence[str]]) -> None:
        self._rules = [[(phrase, said_pattern(phrase)) for phrase in phrases] for phrases in rules]

    def choose(self, query: QueryBundle) -> Picked:
        """Return all routes that suit the query."""
        words = _folded(query.query_str)
        routes = []
        for at, phrases in enumerate(self._rules):
            called = next((phrase for phrase, pattern in phrases if pattern.search(words)), None)
            if called is not None:
                routes.append(Route(at, f"the query says {called!r}"))
        return Picked(routes)

    async def achoose(self, query: QueryBundle) -> Picked:
        """As `choose`."""
        return await offload(self.choose, query)

    def plan(self, name: str, query: QueryBundle) -> Plan:
        """Return that nothing is spent."""
        return Plan(name, "chooses by words of the query")


@dataclass(frozen=True)
class ByDescription:
    """Chooses the routes whose descriptions are near the query, the nearest first.

    Attributes:
        vectors: Who compares.
        descriptions: What is found at the end of each route.
    """

    vectors: NodeVectors
    descriptions: Sequence[str]

    def choose(self, query: QueryBundle) -> Picked:
        """Return all routes whose descriptions are nearer than nothing in common."""
        shown = [NodeWithScore(Node(text=text, id=str(at))) for at, text in enumerate(self.descriptions)]
        nearness = self.vectors.compared(query, shown).nearness
        near = [(cosine, at) for at, cosine in enumerate(nearness) if cosine is not None and cosine > 0]
        near.sort(key=lambda one: (-one[0], one[1]))
        return Picked([Route(at, f"its description is near the query: {cosine:.3f}") for cosine, at in near])

    async def achoose(self, query: QueryBundle) -> Picked:
        """As `choose`, in a worker thread."""
        return await offload(self.choose, query)

    def plan(self, name: str, query: QueryBundle) -> Plan:
        """Return what it costs to embed the query. What the descriptions cost is not known: they are remembered."""
        parts = (self.vectors.plan(query),) if isinstance(self.vectors, BaseRetriever) else ()
        paid = any(part.spends for part in parts)
        return Plan(name, "compares the query with the descriptions", embedding_calls=None if paid else 0, parts=parts)


class ByModel:
    """Chooses the routes that a language model finds relevant, the best grade first.

    Args:
        model: The model.
        descriptions: What is found at the end of each route.

    Attributes:
        instructions: What the model is told.
    """

    def __init__(self, model: LanguageModel, descriptions: Sequence[str]) -> None:
        self._model = model
        self._descriptions = descriptions
        self.instructions = INSTRUCTIONS

    def choose(self, query: QueryBundle) -> Picked:
        """Return all routes that suit the query.

        Raises:
            QueryError: The query has no words.
            RetrieverKitError: The model cannot answer.
        """
        return _picked(choose(self._model, words_of(query), self._descriptions, **self._how()))

    async def achoose(self, query: QueryBundle) -> Picked:
        """As `choose`, without blocking the event loop while the model is asked."""
        return _picked(await achoose(self._model, words_of(query), self._descriptions, **self._how()))

    def _how(self) -> dict[str, Any]:
        return {"instructions": self.instructions.format(), "batch_size": len(self._descriptions)}

    def plan(self, name: str, query: QueryBundle) -> Plan:
        """Return what the one question to the model costs."""
        cost = cost_of(query.query_str, self._descriptions, **self._how())
        return Plan(name, f"has {self._model.name} choose", llm_calls=cost.llm_calls, tokens=cost.tokens)


@dataclass(frozen=True)
class ByFunction:
    """Chooses the routes that a function names.

    Attributes:
        function: Returns the names of routes for a query; it may block.
        names: The names that there are.
    """

    function: Callable[[QueryBundle], Iterable[str]]
    names: Sequence[str]

    def choose(self, query: QueryBundle) -> Picked:
        """Return the routes that the function names.

        Raises:
            ConfigError: It names one that there is not, or returns no list.
        """
        routes = []
        chosen = self.function(query)
        if isinstance(chosen, str) or not isinstance(chosen, Iterable):
            said = f"the function returned {shorten(repr(chosen))}, not a list of routes"
            raise ConfigError(said, fix=f"return a list of some of {list(self.names)}")
        for name in chosen:
            if name not in self.names:
                raise ConfigError(f"the function chose the route {name!r}", fix=f"return some of {list(self.names)}")
            routes.append(Route(self.names.index(name), "the function chose it"))
        return Picked(list(dict.fromkeys(routes)))

    async def achoose(self, query: QueryBundle) -> Picked:
        """As `choose`, in a worker thread."""
        return await offload(self.choose, query)

    def plan(self, name: str, query: QueryBundle) -> Plan:
        """Return that it is not known what the function spends."""
        return Plan(name, "calls a function to choose", None, None, None)


def _picked(choices: Choices) -> Picked:
    warnings = []
    if choices.suspect:
        warnings.append("suspect: the model also chose a source that was made up")
    return Picked([Route(one.position, f"the model graded it {one.grade:g}") for one in choices.chosen], warnings)


_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
"""Thai, Lao, Burmese, Khmer, Japanese and Chinese: scripts that put no blanks between words."""

_SENTENCE_MARKS = " \t\r\n.,;:!?\"'()[]«»“”„‘’…。、！？"


def said_pattern(phrase: str) -> re.Pattern[str]:
    """Return what finds a phrase in a folded query: its words side by side, not within other words.

    Marks between words are any; other marks at its ends, as in ``C++``, must be there.
    """
    folded = _folded(phrase).strip()
    core = folded.strip(_SENTENCE_MARKS) or folded
    words = re.findall(r"\w+", core)
    if not words:
        return re.compile(re.escape(core))
    first, last = core.index(words[0]), core.rindex(words[-1]) + len(words[-1])
    inner = r"[^\w]+".join(map(re.escape, words))
    before = "" if first or re.match(f"[{_UNSPACED}]", core) else r"(?<!\w)"
    behind = "" if core[last:] or re.search(f"[{_UNSPACED}]\\Z", core) else r"(?!\w)"
    return re.compile(before + re.escape(core[:first]) + inner + re.escape(core[last:]) + behind)


def _folded(text: str) -> str:
    return normalize("NFC", normalize("NFC", text).casefold())
