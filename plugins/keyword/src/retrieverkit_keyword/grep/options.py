"""The options of the mode grep."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from retrieverkit_core.scores import ScoreKind, ScoreSpec
from retrieverkit_keyword.options import CheckedOptions

Case = Literal["smart", "ignore", "match"]
Order = Literal["matches", "corpus"]

SCORES = ScoreSpec(ScoreKind.RELEVANCE, lower_bound=1.0)


class GrepOptions(CheckedOptions):
    """Options of the mode grep."""

    regex: bool = Field(default=False, description="Whether the query is a regular expression; else it is literal.")
    case: Case = Field(
        default="smart",
        description="ignore: case does not matter; match: it does; smart: it does where the query has capitals.",
    )
    word: bool = Field(default=False, description="Whether a match must not stand next to a letter, digit or '_'.")
    order: Order = Field(
        default="matches",
        description="matches: most matches first; corpus: as the nodes were added, without a look at more than needed.",
    )
    time_limit: float = Field(
        default=5.0, gt=0, le=3600, description="Seconds after which what was found by then is returned as partial."
    )
