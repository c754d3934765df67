"""The prompts of a mode that asks a language model: listed, changed, checked."""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter
from typing import NamedTuple

from retrieverkit_core.errors import OptionError, UnknownOptionError


class Prompts(NamedTuple):
    """Named prompt texts with fields in braces, such as ``{query}``, that are filled when the model is asked.

    Attributes:
        mode: Whose prompts they are, for messages.
        texts: The texts by name.
    """

    mode: str
    texts: Mapping[str, str]

    def updated(self, changes: Mapping[str, str]) -> dict[str, str]:
        """Return the texts with ``changes``.

        Raises:
            UnknownOptionError: There is no prompt of that name.
            OptionError: A text is not a string, cannot be filled, or has other fields than the one before it.
        """
        texts = dict(self.texts)
        for name, text in changes.items():
            if name not in texts:
                raise UnknownOptionError(self.mode, name, known=texts)
            wanted, given = _fields(texts[name]), self._checked_fields(name, text)
            if wanted != given:
                problem = f"has the fields {_shown(given)}, and is filled with {_shown(wanted)}"
                raise OptionError(self.mode, [(name, problem)], fix="write each field in braces, a brace itself twice")
            texts[name] = text
        return texts

    def _checked_fields(self, name: str, text: object) -> frozenset[str]:
        if not isinstance(text, str):
            raise OptionError(self.mode, [(name, f"a prompt is a string, not {type(text).__name__}")])
        try:
            return _fields(text)
        except ValueError as error:
            raise OptionError(self.mode, [(name, f"the prompt cannot be filled: {error}")]) from error


def _fields(text: str) -> frozenset[str]:
    fields = [(field, form, change) for _, field, form, change in Formatter().parse(text) if field is not None]
    for field, form, change in fields:
        if form or change:
            raise ValueError(f"write {{{field}}} alone, without a format")
    return frozenset(field for field, _, _ in fields)


def _shown(fields: frozenset[str]) -> str:
    return ", ".join(f"{{{field}}}" for field in sorted(fields)) or "none"
