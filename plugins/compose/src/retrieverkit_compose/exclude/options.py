"""What can be set for the mode."""

from __future__ import annotations

from pydantic import Field, field_validator

from retrieverkit_core.filters import MetadataFilters
from retrieverkit_core.plugin import ModeOptions
from retrieverkit_core.spec import RetrieverSpec


class ExcludeOptions(ModeOptions):
    """Options of the exclude mode."""

    retriever: RetrieverSpec = Field(description="Who finds the hits.")
    what: str = Field(
        min_length=1, description="What is never to be found, as a filter: \"status == 'draft'\", \"_doc_id == 'd7'\"."
    )

    @field_validator("what")
    @classmethod
    def _is_a_filter(cls, what: str) -> str:
        MetadataFilters.parse(what)
        return what
