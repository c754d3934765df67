"""`AskedReranker`: a reranking model whose calls are recorded, replayed and traced as those of a language model are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from retrieverkit_core.services import Prompt, Reply, Reranker, Usage

if TYPE_CHECKING:
    from retrieverkit.asked_models.language import AskedModel

_RERANK = "Score each text by how well it answers the query, which comes first."


class AsLanguageModel:
    """A reranker as something that prompts are put to: the query and the texts go in, the scores come back as JSON.

    Args:
        reranker: The reranker.
    """

    def __init__(self, reranker: Reranker) -> None:
        self.reranker = reranker

    @property
    def name(self) -> str:
        """The reranker's name."""
        return self.reranker.name

    def ask(self, prompt: Prompt) -> Reply:
        """Return the scores."""
        query, *texts = prompt.data
        return _reply(self.reranker.rerank(query, texts))

    async def aask(self, prompt: Prompt) -> Reply:
        """As `ask`, without blocking the event loop."""
        query, *texts = prompt.data
        return _reply(await self.reranker.arerank(query, texts))


def _reply(scores: Sequence[float]) -> Reply:
    return Reply(json.dumps([float(score) for score in scores]), usage=Usage(attempts=0))


class AskedReranker:
    """A `Reranker` whose calls pass where those of language models do.

    Args:
        asked: An `AsLanguageModel` as modes have language models.
    """

    def __init__(self, asked: AskedModel) -> None:
        self._asked = asked

    @property
    def name(self) -> str:
        """The reranker's name."""
        return self._asked.name

    def calls_for(self, texts: int) -> int:
        """Return how many requests it takes to score that many texts."""
        made: AsLanguageModel = self._asked._model
        return made.reranker.calls_for(texts)

    def rerank(self, query: str, texts: Sequence[str]) -> Sequence[float]:
        """Return a score per text, see `Reranker.rerank`."""
        return _scores(self._asked.ask(_prompt(query, texts)))

    async def arerank(self, query: str, texts: Sequence[str]) -> Sequence[float]:
        """As `rerank`, without blocking the event loop."""
        return _scores(await self._asked.aask(_prompt(query, texts)))


def _prompt(query: str, texts: Sequence[str]) -> Prompt:
    return Prompt(_RERANK, (query, *texts))


def _scores(reply: Reply) -> list[float]:
    return [float(score) for score in json.loads(reply.text)]
