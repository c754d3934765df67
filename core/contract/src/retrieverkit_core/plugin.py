"""What a plugin declares about its mode, and what it is given to build a retriever with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import BaseModel, ConfigDict, Field

from retrieverkit_core.scores import UNSCORED, ScoreSpec

if TYPE_CHECKING:
    from retrieverkit_core.corpus import Corpus
    from retrieverkit_core.observers import Observers
    from retrieverkit_core.retriever import BaseRetriever
    from retrieverkit_core.services import Services
    from retrieverkit_core.spec import RetrieverSpec

PLUGIN_API = 1
"""The plugin API that this core speaks. It changes only when plugins must change."""

MIN_PLUGIN_API = 1
"""The oldest plugin API that still works here; whoever declares one below `PLUGIN_API` is asked to update."""


class Need(StrEnum):
    """What a mode cannot do without."""

    CORPUS = "corpus"
    EMBEDDING = "embedding"
    LLM = "llm"
    SUB_RETRIEVERS = "sub-retrievers"


class ModeOptions(BaseModel):
    """Base of every mode's options: unknown options are refused, values are not coerced from other types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    top_k: int = Field(default=5, ge=0, description="Return at most this many hits, unless the query says otherwise.")


@dataclass(frozen=True, slots=True)
class FilterCapabilities:
    """Which filter operators a mode applies itself.

    Attributes:
        operators: Operators (by their text, such as ``">="``) that the mode applies exactly, nested to any depth.
        delegates: The mode passes filters and scope on to its sub-retrievers unchanged.
    """

    operators: frozenset[str] = frozenset()
    delegates: bool = False


NO_PUSHDOWN = FilterCapabilities()


@dataclass(frozen=True, slots=True)
class ModeSpec:
    """What a plugin declares about a mode.

    Attributes:
        name: The mode's name: lower-case letters, digits and underscores, a letter first.
        summary: One line for listings.
        options: The model of the mode's options; it must refuse unknown ones, as `ModeOptions` does.
        scores: What the scores mean with default options.
        filters: Which filter operators the mode applies itself.
        needs: What the mode cannot do without.
        plugin_api: The plugin API that the mode is written for.
    """

    name: str
    summary: str
    options: type[BaseModel] = ModeOptions
    scores: ScoreSpec = UNSCORED
    filters: FilterCapabilities = NO_PUSHDOWN
    needs: frozenset[Need] = frozenset()
    plugin_api: int = PLUGIN_API


class Resolve(Protocol):
    """Builds a sub-retriever on the same corpus."""

    def __call__(self, spec: RetrieverSpec | str | Mapping[str, Any], /) -> BaseRetriever:
        """Return the retriever that ``spec`` describes.

        Raises:
            ConfigError: The spec is wrong.
            PluginError: The plugin behind it is.
        """
        ...


def _cannot_resolve(spec: object, /) -> BaseRetriever:
    from retrieverkit_core.errors import MissingServiceError

    raise MissingServiceError(
        "there is no registry to resolve sub-retrievers", fix="build the retriever through retrieverkit"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildContext:
    """What a plugin is given to build a retriever with.

    Attributes:
        mode: The mode that was asked for.
        distribution: The plugin's distribution, as ``name version``, for messages.
        corpus: The corpus to retrieve from, or None.
        storage: The folder that derived indexes live under, or None.
        services: Embedding and language models, or None.
        resolve: Builds sub-retrievers.
        observers: Told of every retrieval; passed to the retriever by the registry.
        object_map: What index nodes lead to, by ``index_id``.
    """

    mode: str
    distribution: str = ""
    corpus: Corpus | None = None
    storage: Path | None = None
    services: Services | None = None
    resolve: Resolve = _cannot_resolve
    observers: Observers | None = None
    object_map: Mapping[str, Any] = field(default_factory=dict)

    def require(self, needs: frozenset[Need]) -> None:
        """Raise unless everything that a mode declares it cannot do without is here.

        Raises:
            MissingServiceError: Something is not.
        """
        if Need.CORPUS in needs:
            self.need_corpus()
        if needs & {Need.EMBEDDING, Need.LLM}:
            self.need_services()
        if Need.SUB_RETRIEVERS in needs and self.resolve is _cannot_resolve:
            _cannot_resolve(self.mode)

    def need_corpus(self) -> Corpus:
        """Return the corpus.

        Raises:
            MissingServiceError: There is none.
        """
        from retrieverkit_core.errors import MissingServiceError

        if self.corpus is None:
            raise MissingServiceError(
                f"mode {self.mode!r} retrieves from a corpus and was given none",
                fix="build it with Index.as_retriever, or pass an index",
            )
        return self.corpus

    def need_storage(self) -> Path:
        """Return the folder that derived indexes live under.

        Raises:
            MissingServiceError: There is none.
        """
        from retrieverkit_core.errors import MissingServiceError

        if self.storage is None:
            raise MissingServiceError(f"mode {self.mode!r} keeps an index and was given no folder for it")
        return self.storage

    def need_services(self) -> Services:
        """Return the services.

        Raises:
            MissingServiceError: There are none.
        """
        from retrieverkit_core.errors import MissingServiceError

        if self.services is None:
            raise MissingServiceError(f"mode {self.mode!r} needs a model and no services were given")
        return self.services
