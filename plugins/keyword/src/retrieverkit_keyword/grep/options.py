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

    regex: bool = Field(
        default=False, description="Whether the query is a regular expression. If not, it is literal text."
    )
    case: Case = Field(
        default="smart",
        description="ignore: upper and lower case are equal. match: they differ. smart: they differ if the query has "
        "capitals.",
    )
    word: bool = Field(
        default=False, description="Whether only whole words match: no letter, digit or '_' directly before or after."
    )
    order: Order = Field(
        default="matches",
        description="matches: the node with most matches first. corpus: in the order in which nodes were added; stops "
        "when there are enough.",
    )
    time_limit: float = Field(
        default=5.0,
        gt=0,
        le=3600,
        description="Time limit in seconds. What was found by then is returned as a partial result.",
    )
