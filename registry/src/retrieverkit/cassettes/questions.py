"""What is asked of a model, in the form in which it is recorded and found again.

Labels are random words of one call (`Prompt.labels`): a recording has ``⟦0⟧``, ``⟦1⟧``, … in their places, and ``⟦⟧``
for a bracket that stands in the text itself.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from retrieverkit_core.services import Prompt

Question = dict[str, Any]
"""What is asked, as inert JSON."""

DOCUMENT, QUERY, LONGER = "document", "query", "longer"
"""What is asked of an embedding about a text: its vector as one or the other, or whether all of it is read."""

_PLACE = re.compile("⟦([0-9]*)⟧")


class Places:
    """Puts the places of labels in for them, and back.

    Args:
        labels: The labels of one call.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        self._labels = list(labels)
        self._at = {label: at for at, label in enumerate(labels)}
        words = "|".join(re.escape(label) for label in sorted(labels, key=len, reverse=True))
        self._found = re.compile(rf"⟦|(?<!\w)(?:{words})(?!\w)" if labels else "⟦")

    def put(self, told: Any) -> Any:
        """Return JSON with places for the labels in its texts and names."""
        return _mapped(told, lambda text: self._found.sub(self._place, text))

    def back(self, told: Any) -> Any:
        """Return JSON with this call's labels where their places stand.

        Raises:
            ValueError: There is no such place.
        """
        return _mapped(told, lambda text: _PLACE.sub(self._label, text))

    def _place(self, found: re.Match[str]) -> str:
        return f"⟦{self._at.get(found[0], '')}⟧"

    def _label(self, found: re.Match[str]) -> str:
        if not found[1]:
            return "⟦"
        if int(found[1]) >= len(self._labels):
            raise ValueError(f"it names label {found[1]}, and the call has {len(self._labels)}")
        return self._labels[int(found[1])]


def _mapped(told: Any, change: Callable[[str], str]) -> Any:
    if isinstance(told, str):
        return change(told)
    if isinstance(told, dict):
        return {change(name): _mapped(value, change) for name, value in told.items()}
    if isinstance(told, (list, tuple)):
        return [_mapped(value, change) for value in told]
    return told


def of_prompt(model: str, prompt: Prompt) -> Question:
    """Return what a prompt asks of the model of that name."""
    asked = {
        "system": prompt.system,
        "data": list(prompt.data),
        "schema": None if prompt.schema is None else prompt.schema.model_json_schema(),
    }
    settings = prompt.settings.model_dump(mode="json", exclude_none=True)
    return {"model": model, **Places(prompt.labels).put(asked), "settings": settings}


def of_text(fingerprint: str, kind: str, text: str) -> Question:
    """Return what is asked of an embedding about a text."""
    return {"embedding": fingerprint, "kind": kind, "text": text}


def key_of(question: Question) -> bytes:
    """Return what a question is found by: equal for equal questions alone."""
    return hashlib.sha256(json.dumps(question, sort_keys=True, separators=(",", ":")).encode()).digest()
