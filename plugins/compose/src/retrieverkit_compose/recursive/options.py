"""What can be set for the mode."""

from __future__ import annotations

from pydantic import Field

from retrieverkit_core.plugin import ModeOptions
from retrieverkit_core.spec import RetrieverSpec


class RecursiveOptions(ModeOptions):
    """Options of the recursive mode."""

    retriever: RetrieverSpec = Field(description="The retriever that finds the index nodes.")
    field: str | None = Field(
        default=None,
        min_length=1,
        description="A metadata field that names the node that a hit stands for, beside index nodes, which name one "
        "themselves. A document of one piece has one node, of the same id.",
    )
