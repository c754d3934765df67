"""`Origin`: the spec that a retriever was built from, and who builds more like it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from retrieverkit_core.errors import ConfigError

if TYPE_CHECKING:
    from retrieverkit_core.retriever._base import BaseRetriever
    from retrieverkit_core.spec import RetrieverSpec


@dataclass(frozen=True, slots=True)
class Origin:
    """What a registry knows of how it built a retriever.

    Attributes:
        spec: The retriever's spec.
        build: Builds the retriever of another spec in the same way. The retrievers beside it are parts of that spec
            that are there: prompts that were changed in them are changed in what is built for them.
        home: Returns what it shares with what can be built together with it: one index, objects, observers, settings.
    """

    spec: RetrieverSpec
    build: Callable[[RetrieverSpec, Sequence[BaseRetriever]], BaseRetriever]
    home: Callable[[], Hashable]


def origin_of(retriever: BaseRetriever) -> Origin | None:
    """Return what a registry built the retriever from; None for one that was made, or copied, by other means."""
    owner, origin = retriever._origin
    return origin if owner == id(retriever) else None


def shared_origin(retrievers: Sequence[BaseRetriever]) -> Origin:
    """Return where one retriever over all of these can be built.

    Raises:
        ConfigError: One of them was not built by a registry, or they were built in several places.
    """
    origins = [(retriever, origin_of(retriever)) for retriever in retrievers]
    known = [origin for _, origin in origins if origin is not None]
    for retriever, origin in origins:
        if origin is None:
            raise ConfigError(
                f"{retriever!r} was not made by index.as_retriever(), and operators combine those alone",
                fix="pass it to the class of the mode, such as FusionRetriever([a, b]) or RerankRetriever(a)",
            )
    if len({origin.home() for origin in known}) > 1:
        raise ConfigError(
            "the retrievers are of several indexes, or were made with several objects, hooks or settings",
            fix="make them all by one index with the same arguments, or pass them to FusionRetriever([a, b])",
        )
    return known[0]


def keep_prompts(given: BaseRetriever, built: BaseRetriever) -> None:
    """Change the prompts in what was built from the same spec as they are in what was given, legs included."""
    if given.get_prompts() != built.get_prompts():
        built.update_prompts(**given.get_prompts())
    for inner, same in zip(given.sub_retrievers, built.sub_retrievers, strict=False):
        keep_prompts(inner, same)
