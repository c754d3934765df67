"""Requests and answers in pydantic-ai's form."""

from __future__ import annotations

from typing import Any

from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    SystemPromptPart,
    TextPart,
    ToolCallPart,
    UserPromptPart,
)
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.output import OutputObjectDefinition
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition

from retrieverkit_core.errors import shorten
from retrieverkit_llm.chat.answers import Said
from retrieverkit_llm.chat.turns import Turn
from retrieverkit_llm.vendors.failures import without_secrets


def messages_of(turn: Turn) -> list[ModelMessage]:
    """Return the messages of a turn, in the order in which they were said."""
    data = [UserPromptPart(part) for part in turn.prompt.data]
    first = [SystemPromptPart(turn.system), *data] if data else [UserPromptPart(turn.system)]
    messages: list[ModelMessage] = [ModelRequest(first)]
    if turn.repair is not None:
        messages += [
            ModelResponse([TextPart(turn.repair.answer)]),
            ModelRequest([UserPromptPart(turn.repair.told)]),
        ]
    return messages


def settings_of(turn: Turn, timeout: float) -> ModelSettings:
    """Return the settings of a turn. The vendor's package makes one attempt: those that count are made here."""
    settings: dict[str, Any] = dict(turn.settings)
    if turn.habits.limit in settings:
        settings["max_tokens"] = settings.pop(turn.habits.limit)
    return ModelSettings(**settings, timeout=timeout, max_retries=0)


def parameters_of(turn: Turn) -> ModelRequestParameters:
    """Return how the shape of the answer is asked for."""
    shape = turn.shape
    if shape is None or turn.habits.way == "prompt":
        return ModelRequestParameters()
    if turn.habits.way == "json_schema":
        wanted = OutputObjectDefinition(shape.schema, name=shape.name, strict=shape.is_strict)
        return ModelRequestParameters(output_mode="native", output_object=wanted)
    tool = ToolDefinition(
        name=shape.name,
        description="Give the answer.",
        parameters_json_schema=shape.schema,
        strict=shape.is_strict,
        kind="output",
    )
    return ModelRequestParameters(output_mode="tool", output_tools=[tool], allow_text_output=False)


def said_in(response: ModelResponse) -> Said:
    """Return what the model said."""
    calls = [part for part in response.parts if isinstance(part, ToolCallPart)]
    words = "".join(part.content for part in response.parts if isinstance(part, TextPart))
    text = calls[0].args_as_json_str() if len(calls) == 1 else words
    usage = response.usage
    counted = bool(usage.input_tokens or usage.output_tokens)
    return Said(
        without_secrets(text),
        usage.input_tokens if counted else None,
        usage.output_tokens if counted else None,
        _problem(response),
        response.finish_reason == "length",
    )


def _problem(response: ModelResponse) -> str:
    if response.finish_reason == "length":
        return "the answer was cut off at the limit of tokens (finish_reason length)"
    if response.finish_reason == "content_filter":
        details = without_secrets(str(response.provider_details or ""))
        return f"the vendor withheld the answer or the model declined {shorten(details, 200)}".strip()
    if response.finish_reason == "error" or response.state != "complete":
        return f"the answer did not come to its end ({response.finish_reason or response.state})"
    return ""
