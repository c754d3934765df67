"""The body of a chat request: who says what, and in which way the shape of the answer is asked for."""

from __future__ import annotations

from typing import Any

from retrieverkit_core.plan import tokens_of
from retrieverkit_core.services import Prompt
from retrieverkit_llm.chat.habits import Habits
from retrieverkit_llm.chat.shape import Shape

_MAX_ECHO = 4000
_IN_WORDS = "{system}\n\nAnswer with one JSON object and nothing else. It must fit this JSON schema:\n{schema}"
_AGAIN = (
    "This answer cannot be used: {problem}\n\n"
    "Give the whole answer again, as one JSON object and nothing else. It must fit this JSON schema:\n{schema}"
)

Message = dict[str, str]


def messages_for(prompt: Prompt, system: str) -> list[Message]:
    """Return the messages of a prompt: the instructions, then each part of the data by itself.

    Where there is no data, the instructions are what the user says: many endpoints want to hear one.
    """
    if not prompt.data:
        return [{"role": "user", "content": system}]
    return [{"role": "system", "content": system}, *({"role": "user", "content": part} for part in prompt.data)]


def repair(answer: str, problem: str, shape: Shape) -> list[Message]:
    """Return the messages that show a model its answer, what is wrong with it and what is wanted."""
    return [
        {"role": "assistant", "content": answer[:_MAX_ECHO] or "(no words)"},
        {"role": "user", "content": _AGAIN.format(problem=problem, schema=shape.text)},
    ]


def body_for(
    model: str,
    prompt: Prompt,
    shape: Shape | None,
    habits: Habits,
    more: list[Message],
    max_tokens: int | None,
) -> dict[str, Any]:
    """Return the body of a request.

    Args:
        model: The model's name.
        prompt: What is asked.
        shape: The shape of the answer, or None for text.
        habits: What the model takes.
        more: The messages that follow the first ones.
        max_tokens: The most tokens of the answer, or None.
    """
    in_words = shape is not None and habits.way == "prompt"
    system = _IN_WORDS.format(system=prompt.system, schema=shape.text) if shape and in_words else prompt.system
    body: dict[str, Any] = {"model": model, "messages": messages_for(prompt, system) + more}
    settings = {"temperature": prompt.settings.temperature, "seed": prompt.settings.seed, habits.limit: max_tokens}
    body |= {name: value for name, value in settings.items() if value is not None and name not in habits.without}
    if shape is not None and habits.way == "json_schema":
        form = {"name": shape.name, "strict": shape.is_strict, "schema": shape.schema}
        body["response_format"] = {"type": "json_schema", "json_schema": form}
    elif shape is not None and habits.way == "tool":
        function: dict[str, Any] = {"name": shape.name, "description": "Give the answer.", "parameters": shape.schema}
        if shape.is_strict:
            function["strict"] = True
        body["tools"] = [{"type": "function", "function": function}]
        body["tool_choice"] = {"type": "function", "function": {"name": shape.name}}
    return body


def tokens_read(body: dict[str, Any], shape: Shape | None) -> int:
    """Return about how many tokens a request has."""
    by_parameter = shape is not None and ("response_format" in body or "tools" in body)
    texts = [message["content"] for message in body["messages"]]
    return tokens_of(*texts, *([shape.text] if shape and by_parameter else []))
