"""A claim: a distribution says that it provides something by a name. Nothing of it is imported yet."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from retrieverkit_core.spec import MODE

if TYPE_CHECKING:
    from importlib.metadata import Distribution, EntryPoint

MODES = "retrieverkit.modes"
OBSERVERS = "retrieverkit.observers"
EMBEDDINGS = "retrieverkit.embeddings"
LLMS = "retrieverkit.llms"
RERANKERS = "retrieverkit.rerankers"
COMMANDS = "retrieverkit.commands"
READERS = "retrieverkit.readers"
GROUPS = (MODES, OBSERVERS, EMBEDDINGS, LLMS, RERANKERS, COMMANDS, READERS)

KINDS = {
    MODES: "mode",
    OBSERVERS: "observer",
    EMBEDDINGS: "embedding",
    LLMS: "language model",
    RERANKERS: "reranker",
    COMMANDS: "command",
    READERS: "reader",
}
"""What one entry of each group is called in messages."""

RUNTIME = "runtime"
"""The distribution of what was registered by a program instead of being installed."""

_SERVICE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, eq=False)
class Claim:
    """What one entry point claims to provide.

    Attributes:
        group: The entry-point group.
        name: The name of the mode, observer, embedding, language model, reranker or command; of a reader the suffix.
        value: Where the object is, as ``module:attribute``; empty for an object registered by a program.
        source: The distribution, or None for what a program registered.
        registered: The object that a program registered, or None.
        override: Whether a program registered it in the place of an installed one.
    """

    group: str
    name: str
    value: str = ""
    source: Distribution | None = None
    registered: object = None
    override: bool = False

    @cached_property
    def distribution(self) -> str:
        """The distribution's name as its metadata has it, or as its folder has it where that is unreadable."""
        if self.source is None:
            return RUNTIME
        return _metadata(self.source, "Name") or folder_name(self.source)

    @cached_property
    def version(self) -> str:
        """The distribution's version, or an empty string."""
        return "" if self.source is None else _metadata(self.source, "Version")

    @cached_property
    def summary(self) -> str:
        """What the distribution says of itself in one line, or an empty string."""
        return "" if self.source is None else _metadata(self.source, "Summary")

    @property
    def label(self) -> str:
        """The distribution as ``name version``."""
        return f"{self.distribution} {self.version}".strip()

    @property
    def qualified_name(self) -> str:
        """``dist:name``."""
        return f"{self.distribution}:{self.name}"

    @property
    def described(self) -> str:
        """What it is, for messages: ``mode 'bm25' of retrieverkit-bm25 0.1.0``."""
        return f"{KINDS[self.group]} {self.name!r} of {self.label}"

    @property
    def is_valid(self) -> bool:
        """Whether the name can be asked for."""
        return bool((MODE if self.group == MODES else _SERVICE_NAME).fullmatch(self.name))

    @property
    def entry_point(self) -> EntryPoint:
        """The entry point, to be loaded."""
        from importlib.metadata import EntryPoint

        return EntryPoint(name=self.name, value=self.value, group=self.group)

    def location(self) -> str:
        """Return the file that the object is in, found without importing it, or an empty string."""
        from importlib.util import find_spec

        module = self.value.partition(":")[0].strip().partition(".")[0]
        try:
            found = find_spec(module) if module else None
        except Exception:  # finders are installed by packages too
            found = None
        if found is None:
            return ""
        return found.origin or next(iter(found.submodule_search_locations or ()), "")


def _metadata(source: Distribution, field: str) -> str:
    try:
        return str(source.metadata[field] or "")
    except Exception:  # a distribution's metadata may be damaged in any way
        return ""


def folder_name(source: Distribution) -> str:
    """Return the name that a distribution's folder has, for when its metadata cannot be read."""
    folder = str(getattr(source, "_path", "")).replace("\\", "/").rstrip("/").rpartition("/")[2]
    return folder.partition("-")[0] or "unnamed distribution"
