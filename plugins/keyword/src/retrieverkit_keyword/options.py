"""The options of the keyword modes."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, ValidationError

from retrieverkit_core.errors import OptionError
from retrieverkit_core.filters import FilterOperator
from retrieverkit_core.plugin import FilterCapabilities, ModeOptions
from retrieverkit_core.scores import ScoreKind, ScoreSpec

RankBy = Literal["count", "weight"]

SCORES = ScoreSpec(ScoreKind.RELEVANCE, lower_bound=0.0)
FILTERS = FilterCapabilities(frozenset(operator.value for operator in FilterOperator))


class CheckedOptions(ModeOptions):
    """Options that a class behind a mode checks as the mode does."""

    @classmethod
    def checked(cls, mode: str, **options: Any) -> Self:
        """Return these options.

        Raises:
            OptionError: One has a value that cannot be.
        """
        try:
            return cls(**options)
        except ValidationError as error:
            problems = [(".".join(map(str, each["loc"])), each["msg"]) for each in error.errors()]
            raise OptionError(mode, problems) from error


class KeywordOptions(CheckedOptions):
    """Options of the keyword modes."""

    max_keywords: int = Field(default=20, ge=1, description="Keep at most this many keywords per node.")
    max_query_keywords: int = Field(default=20, ge=1, description="Take at most this many keywords from a query.")
    rank_by: RankBy = Field(
        default="count",
        description="The score: count, how many of the query's keywords a node has (equal ones: rare keywords first), "
        "or weight, the sum of their inverse document frequencies.",
    )
    language: str | None = Field(
        default=None,
        description="The language of the texts (ISO 639-1 code), for stemming and stop words. None: the setting of "
        "the index.",
    )


class KeywordLLMOptions(KeywordOptions):
    """Options of the keyword_llm mode."""

    max_keywords: int = Field(
        default=10, ge=1, description="Keep at most this many keywords per node, and their single words."
    )
    max_query_keywords: int = Field(
        default=10, ge=1, description="Take at most this many keywords from a query, and their single words."
    )
    llm: str | None = Field(
        default=None, description="The language model, with options: \"openai(model='m')\". None: the index's own."
    )
