"""What a question was read as."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from retrieverkit_core.filters import MetadataFilters


class AutoSpec(BaseModel):
    """What a question was read as.

    Attributes:
        query: What is searched for.
        filters: What was found in the question to filter by, or None. The caller's filters and scope hold besides.
        top_k: How many hits the question asks for, or None.
        ranks: Whether something is asked for besides filters. If not, the query is the whole question, and what passes
            the filters without being found by it comes behind, without a score.
        notes: What was read, and what was left in the query because it is not certain.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    query: str
    filters: MetadataFilters | None = None
    top_k: int | None = None
    ranks: bool = True
    notes: tuple[str, ...] = ()
