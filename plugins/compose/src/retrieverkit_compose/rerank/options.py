"""What can be set for the mode."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from retrieverkit_compose.around import refuse_both, written_limit
from retrieverkit_core.plugin import ModeOptions
from retrieverkit_core.spec import RetrieverSpec


class RerankSettings(ModeOptions):
    """How hits are reranked, whoever found them."""

    by: str = Field(
        default="mmr",
        min_length=1,
        description="What orders the hits: mmr (near the query and different from each other), embedding (near the "
        "query), llm (a language model grades them), or a reranker with its options: \"http(model='m', "
        "base_url='…')\", \"cross_encoder(model='…')\".",
    )
    top_n: int | None = Field(
        default=None,
        ge=1,
        description="Return at most this many hits, unless the query says otherwise. It replaces top_k.",
    )
    candidates: int = Field(
        default=50,
        ge=1,
        description="How many hits the retriever is asked for; all are reordered. A top_k that is written in that "
        "retriever wins.",
    )
    mmr_lambda: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="For mmr: 1 counts only nearness to the query, 0 only difference from the hits before.",
    )
    batch_size: int = Field(default=10, ge=1, le=100, description="For llm: how many hits the model is shown at once.")

    @property
    def kept(self) -> int:
        """How many hits a query gets that does not say."""
        return self.top_k if self.top_n is None else self.top_n

    @model_validator(mode="after")
    def _ordered_before_the_cut(self) -> Self:
        if self.top_n is not None and "top_k" in self.model_fields_set:
            raise ValueError("top_n is in place of top_k; write one of them")
        if self.candidates < self.kept:
            raise ValueError(f"{self.candidates} candidates are fewer than the {self.kept} hits that are returned")
        for option, ways in (("mmr_lambda", "mmr"), ("batch_size", "llm")):
            if option in self.model_fields_set and self.by != ways:
                raise ValueError(f"{option} is for by={ways!r}, not for by={self.by!r}")
        return self


class RerankOptions(RerankSettings):
    """Options of the rerank mode."""

    retriever: RetrieverSpec = Field(description="The retriever that finds the hits.")
    embedding: str | None = Field(
        default=None,
        description="For mmr and embedding: the embedding. None: that of the retriever, else that of the index.",
    )
    llm: str | None = Field(default=None, description="For llm: the language model. None: the configured one.")

    @model_validator(mode="after")
    def _fits_its_inner(self) -> Self:
        own = written_limit(self.retriever)
        if own is not None and own < self.kept:
            raise ValueError(f"{self.retriever} finds {own} hits at most, fewer than the {self.kept} that are returned")
        if "candidates" in self.model_fields_set:
            refuse_both(self.retriever, self.candidates)
        if self.embedding is not None and self.by not in ("mmr", "embedding"):
            raise ValueError(f"embedding is for by='mmr' and by='embedding', not for by={self.by!r}")
        if self.llm is not None and self.by != "llm":
            raise ValueError(f"llm is for by='llm', not for by={self.by!r}")
        return self
