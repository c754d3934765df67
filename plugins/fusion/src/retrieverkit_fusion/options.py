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
        description="How the lists are fused: by rank (rrf), by normalised scores (relative_score, dist_based_score), "
        "or by the best raw score of one kind (simple).",
    )
    weights: Sequence[Weight] | None = Field(
        default=None,
        description="Weight of each leg, in any unit. None: equal weights. A leg with weight 0 is not asked.",
    )
    rrf_k: int | None = Field(
        default=None,
        ge=0,
        description="The constant k of reciprocal rank fusion, for rrf only. Larger values "
        "flatten the advantage of top ranks. None: 60.",
    )
    normalizers: Sequence[NormalizerName] | None = Field(
        default=None,
        description="For relative_score only, one per leg: how its scores are mapped to 0 to 1. By minimum and "
        "maximum (minmax, the default), by mean and deviation (dist_based), or not at all (none).",
    )
    min_score: Share | Sequence[Share | None] | None = Field(
        default=None,
        description="For relative_score and dist_based_score: leave out hits of a leg with a lower normalised score, "
        "before the weight is applied. One value for all legs, or one per leg.",
    )
    candidates: Candidates | Sequence[Candidates | None] = Field(
        default=100,
        description="How many hits each leg is asked for, never fewer than the fusion returns: one value for all "
        "legs, or one per leg. None: the leg's default. A top_k that is written in a leg wins.",
    )
    timeouts: Seconds | Sequence[Seconds | None] | None = Field(
        default=None, description="Time limit of a leg in seconds: one value for all legs, or one per leg."
    )
    required: bool | Sequence[bool] = Field(
        default=False,
        description="Whether the fusion fails if a leg fails: one value for all legs, or one per leg. If not, the "
        "result is partial.",
    )
    concurrency: int = Field(default=8, ge=1, description="Run at most this many legs at the same time in one call.")
    num_queries: int = Field(
        default=1,
        ge=1,
        le=16,
        description="How many queries are asked. The first is the original; a language model writes the others.",
    )
    query_gen_prompt: str | None = Field(
        default=None,
        description="The instructions for the language model, with {count} for the number of queries. None: the "
        "default instructions.",
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
                if wanted is not None and spec.limit is not None:
                    raise ValueError(
                        f"{spec} says how many hits it gives, and is given {wanted} candidates; keep one, or put None"
                    )
        return self

    @property
    def leg_candidates(self) -> list[int | None]:
        """How many hits each leg is asked for; None for a leg that is written with a number itself."""
        shared = self.candidates
        wanted = [shared] * len(self.retrievers) if isinstance(shared, int) else shared
        return [number if spec.limit is None else None for spec, number in zip(self.retrievers, wanted, strict=True)]


class HybridOptions(ModeOptions):
    """Options of the hybrid mode."""

    embedding: str | None = Field(
        default=None,
        description="The embedding of the vector leg. None: that of the index, else the best that is installed.",
    )
    language: str | None = Field(
        default=None, description="The language of the texts, for both legs. None: the setting of the index."
    )
    weight: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Weight of the vector leg, from 0 to 1; bm25 gets the remainder. None: the value that measured "
        "best for the embedding (0.3 for lsa, 0.5 for others).",
    )
    feedback: float | None = Field(
        default=None,
        ge=0,
        description="How far the vector query is moved toward the first three fused hits before it is asked again. 0: "
        "not at all. None: the value that measured best for the embedding (0.5 for lsa, 0 for others).",
    )
    title_weight: int | None = Field(
        default=None, description="Weight of the words in a node's title, in bm25. None: the default of bm25."
    )
    pair_weight: float | None = Field(
        default=None,
        description="Weight of pairs of neighbouring words in bm25. 0: pairs do not count. None: the default of bm25.",
    )
    adapter: str | None = Field(
        default=None, description="What retriever adapt learned for the vector leg: its option of this name."
    )
    typos: bool = Field(
        default=False,
        description="Whether bm25 replaces a query word that is in no node by the most similar word that is in one.",
    )
