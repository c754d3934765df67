"""What can be set for the mode."""

from __future__ import annotations

from pydantic import Field

from retrieverkit_core.plugin import ModeOptions
from retrieverkit_core.spec import RetrieverSpec


class RecursiveOptions(ModeOptions):
    """Options of the recursive mode."""

    retriever: RetrieverSpec = Field(description="Who finds the index nodes.")
