"""What can be set for the two modes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator

from retrieverkit_core.errors import OptionError
from retrieverkit_core.plugin import ModeOptions
from retrieverkit_core.query import MAX_TIMEOUT
from retrieverkit_core.spec import RetrieverSpec
from retrieverkit_fusion.methods import MethodName, NormalizerName

Candidates = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0, le=MAX_TIMEOUT)]
Weight = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]


class FusionSettings(ModeOptions):
    """How legs are asked and fused, whatever they are."""

    method: MethodName = Field(
        default="rrf",
        description="How lists become one: by ranks (rrf), by normalised scores (relative_score, dist_based_score), "
        "or by the best raw score of one kind (simple).",
    )
    weights: Sequence[Weight] | None = Field(
        default=None, description="What each leg counts, in any unit; equal if None. A leg with 0 is not asked."
    )
    rrf_k: int | None = Field(
        default=None, ge=0, description="For rrf alone: how little first ranks stand out; 60 if None."
    )
    normalizers: Sequence[NormalizerName] | None = Field(
        default=None,
        description="For relative_score alone, one for each leg: how its scores come to be from 0 to 1. By least and "
        "most (minmax, the default), by mean and deviation (dist_based), or as they are (none).",
    )
    min_score: Share | Sequence[Share | None] | None = Field(
        default=None,
        description="For relative_score and dist_based_score: hits of a leg whose normalised score, before the weight, "
        "is less are left out; for all legs or for each.",
    )
    candidates: Candidates | Sequence[Candidates | None] = Field(
        default=100,
        description="How many hits each leg is asked for, and never fewer than the fusion is; for all or for each, "
        "None leaves it to the leg. A leg that is written with a top_k of its own keeps that.",
    )
    timeouts: Seconds | Sequence[Seconds | None] | None = Field(
        default=None, description="Seconds after which a leg is given up, for all or for each."
    )
    required: bool | Sequence[bool] = Field(
        default=False,
        description="Whether the leg's failure is the fusion's, for all or for each; else the result is partial.",
    )
    concurrency: int = Field(default=8, ge=1, description="At most so many legs run at once in one call.")
    num_queries: int = Field(
        default=1, ge=1, le=16, description="How many queries are asked; a language model writes all but the first."
    )
    query_gen_prompt: str | None = Field(
        default=None,
        description="What the language model is told, with {count} for the number of queries; its own if None.",
    )

    @classmethod
    def checked(cls, legs: int, **settings: Any) -> Self:
        """Return the settings of a fusion with so many legs.

        Raises:
            OptionError: A setting is wrong.
        """
        try:
            return cls(**settings).fitting(legs)
        except ValidationError as error:
            problems = [(".".join(map(str, each["loc"])), each["msg"]) for each in error.errors()]
            raise OptionError("fusion", problems) from error

    def fitting(self, legs: int) -> Self:
        """Return the settings, if they have a value for each of so many legs.

        Raises:
            OptionError: They have not.
        """
        problems = []
        for name in ("weights", "normalizers", "min_score", "candidates", "timeouts", "required"):
            given = getattr(self, name)
            if isinstance(given, Sequence) and len(given) != legs:
                problems.append((name, f"{len(given)} given for {legs} retrievers"))
        if self.weights is not None and not any(self.weights):
            problems.append(("weights", "at least one is more than 0"))
        if self.rrf_k is not None and self.method != "rrf":
            problems.append(("rrf_k", f"method {self.method!r} has none"))
        if self.normalizers is not None and self.method != "relative_score":
            problems.append(("normalizers", f"method {self.method!r} has none; write method='relative_score'"))
        if self.min_score is not None and self.method not in ("relative_score", "dist_based_score"):
            problems.append(("min_score", f"method {self.method!r} normalises no scores"))
        if problems:
            raise OptionError("fusion", problems)
        return self


class FusionOptions(FusionSettings):
    """Options of the fusion mode."""

    retrievers: tuple[RetrieverSpec, ...] = Field(min_length=1, description="The legs.")

    @model_validator(mode="after")
    def _fits_its_legs(self) -> Self:
        self.fitting(len(self.retrievers))
        if not isinstance(self.candidates, int):
            for spec, wanted in zip(self.retrievers, self.candidates, strict=True):
                if wanted is not None and "top_k" in spec.options:
                    raise ValueError(f"{spec} has a top_k and is given {wanted} candidates; keep one, or put None")
        return self

    @property
    def leg_candidates(self) -> list[int | None]:
        """How many hits each leg is asked for; None for a leg that is written with a ``top_k``."""
        shared = self.candidates
        wanted = [shared] * len(self.retrievers) if isinstance(shared, int) else shared
        return [
            None if "top_k" in spec.options else number for spec, number in zip(self.retrievers, wanted, strict=True)
        ]


class HybridOptions(ModeOptions):
    """Options of the hybrid mode."""

    embedding: str | None = Field(
        default=None, description="The vector leg's embedding; the index's own, or the best at hand, if None."
    )
    language: str | None = Field(
        default=None, description="The language of the texts, for both legs; the index's setting if None."
    )
    weight: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="What the vector leg counts; bm25 has the rest. What was measured for the embedding if None.",
    )
    feedback: float | None = Field(
        default=None,
        ge=0,
        description="How far the vector query moves toward the first three fused hits before it is asked again; 0 for "
        "not at all. What was measured for the embedding if None: 0.5 for lsa, 0 for others.",
    )
    title_weight: int | None = Field(
        default=None, description="How often the words of a node's title count, for bm25; its default if None."
    )
    pair_weight: float | None = Field(
        default=None,
        description="What pairs of words that stand side by side count, for bm25; its default if None, 0 for nothing.",
    )
    typos: bool = Field(
        default=False,
        description="Whether bm25 replaces a query word that no node has by the nearest that some node has.",
    )
