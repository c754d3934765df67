"""`Turn`: one request to a language model, before it has the form of any protocol."""

from __future__ import annotations

from dataclasses import dataclass, field

from retrieverkit_core.plan import tokens_of
from retrieverkit_core.services import Prompt
from retrieverkit_llm.chat.habits import Habits
from retrieverkit_llm.chat.shape import Shape
from retrieverkit_llm.endpoint.endpoint import Around

_MAX_ECHO = 4000
_IN_WORDS = "{system}\n\nAnswer with one JSON object and nothing else. It must fit this JSON schema:\n{schema}"
_AGAIN = (
    "This answer cannot be used: {problem}\n\n"
    "Give the whole answer again, as one JSON object and nothing else. It must fit this JSON schema:\n{schema}"
)


@dataclass(frozen=True)
class Repair:
    """An answer that does not fit its shape, and what the model is told of it.

    Attributes:
        answer: The answer, as it is shown to the model.
        told: What is wrong with it and what is wanted.
    """

    answer: str
    told: str

    @classmethod
    def of(cls, answer: str, problem: str, shape: Shape) -> Repair:
        """Return what to say of ``answer``."""
        return cls(answer[:_MAX_ECHO] or "(no words)", _AGAIN.format(problem=problem, schema=shape.text))


@dataclass(frozen=True)
class Turn:
    """One request to a language model.

    Attributes:
        prompt: What is asked.
        shape: The shape of the answer, or None for text.
        habits: What the model takes.
        around: What is done around each attempt.
        repair: The answer that has been given already, or None.
        max_tokens: The most tokens of the answer, or None.
    """

    prompt: Prompt
    shape: Shape | None
    habits: Habits
    around: Around = field(repr=False)
    repair: Repair | None = None
    max_tokens: int | None = None

    @property
    def system(self) -> str:
        """The instructions, with the schema where it is asked for in words."""
        if self.shape is None or self.habits.way != "prompt":
            return self.prompt.system
        return _IN_WORDS.format(system=self.prompt.system, schema=self.shape.text)

    @property
    def settings(self) -> dict[str, float | int]:
        """The settings that are sent, by the names that the model takes."""
        wanted = {
            "temperature": self.prompt.settings.temperature,
            "seed": self.prompt.settings.seed,
            self.habits.limit: self.max_tokens,
        }
        return {name: value for name, value in wanted.items() if value is not None and name not in self.habits.without}

    @property
    def sent(self) -> frozenset[str]:
        """The names of what is sent that a model may not take."""
        asked = {"json_schema": "response_format", "tool": "tools"}.get(self.habits.way) if self.shape else None
        return frozenset(self.settings) | ({asked} if asked else set())

    @property
    def tokens(self) -> int:
        """About how many tokens it has."""
        texts = [self.system, *self.prompt.data]
        if self.shape is not None and self.habits.way != "prompt":
            texts.append(self.shape.text)
        if self.repair is not None:
            texts += [self.repair.answer, self.repair.told]
        return tokens_of(*texts)
