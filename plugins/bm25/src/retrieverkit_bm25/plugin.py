"""What the entry point names: the mode's declaration and how its retriever is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from pydantic import Field, ValidationError, ValidationInfo, field_validator

from retrieverkit_core.errors import OptionError
from retrieverkit_core.markers import hookimpl
from retrieverkit_core.plugin import BuildContext, FilterCapabilities, ModeOptions, ModeSpec, Need
from retrieverkit_core.scores import ScoreKind, ScoreSpec

if TYPE_CHECKING:
    from retrieverkit_bm25.retriever import Bm25Retriever

SCORES = ScoreSpec(ScoreKind.BM25, higher_is_better=True, lower_bound=0.0)
FILTERS = FilterCapabilities(
    frozenset({"==", "!=", ">", "<", ">=", "<=", "in", "nin", "any", "all", "contains", "is_empty"})
)

K1 = 1.2
B = 0.75
"""The parameters of BM25 that are built into the engine."""


class Bm25Options(ModeOptions):
    """Options of the bm25 mode."""

    language: str | None = Field(
        default=None,
        description="The language of the texts (ISO 639-1 code), for stemming and stop words. None: the setting of "
        "the index.",
    )
    title_weight: int = Field(
        default=2, ge=1, le=10, description="Weight of the words in a node's title. 1: the same as other words."
    )
    pair_weight: float = Field(
        default=0.2,
        ge=0,
        le=10,
        description="Weight of pairs of neighbouring words, relative to single words. 0: pairs do not count.",
    )
    typos: bool = Field(
        default=False,
        description="Whether a query word that is in no node is replaced by the most similar word that is in one.",
    )
    k1: float = Field(
        default=K1,
        description="Parameter k1 of BM25: how soon the repetition of a word in a node stops adding to the score. The "
        "engine supports only 1.2.",
    )
    b: float = Field(
        default=B,
        description="Parameter b of BM25: how much the length of a node counts. The engine supports only 0.75.",
    )

    @field_validator("k1", "b")
    @classmethod
    def _as_the_engine_has_it(cls, value: float, info: ValidationInfo) -> float:
        only = K1 if info.field_name == "k1" else B
        if value != only:
            raise ValueError(f"the engine computes with {info.field_name} = {only} and no other")
        return value

    @classmethod
    def checked(cls, **options: Any) -> Self:
        """Return these options.

        Raises:
            OptionError: One has a value that cannot be.
        """
        try:
            return cls(**options)
        except ValidationError as error:
            problems = [(".".join(map(str, each["loc"])), each["msg"]) for each in error.errors()]
            raise OptionError("bm25", problems) from error


class Bm25Plugin:
    """Makes bm25 retrievers."""

    spec = ModeSpec(
        name="bm25",
        summary="words in common, rare ones first (BM25 on tantivy)",
        options=Bm25Options,
        scores=SCORES,
        filters=FILTERS,
        needs=frozenset({Need.CORPUS}),
    )

    @hookimpl
    def make_retriever(self, mode: str, options: Bm25Options, context: BuildContext) -> Bm25Retriever:
        """Build the retriever for the mode."""
        from retrieverkit_bm25.retriever import Bm25Retriever

        return Bm25Retriever(
            context.need_corpus(),
            context.need_storage(),
            **options.model_dump(),
            object_map=context.object_map,
        )


plugin = Bm25Plugin()
