"""Splitters by name: how an index cuts the documents that are added to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from retrieverkit.reading.splitting import CHUNK_SIZE, split
from retrieverkit_core.errors import ConfigError, OptionError, near_matches, shorten
from retrieverkit_core.nodes import Document, Node
from retrieverkit_core.spec import RetrieverSpec

Splitter = Callable[[Document], list[Node]]
"""Cuts a document into nodes."""

_NAMED = 3
"""How many documents are named that were cut otherwise than asked."""


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class PiecesOptions(_Options):
    """Options of ``pieces``, the splitter of an index that names none."""

    chunk_size: int = Field(
        default=CHUNK_SIZE, ge=1, description="The most characters of a node; up to three times as many stay whole."
    )
    overlap: int = Field(default=0, ge=0, description="The most characters that a node repeats of the one before.")

    @model_validator(mode="after")
    def _overlap_fits(self) -> Self:
        if self.overlap > self.chunk_size // 2:
            raise ValueError(f"overlap is {self.overlap}, more than half of chunk_size, which is {self.chunk_size}")
        return self

    def cut(self, document: Document) -> list[Node]:
        """Return the nodes of a document."""
        return split(document, chunk_size=self.chunk_size, overlap=self.overlap)


class HeadingsOptions(PiecesOptions):
    """Options of ``headings``."""

    def cut(self, document: Document) -> list[Node]:
        """Return the nodes of a document."""
        from retrieverkit.reading.headings import split_at_headings

        return split_at_headings(document, chunk_size=self.chunk_size, overlap=self.overlap)


class HierarchicalOptions(_Options):
    """Options of ``hierarchical``."""

    sizes: Sequence[Annotated[int, Field(ge=1)]] = Field(
        default=(4_800, 1_200, 300),
        min_length=2,
        max_length=6,
        description="The most characters of a node in each cutting, the largest first.",
    )

    @field_validator("sizes")
    @classmethod
    def _falling(cls, sizes: Sequence[int]) -> Sequence[int]:
        if any(one <= other for one, other in pairwise(sizes)):
            raise ValueError(f"each is smaller than the one before, unlike {list(sizes)}")
        return sizes

    def cut(self, document: Document) -> list[Node]:
        """Return the nodes of a document."""
        from retrieverkit.reading.hierarchy import split_hierarchically

        return split_hierarchically(document, self.sizes)


class SentencesOptions(_Options):
    """Options of ``sentences``."""

    language: str = Field(
        default="en",
        pattern=r"^[a-z]{2,3}$",
        description="The language of the texts, an ISO 639 code: what is an abbreviation in it.",
    )

    def cut(self, document: Document) -> list[Node]:
        """Return the nodes of a document."""
        from retrieverkit.reading.sentences import split_into_sentences

        return split_into_sentences(document, self.language)


SPLITTERS: dict[str, type[PiecesOptions] | type[HierarchicalOptions] | type[SentencesOptions]] = {
    "headings": HeadingsOptions,
    "hierarchical": HierarchicalOptions,
    "pieces": PiecesOptions,
    "sentences": SentencesOptions,
}
"""The options of each splitter by its name."""


def splitter_of(spec: str) -> Splitter:
    """Return the splitter that a spec names.

    Args:
        spec: A name with options, in the syntax of mode strings, such as ``"hierarchical(sizes=[2000, 500])"``; "" for
            ``pieces``.

    Raises:
        ConfigError: There is no such splitter, or it cannot be set so.
    """
    parsed = RetrieverSpec.parse(spec or "pieces")
    options = SPLITTERS.get(parsed.mode)
    if options is None:
        near = near_matches(parsed.mode, SPLITTERS)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ConfigError(f"there is no splitter {shorten(parsed.mode)!r}", fix=f"{hint}write one of {list(SPLITTERS)}")
    if parsed.retrievers:
        raise OptionError(parsed.mode, [("", "a splitter takes no retrievers")], fix="name each option")
    try:
        return options.model_validate(parsed.options).cut
    except ValidationError as error:
        problems = [(".".join(map(str, each["loc"])) or "options", each["msg"]) for each in error.errors()]
        raise OptionError(parsed.mode, problems, fix=f"its options: {', '.join(options.model_fields)}") from error


class Cutting:
    """Cuts documents one after the other, and knows what to say of all of them.

    Args:
        spec: As for `splitter_of`.

    Raises:
        ConfigError: As for `splitter_of`.
    """

    def __init__(self, spec: str) -> None:
        self._split = splitter_of(spec)
        self._seen: dict[str, bool] | None = {} if is_headings(spec) else None

    def __call__(self, document: Document) -> list[Node]:
        """Return the nodes of a document."""
        nodes = self._split(document)
        if self._seen is not None:
            self._seen[document.id] = any("heading" in node.metadata for node in nodes)
        return nodes

    def notes(self) -> tuple[str, ...]:
        """Return what somebody may wonder about: which documents were cut otherwise than asked."""
        seen = self._seen or {}
        without = [doc_id for doc_id, has_headings in seen.items() if not has_headings]
        if not without:
            return ()
        named = ", ".join(shorten(doc_id) for doc_id in without[:_NAMED])
        more = f" and {len(without) - _NAMED:,} more" if len(without) > _NAMED else ""
        return (
            f"headings: {len(without):,} of {len(seen):,} documents have none, and are cut by pieces: {named}{more}",
        )


def is_headings(spec: str) -> bool:
    """Return whether a spec names the splitter ``headings``."""
    return RetrieverSpec.parse(spec or "pieces").mode == "headings"


def checked_splitter(spec: str | None) -> str:
    """Return a spec in its one form, "" for the splitter of an index that names none.

    Raises:
        ConfigError: As for `splitter_of`.
    """
    if not spec:
        return ""
    splitter_of(spec)
    written = str(RetrieverSpec.parse(spec))
    return "" if written == "pieces" else written
