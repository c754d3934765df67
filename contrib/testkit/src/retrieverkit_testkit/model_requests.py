"""What a `ModelServer` is asked, read as its answers and a test's assertions need it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

Way = Literal["json_schema", "tool", "prompt", "text"]
"""How the shape of an answer was asked for; ``"text"`` where no shape was."""


@dataclass(frozen=True)
class ModelRequest:
    """One HTTP request to a `ModelServer`.

    Attributes:
        path: The path, such as ``/v1/chat/completions``.
        headers: The headers by their names in lower case.
        body: The parsed JSON.
    """

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def texts(self) -> list[str]:
        """The texts to embed, of a request for embeddings."""
        given = self.body.get("input", [])
        return [given] if isinstance(given, str) else list(given)

    @property
    def messages(self) -> list[Mapping[str, Any]]:
        """All messages of the conversation."""
        return list(self.body.get("messages", []))

    @property
    def system(self) -> str:
        """The instructions."""
        return "\n\n".join(_text(message) for message in self.messages if message["role"] in ("system", "developer"))

    @property
    def data(self) -> tuple[str, ...]:
        """The user's messages before the first answer."""
        return tuple(_text(message) for message in self._turns[0] if message["role"] == "user")

    @property
    def repairs(self) -> tuple[str, ...]:
        """What was said after an answer that was not in the shape; empty where that was the first question."""
        return tuple(_text(message) for message in self._turns[1] if message["role"] in ("user", "tool"))

    @cached_property
    def schema(self) -> dict[str, Any] | None:
        """The JSON schema that the answer must have, or None where text was asked for."""
        if self.way == "json_schema":
            return dict(self.body["response_format"]["json_schema"]["schema"])
        if self.way == "tool":
            return dict(self.body["tools"][0]["function"]["parameters"])
        return self._schema_in_words

    @property
    def way(self) -> Way:
        """How the shape was asked for. In words it is a JSON schema among the instructions."""
        if self.body.get("response_format", {}).get("type") == "json_schema":
            return "json_schema"
        if self.body.get("tools"):
            return "tool"
        return "prompt" if self._schema_in_words is not None else "text"

    @cached_property
    def _schema_in_words(self) -> dict[str, Any] | None:
        text, at = self.system, 0
        while (at := text.find("{", at)) >= 0:
            try:
                found, at = json.JSONDecoder().raw_decode(text, at)
            except ValueError:
                at += 1
                continue
            if isinstance(found, dict) and "properties" in found:
                return found
        return None

    @cached_property
    def _turns(self) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
        """The messages before the first answer, and from there on."""
        roles = [message["role"] for message in self.messages]
        at = roles.index("assistant") if "assistant" in roles else len(roles)
        return self.messages[:at], self.messages[at:]


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content") or ""
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
