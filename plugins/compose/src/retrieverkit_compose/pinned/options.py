"""What can be set for the mode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from retrieverkit_core.plugin import ModeOptions
from retrieverkit_core.spec import RetrieverSpec


class PinnedSettings(ModeOptions):
    """What comes first."""

    ids: Sequence[Annotated[str, Field(min_length=1)]] = Field(
        min_length=1, description="The ids of the nodes that come first, in this order."
    )
    when: Sequence[Annotated[str, Field(min_length=1, pattern=r"\S")]] | None = Field(
        default=None, description="Only for queries with one of these words or phrases. None: for all queries."
    )


class PinnedOptions(PinnedSettings):
    """Options of the pinned mode."""

    retriever: RetrieverSpec = Field(description="The retriever whose hits come after the pinned ones.")
