"""`ScriptedModel`: a language model that answers as a test says."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from retrieverkit_core import budget
from retrieverkit_core.errors import ModelAnswerError
from retrieverkit_core.plan import tokens_of
from retrieverkit_core.services import Prompt, Reply, Usage
from retrieverkit_core.threads import offload

Answer = str | BaseModel | Mapping[str, Any] | Exception
"""What a script gives: text, an instance of the prompt's schema, the JSON object of one, or an error to raise."""


class ScriptedModel:
    """A `LanguageModel` without a network: a prompt goes to a function, what that gives is checked by the schema.

    Args:
        answer: Called with each prompt, also from several threads at once.
        name: The model's name.

    Attributes:
        asked: The prompts so far.
    """

    def __init__(self, answer: Callable[[Prompt], Answer], name: str = "scripted") -> None:
        self._answer = answer
        self._name = name
        self._guard = threading.Lock()
        self.asked: list[Prompt] = []

    @property
    def name(self) -> str:
        """The model's name."""
        return self._name

    def ask(self, prompt: Prompt) -> Reply:
        """Return what the script says.

        Raises:
            ModelAnswerError: The script's answer is not what the schema wants.
            BudgetExceededError: The caller's budget does not allow another attempt.
        """
        budget.spend(llm_calls=1)
        with self._guard:
            self.asked.append(prompt)
        answer = self._answer(prompt)
        if isinstance(answer, Exception):
            raise answer
        text = _written(answer)
        usage = Usage(1, tokens_of(prompt.system, *prompt.data), tokens_of(text))
        budget.note(tokens=usage.input_tokens + usage.output_tokens)
        return Reply(text, _parsed(prompt, text), usage)

    async def aask(self, prompt: Prompt) -> Reply:
        """As `ask`, in a worker thread."""
        return await offload(self.ask, prompt)


def _written(answer: str | BaseModel | Mapping[str, Any]) -> str:
    if isinstance(answer, BaseModel):
        return answer.model_dump_json()
    return answer if isinstance(answer, str) else json.dumps(answer)


def _parsed(prompt: Prompt, text: str) -> BaseModel | None:
    if prompt.schema is None:
        return None
    try:
        return prompt.schema.model_validate_json(text)
    except ValidationError as error:
        problem = f"the scripted answer is not what the schema wants: {error}"
        raise ModelAnswerError(problem, answer=text) from error
