"""What an endpoint and a model take of a request, learnt from what they refuse and remembered by the process.

Endpoints that speak one protocol differ: one knows no ``response_format``, one no tools, a reasoning model no
temperature, a newer one only the newer name of the limit of tokens. What is refused is found by the endpoint's own
words, left out or asked for in another way, and remembered once that has worked: an error of another kind that reads
like a refusal fails again, and teaches nothing.
"""

from __future__ import annotations

import logging
import os
import re
import threading
from dataclasses import dataclass, field, replace
from typing import Literal

from retrieverkit_llm.endpoint.refused import RefusedError

Way = Literal["json_schema", "tool", "prompt"]
"""How the shape of an answer is asked for."""

Structured = Literal["auto", "json_schema", "tool", "prompt"]
"""The same as an option."""

_NEXT: dict[Way, Way] = {"json_schema": "tool", "tool": "prompt"}
_PARAMETER: dict[Way, str] = {"json_schema": "response_format", "tool": "tools"}
_STATUSES = {400, 404, 422, 501}
_SPOKEN_OF = {
    "response_format": re.compile(r"response[ _]?format|json[ _]?schema|structured[ _]?outputs?|grammar|guided", re.I),
    "tools": re.compile(r"\btools?\b|\btool_|function[ _]call", re.I),
}
_REFUSED = re.compile(
    r"unsupported|not support|n't support|unavailable|not available|unknown|unrecogni[sz]ed|unexpected|not permitted|"
    r"not allowed|only the default",
    re.I,
)
_INVALID_SCHEMA = re.compile(r"invalid schema|schema conversion|schema is invalid", re.I)
_WISHES = ("temperature", "seed")

_log = logging.getLogger("retrieverkit_llm")


@dataclass(frozen=True, slots=True)
class Habits:
    """What a model at an endpoint takes.

    Attributes:
        way: How to ask for a shape.
        without: Parameters that are left out.
        limit: What the limit of the answer's tokens is called.
    """

    way: Way = "json_schema"
    without: frozenset[str] = field(default_factory=frozenset)
    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"

    def after(self, error: RefusedError, sent: frozenset[str]) -> Habits | None:
        """Return how to ask again, or None where the refusal is about something else.

        Args:
            error: The refusal.
            sent: The names of the request's parameters.
        """
        if error.status not in _STATUSES:
            return None
        parameter = _PARAMETER.get(self.way, "")
        if parameter in sent and _is_about(error, parameter):
            return replace(self, way=_NEXT[self.way])
        for name in _WISHES:
            if name in sent and _is_refused(error, name):
                return replace(self, without=self.without | {name})
        if "max_tokens" in sent and _is_refused(error, "max_tokens"):
            return replace(self, limit="max_completion_tokens")
        return None


def _is_about(error: RefusedError, parameter: str) -> bool:
    blamed = re.split(r"\W", error.param)[0]
    if blamed in ("tool_choice", "functions"):
        blamed = "tools"
    if blamed in ("response_format", "tools", *_WISHES, "max_tokens", "messages", "model"):
        return blamed == parameter
    return _SPOKEN_OF[parameter].search(error.said) is not None


def _is_refused(error: RefusedError, name: str) -> bool:
    blamed = error.param == name or re.search(rf"\b{name}\b", error.said) is not None
    return blamed and _REFUSED.search(error.said) is not None


def is_lasting(error: RefusedError) -> bool:
    """Return whether a refusal is of a way to ask, and not of one schema alone."""
    return _INVALID_SCHEMA.search(error.said) is None


class _Memory:
    """What is known of all models. A forked child keeps it."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Habits] = {}
        self.begin()

    def begin(self) -> None:
        self._guard = threading.Lock()

    def of(self, endpoint: str, model: str) -> Habits | None:
        with self._guard:
            return self._known.get((endpoint, model))

    def learn(self, endpoint: str, model: str, found: Habits) -> None:
        with self._guard:
            before = self._known.get((endpoint, model), Habits())
            after = replace(found, without=found.without | before.without)
            self._known[endpoint, model] = after
        for name in sorted(after.without - before.without):
            _log.warning("%s at %s takes no %s: it is left out from here on", model, endpoint, name)
        if after.way != before.way:
            _log.info("%s at %s is asked for the shape of answers by %s from here on", model, endpoint, after.way)

    def forget(self) -> None:
        with self._guard:
            self._known.clear()


MEMORY = _Memory()
"""What this process has learnt."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=MEMORY.begin)
