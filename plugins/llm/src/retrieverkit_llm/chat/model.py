"""`OpenAIModel`: asks an endpoint's language model."""

from __future__ import annotations

from retrieverkit_core.errors import shorten
from retrieverkit_core.services import Prompt, Reply
from retrieverkit_llm.chat.answers import Said, read_answer
from retrieverkit_llm.chat.conversation import Conversation
from retrieverkit_llm.chat.provider import OpenAIModelOptions
from retrieverkit_llm.chat.requests import body_for
from retrieverkit_llm.chat.turns import Turn
from retrieverkit_llm.endpoint.endpoint import Endpoint
from retrieverkit_llm.endpoint.retries import FIRST_WAIT

MAX_BYTES = 8 * 2**20
"""The longest answer that is read."""

_PATH = "chat/completions"


class OpenAIModel:
    """A `LanguageModel` behind an endpoint. Safe to share between threads, event loops and forks.

    Args:
        options: The endpoint, the model and how to ask.
        first_wait: Seconds before the second attempt, about.

    Raises:
        MissingServiceError: The environment variable with the key is not set, or holds no key.
    """

    def __init__(self, options: OpenAIModelOptions, *, first_wait: float = FIRST_WAIT) -> None:
        self._options = options
        self._conversation = Conversation(options.base_url, options.model, options.structured)
        self._endpoint = Endpoint(
            options.base_url,
            options.api_key_env,
            timeout=options.timeout,
            max_retries=options.max_retries,
            max_bytes=MAX_BYTES,
            max_concurrent=options.max_concurrent,
            first_wait=first_wait,
        )

    @property
    def name(self) -> str:
        """The model's name at the endpoint."""
        return self._options.model

    def ask(self, prompt: Prompt) -> Reply:
        """Return the model's answer, an instance of the prompt's schema if it has one.

        Raises:
            EndpointError: The endpoint did not answer, or refused to.
            ModelAnswerError: The model answered, but not in the shape, not to the end, or not at all.
            BudgetExceededError: The caller's budget does not allow another attempt.
        """
        return self._conversation.run(prompt, self._take)

    async def aask(self, prompt: Prompt) -> Reply:
        """As `ask`, without blocking the event loop. A cancelled caller ends the request."""
        return await self._conversation.arun(prompt, self._atake)

    def close(self) -> None:
        """Close the connections. The next request opens new ones."""
        self._endpoint.close()

    def _take(self, turn: Turn) -> Said:
        body = self._endpoint.post(_PATH, body_for(self.name, turn), turn.around)
        return read_answer(body, self._options.base_url)

    async def _atake(self, turn: Turn) -> Said:
        body = await self._endpoint.apost(_PATH, body_for(self.name, turn), turn.around)
        return read_answer(body, self._options.base_url)

    def __repr__(self) -> str:
        return f"OpenAIModel({self._options.model!r}, {shorten(self._options.base_url, 200)!r})"
