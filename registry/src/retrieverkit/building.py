"""From a spec to a retriever that knows its corpus, its observers and its name."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from retrieverkit_core.errors import ConfigError, CorpusError
from retrieverkit_core.spec import RetrieverSpec

if TYPE_CHECKING:
    from retrieverkit.discovery import Discovery
    from retrieverkit_core.corpus import Corpus
    from retrieverkit_core.plugin import BuildContext
    from retrieverkit_core.retriever import BaseRetriever

_HYBRID_MODES = ("hybrid", "bm25", "vector")


@dataclass(frozen=True, slots=True)
class Builder:
    """Builds retrievers, and their sub-retrievers, on one corpus.

    Attributes:
        discovery: Where modes are found.
        context: What every plugin is given; mode, distribution and `resolve` are set for each.
        prefer: The distribution to use for a mode that several provide.
        verbose: Print which retriever is entered on the way.
        given: Retrievers whose prompts those that are built for the same specs take over, each once.
    """

    discovery: Discovery
    context: BuildContext
    prefer: Mapping[str, str]
    verbose: bool = False
    given: list[BaseRetriever] = field(default_factory=list)

    def build(self, spec: RetrieverSpec) -> BaseRetriever:
        """Return the retriever that ``spec`` describes.

        Raises:
            ConfigError: A mode or an option is wrong.
            PluginError: A plugin is.
        """
        from retrieverkit.discovery import build_retriever, validated_options
        from retrieverkit_core.plugin import Need
        from retrieverkit_core.retriever import Origin

        plugin = self.discovery.mode(spec.mode, spec.provider, self.prefer)
        context = replace(self.context, resolve=self.resolve)
        retriever = build_retriever(plugin, spec, validated_options(plugin.spec, spec), context)
        retriever.bind(
            name=spec.mode,
            distribution=plugin.claim.label,
            spec=plugin.spec,
            known_fields=None if context.corpus is None else partial(_known_fields, context.corpus),
            is_empty=None if context.corpus is None else partial(_holds_nothing, context.corpus),
            object_map=context.object_map,
            observers=context.observers,
            verbose=self.verbose,
            corpus=context.corpus if Need.CORPUS in plugin.spec.needs else None,
            changed_source=None if context.corpus is None else partial(_changed_source, context.corpus),
            origin=Origin(spec, self._more, self._home),
        )
        if plugin.note and plugin.note not in retriever.notes:
            retriever.notes = (*retriever.notes, plugin.note)
        return retriever

    def resolve(self, spec: RetrieverSpec | str | Mapping[str, Any], /) -> BaseRetriever:
        """Return the retriever of a sub-spec."""
        from retrieverkit_core.retriever import keep_prompts, origin_of

        written = RetrieverSpec.from_obj(spec)
        built = self.build(written)
        for at, given in enumerate(self.given):
            origin = origin_of(given)
            if origin is not None and origin.spec == written:
                del self.given[at]
                keep_prompts(given, built)
                break
        return built

    def _more(self, spec: RetrieverSpec, given: Sequence[BaseRetriever]) -> BaseRetriever:
        """Return the retriever of a spec some of whose parts are there, see `Origin`."""
        return replace(self, given=list(given)).build(spec)

    def _home(self) -> Hashable:
        """Return what two builders must have in common to build parts of one tree."""
        context = self.context
        shared = (self.discovery, context.corpus, context.services, context.observers)
        objects = frozenset((name, id(held)) for name, held in context.object_map.items())
        return (*map(id, shared), objects, frozenset(self.prefer.items()), self.verbose)


def _known_fields(corpus: Corpus) -> Mapping[str, frozenset[str]] | None:
    """Return the kinds of value by field; None for a corpus without nodes, which knows nothing of what will be."""
    fields = corpus.fields()
    return None if not fields and _holds_nothing(corpus) else fields


def _changed_source(corpus: Corpus, doc_id: str) -> str:
    from retrieverkit.reading.changed import changed_source

    return changed_source(corpus, doc_id)


def _holds_nothing(corpus: Corpus) -> bool:
    try:
        with corpus.snapshot() as view:
            return next(view.nodes(), None) is None
    except CorpusError:  # closed, or damaged: whoever reads it says so, and other modes answer without it
        return False


def default_mode(discovery: Discovery) -> tuple[str, str]:
    """Return the mode that is used when none is named, and what a reader should know of the choice.

    Raises:
        ConfigError: No mode is installed that could be.
    """
    missing = [mode for mode in _HYBRID_MODES if not discovery.has_mode(mode)]
    if not missing:
        return "hybrid", "mode: hybrid, the default"
    if "bm25" not in missing:
        return "bm25", f"mode: bm25, as {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed"
    installed = sorted({row.name for row in discovery.rows() if discovery.has_mode(row.name)})
    install = "pip install 'retrieverkit[hybrid]'"
    if not installed:
        raise ConfigError("no retriever mode is installed", fix=install)
    raise ConfigError(
        "no mode is named, and of the default ones neither hybrid nor bm25 is installed",
        fix=f"name one that is: {', '.join(installed[:12])}{', …' if len(installed) > 12 else ''}; or {install}",
    )


def has_default_mode(discovery: Discovery) -> bool:
    """Return whether a retriever can be made without naming its mode."""
    return discovery.has_mode("bm25")
