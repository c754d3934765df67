"""What can be set for the mode."""

from __future__ import annotations

from pydantic import Field, field_validator

from retrieverkit_core.filters import MetadataFilters
from retrieverkit_core.plugin import ModeOptions
from retrieverkit_core.spec import RetrieverSpec


class ExcludeOptions(ModeOptions):
    """Options of the exclude mode."""

    retriever: RetrieverSpec = Field(description="The retriever that finds the hits.")
    what: str = Field(
        min_length=1, description="A filter for what is never found: \"status == 'draft'\", \"_doc_id == 'd7'\"."
    )

    @field_validator("what")
    @classmethod
    def _is_a_filter(cls, what: str) -> str:
        MetadataFilters.parse(what)
        return what
