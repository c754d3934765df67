"""What can be set for the mode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from retrieverkit_core.plugin import ModeOptions
from retrieverkit_core.spec import RetrieverSpec

By = Literal["rule", "embedding", "llm"]
Phrase = Annotated[str, Field(min_length=1, pattern=r"\S")]


class RouterSettings(ModeOptions):
    """How a route is chosen, whoever is at its end."""

    names: Sequence[Phrase] | None = Field(
        default=None, description="The name of each route. None: the names of the retrievers."
    )
    by: By = Field(
        default="rule",
        description="What chooses the route: rule (words and phrases of the query), embedding (the nearest "
        "description), or llm (a language model reads the descriptions).",
    )
    rules: Sequence[Sequence[Phrase]] | None = Field(
        default=None,
        description="For rule: the words and phrases that call for each route; upper and lower case are equal.",
    )
    descriptions: Sequence[Phrase] | None = Field(
        default=None, description="For embedding and llm: a description of what each route finds."
    )
    multi: bool = Field(
        default=False,
        description="Whether several routes may be chosen. Their answers are then fused by rank.",
    )
    otherwise: str | None = Field(
        default=None, description="The route to take if none is chosen. None: the retriever abstains."
    )

    def fitting(self, names: Sequence[str]) -> list[str]:
        """Return what does not fit routes of these names."""
        problems = []
        for name, given in (("names", self.names), ("rules", self.rules), ("descriptions", self.descriptions)):
            if given is not None and len(given) != len(names):
                problems.append(f"{name}: {len(given)} given for {len(names)} retrievers")
        if len(names) < 2:
            problems.append(f"{len(names)} retrievers leave nothing to choose")
        if len(set(names)) < len(names):
            problems.append(f"the routes {list(names)} have one name twice; give names")
        if self.by == "rule" and self.rules is None:
            problems.append("by='rule' needs rules: for each retriever the words that call for it")
        if self.by != "rule" and self.descriptions is None:
            problems.append(f"by={self.by!r} needs descriptions: what each retriever finds")
        if self.by != "rule" and self.rules is not None:
            problems.append(f"rules are for by='rule', not for by={self.by!r}")
        if self.otherwise is not None and self.otherwise not in names:
            problems.append(f"otherwise={self.otherwise!r} is none of {list(names)}")
        return problems


class RouterOptions(RouterSettings):
    """Options of the router mode."""

    retrievers: Sequence[RetrieverSpec] = Field(description="The retrievers that the routes lead to.")
    llm: str | None = Field(default=None, description="For llm: the language model. None: the configured one.")
    embedding: str | None = Field(default=None, description="For embedding: its name. None: that of the index.")

    @property
    def route_names(self) -> Sequence[str]:
        """The name of each route."""
        return self.names if self.names is not None else [spec.mode for spec in self.retrievers]

    @model_validator(mode="after")
    def _fits_its_retrievers(self) -> Self:
        problems = self.fitting(self.route_names)
        if self.llm is not None and self.by != "llm":
            problems.append(f"llm is for by='llm', not for by={self.by!r}")
        if self.embedding is not None and self.by != "embedding":
            problems.append(f"embedding is for by='embedding', not for by={self.by!r}")
        if problems:
            raise ValueError("; ".join(problems))
        return self
