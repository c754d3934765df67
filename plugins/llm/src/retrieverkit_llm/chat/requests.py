"""The body of a chat request in OpenAI's protocol."""

from __future__ import annotations

from typing import Any

from retrieverkit_llm.chat.turns import Turn


def body_for(model: str, turn: Turn) -> dict[str, Any]:
    """Return the body of a request to the model of that name."""
    body: dict[str, Any] = {"model": model, "messages": _messages(turn)} | turn.settings
    if turn.shape is None or turn.habits.way == "prompt":
        return body
    shape = turn.shape
    if turn.habits.way == "json_schema":
        form = {"name": shape.name, "strict": shape.is_strict, "schema": shape.schema}
        return body | {"response_format": {"type": "json_schema", "json_schema": form}}
    function: dict[str, Any] = {"name": shape.name, "description": "Give the answer.", "parameters": shape.schema}
    if shape.is_strict:
        function["strict"] = True
    return body | {
        "tools": [{"type": "function", "function": function}],
        "tool_choice": {"type": "function", "function": {"name": shape.name}},
    }


def _messages(turn: Turn) -> list[dict[str, str]]:
    """Return the instructions, then each part of the data by itself, then what was said of a first answer.

    Where there is no data, the instructions are what the user says: many endpoints want to hear one.
    """
    if turn.prompt.data:
        messages = [_message("system", turn.system), *(_message("user", part) for part in turn.prompt.data)]
    else:
        messages = [_message("user", turn.system)]
    if turn.repair is not None:
        messages += [_message("assistant", turn.repair.answer), _message("user", turn.repair.told)]
    return messages


def _message(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}
