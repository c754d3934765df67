"""The options of the property_graph mode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from pydantic import Field, ValidationError

from retrieverkit_core.errors import OptionError
from retrieverkit_core.plugin import ModeOptions
from retrieverkit_core.scores import ScoreKind, ScoreSpec
from retrieverkit_core.spec import RetrieverSpec

SCORES = ScoreSpec(ScoreKind.RANK, lower_bound=0.0, upper_bound=1.0)


class TogetherSettings(ModeOptions):
    """What can be set however the retrievers are given."""

    keep: int = Field(
        default=3, ge=0, description="Keep this many hits of the plain retriever first; then both take turns."
    )

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


class TogetherOptions(TogetherSettings):
    """Options of the property_graph mode."""

    plain: RetrieverSpec | None = Field(
        default=None,
        description="The plain retriever, which does not look at the graph. None: bm25 if it is installed.",
    )
    parts: Sequence[RetrieverSpec] | None = Field(
        default=None,
        min_length=1,
        description="The retrievers that look at the graph. None: graph_ppr, which takes its passages from the plain "
        "retriever.",
    )
