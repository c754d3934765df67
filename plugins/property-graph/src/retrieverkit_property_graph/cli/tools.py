"""What the command is handed as ``context.obj``."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from retrieverkit_core.corpus import WritableCorpus
from retrieverkit_core.services import Services

Part = str | tuple[str, str]
"""A text, or a text and its style."""

Branch = tuple[Sequence[Part], Sequence["Branch"]]
"""A label and what is below it."""


class Screen(Protocol):
    """Writes to a stream; what could command a terminal is replaced."""

    def write(self, text: str) -> None:
        """Write text as it is."""
        ...

    def say(self, *parts: Part, lead: str = "") -> None:
        """Write a paragraph."""
        ...

    def table(self, headers: Sequence[str], rows: Sequence[Sequence[Part]]) -> None:
        """Write rows in columns."""
        ...

    def tree(self, label: Sequence[Part], branches: Sequence[Branch]) -> None:
        """Write a tree."""
        ...


class OpenIndex(Protocol):
    """An index that is open."""

    @property
    def corpus(self) -> WritableCorpus:
        """The corpus."""
        ...

    @property
    def storage(self) -> Path:
        """The folder of the derived indexes."""
        ...

    @property
    def services(self) -> Services:
        """The models there are."""
        ...


class Tools(Protocol):
    """What the registry gives every command."""

    @property
    def out(self) -> Screen:
        """Where results go."""
        ...

    @property
    def err(self) -> Screen:
        """Where remarks go."""
        ...

    def open_index(self, folder: Path) -> AbstractContextManager[OpenIndex]:
        """Open the index in a folder."""
        ...

    def print_json(self, document: Any) -> None:
        """Print one JSON document."""
        ...
