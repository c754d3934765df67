"""`VendorModel`: asks a vendor's language model through pydantic-ai, one counted attempt after another."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

from retrieverkit_core.deadline import remaining
from retrieverkit_core.errors import EndpointError, MissingServiceError, RetrieverKitError
from retrieverkit_core.services import Prompt, Reply
from retrieverkit_core.threads import offload, run_coroutine
from retrieverkit_llm.chat.answers import Said
from retrieverkit_llm.chat.conversation import Conversation
from retrieverkit_llm.chat.habits import Way
from retrieverkit_llm.chat.turns import Turn
from retrieverkit_llm.endpoint.retries import FIRST_WAIT, attempts
from retrieverkit_llm.endpoint.slots import Slots
from retrieverkit_llm.vendors.provider import VendorModelOptions

_PLACE = "pydantic_ai"


class VendorModel:
    """A `LanguageModel` of any vendor that pydantic-ai knows. Safe to share between threads and event loops.

    Sync callers share one event loop. Each loop has a client of its own, as connections belong to a loop.

    Args:
        options: The vendor, the model and how to ask.
        make_model: Returns the model of pydantic-ai to ask, a new one each time; None takes the one that is named.
        first_wait: Seconds before the second attempt, about.

    Raises:
        MissingServiceError: pydantic-ai or the vendor's package is not installed, the vendor's key is not set, or the
            vendor's package makes retries of its own that would not be counted.
    """

    def __init__(
        self,
        options: VendorModelOptions,
        *,
        make_model: Callable[[], Any] | None = None,
        first_wait: float = FIRST_WAIT,
    ) -> None:
        self._options = options
        self._first_wait = first_wait
        self._make_model = make_model or self._named
        self._slots = Slots(options.max_concurrent)
        self._models: WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = WeakKeyDictionary()
        self._unused = [self._made()]
        first_way = _first_way(self._unused[0])
        self._conversation = Conversation(_PLACE, options.model, options.structured, first_way)

    @property
    def name(self) -> str:
        """The vendor and the model."""
        return self._options.model

    def ask(self, prompt: Prompt) -> Reply:
        """Return the model's answer, an instance of the prompt's schema if it has one.

        Raises:
            EndpointError: The vendor did not answer, or refused to.
            ModelAnswerError: The model answered, but not in the shape, not to the end, or not at all.
            BudgetExceededError: The caller's budget does not allow another attempt.
        """
        return self._conversation.run(prompt, self._take)

    async def aask(self, prompt: Prompt) -> Reply:
        """As `ask`, without blocking the event loop. A cancelled caller ends the request."""
        return await self._conversation.arun(prompt, self._atake)

    def _take(self, turn: Turn) -> Said:
        with self._in_time("did not answer before the caller's deadline"):
            said: Said = run_coroutine(lambda: self._atake(turn))
            return said

    async def _atake(self, turn: Turn) -> Said:
        async for attempt in attempts(self._options.max_retries, self._first_wait):
            with attempt, self._in_time("was not asked: the caller's deadline has passed"):
                async with self._slots.aone():
                    return await self._once(turn)
        raise AssertionError("the last attempt returns or raises")

    async def _once(self, turn: Turn) -> Said:
        model = await self._of_this_loop()
        left = remaining()
        limit = self._options.timeout if left is None else min(self._options.timeout, left)
        if limit <= 0:
            raise TimeoutError
        with turn.around(), self._in_time(f"did not answer within {limit:g} s"):
            async with asyncio.timeout(limit):
                return await self._asked(model, turn, limit)

    async def _asked(self, model: Any, turn: Turn, limit: float) -> Said:
        from pydantic_ai import direct

        from retrieverkit_llm.vendors.failures import failure
        from retrieverkit_llm.vendors.messages import messages_of, parameters_of, said_in, settings_of

        try:
            response = await direct.model_request(
                model,
                messages_of(turn),
                model_settings=settings_of(turn, limit),
                model_request_parameters=parameters_of(turn),
                instrument=False,
            )
        except (RetrieverKitError, TimeoutError):
            raise
        except Exception as error:
            raise failure(self.name, error) from None
        return said_in(response)

    @contextmanager
    def _in_time(self, problem: str) -> Iterator[None]:
        try:
            yield
        except TimeoutError as error:
            if isinstance(error, RetrieverKitError):
                raise
            raise EndpointError(f"{self.name} {problem}", retryable=True) from None

    async def _of_this_loop(self) -> Any:
        loop = asyncio.get_running_loop()
        if loop not in self._models:
            try:
                self._models[loop] = self._unused.pop()
            except IndexError:
                self._models[loop] = await offload(self._made)
        return self._models[loop]

    def _made(self) -> Any:
        """Return a new model.

        Raises:
            MissingServiceError: It cannot be used here.
        """
        try:
            model = self._make_model()
        except ImportError as error:
            raise MissingServiceError(f"{self.name} cannot be used: {error}") from None
        if "max_retries" in getattr(model, "unsupported_settings", ()):
            raise MissingServiceError(
                f"{self.name} cannot be used: the vendor's package makes attempts that cannot be counted",
                fix="use a model of another vendor, or the model through an endpoint that speaks OpenAI's protocol",
            )
        return model

    def _named(self) -> Any:
        from pydantic_ai.exceptions import UserError

        models = importlib.import_module("pydantic_ai.models")
        try:
            return models.infer_model(self._options.model)
        except UserError as error:
            from retrieverkit_llm.vendors.failures import failure

            raise failure(self.name, error) from None

    def __repr__(self) -> str:
        return f"VendorModel({self._options.model!r})"


def _first_way(model: Any) -> Way:
    """Return the first way to ask for a shape that the model is known to take."""
    profile = model.profile
    if profile.get("supports_json_schema_output", False):
        return "json_schema"
    return "tool" if profile.get("supports_tools", True) else "prompt"
