"""What is checked: a mode, or what a factory makes."""

from __future__ import annotations

import inspect
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, TypeVar

from retrieverkit import Index
from retrieverkit.discovery import Discovery, ModePlugin, shared_discovery
from retrieverkit_core.errors import ConfigError, shorten
from retrieverkit_core.nodes import Document
from retrieverkit_core.observers import Observers
from retrieverkit_core.plugin import ModeSpec, Need
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.result import RetrievalResult
from retrieverkit_core.retriever import BaseRetriever
from retrieverkit_core.services import Embedder
from retrieverkit_core.spec import RetrieverSpec
from retrieverkit_testkit.answers import Scored, scored
from retrieverkit_testkit.capabilities import Capability, Trait
from retrieverkit_testkit.library import SHARED, library, put
from retrieverkit_testkit.sources import files_of, place_of
from retrieverkit_testkit.verdicts import NothingToCheck

Factory = Callable[[Sequence[Document]], BaseRetriever]
"""Returns a new retriever over the documents each time it is called."""

T = TypeVar("T")

CROWD = 10_001
"""So many documents are more than any window of candidates that looked large enough."""

_CROWD_QUICK = 1_501
_SECONDS, _SECONDS_QUICK = 6.0, 1.0
"""How long the examples of one check, or its corpus, may take."""

_FIX = "give a mode string, for_mode(...), or a function that takes documents and returns a new retriever over them"


@dataclass(frozen=True)
class Trial:
    """A retriever over known documents.

    Attributes:
        retriever: The retriever.
        another: Returns another one over the same documents, watched by the observers that it is given.
        index: The index that it retrieves from, or None where there is none.
    """

    retriever: BaseRetriever
    another: Callable[[Observers | None], BaseRetriever]
    index: Index | None = None

    def ask(self, text: str, **limits: Any) -> RetrievalResult:
        """Ask the retriever, with limits as in a `QueryBundle`."""
        return self.retriever.retrieve(QueryBundle(text, **limits))

    def scored(self, text: str, **limits: Any) -> Scored:
        """Ask the retriever; return documents and scores."""
        return scored(self.ask(text, **limits))


class Subject(ABC):
    """What is checked.

    Attributes:
        label: What it is called.
        traits: What the kit sees for itself.
        quick: Whether to do with few examples.
        pace: How many seconds a call takes.
        declared: What is declared of it.
        nearness: How near the scores of indexes that were made in other ways must be. Ranks in a composite's legs jump
            where legs differ by rounding, so there the documents alone are compared.
    """

    label: str
    traits: frozenset[Trait]
    quick: bool = False
    pace: float = 0.0
    declared: frozenset[Capability] = frozenset()
    nearness: float = 1e-4

    def __init__(self, label: str) -> None:
        self.label = label
        self.traits = frozenset()
        self._kept = ExitStack()
        self._crowd: tuple[Trial, list[Document]] | None = None

    @abstractmethod
    def over(self, documents: Sequence[Document]) -> AbstractContextManager[Trial]:
        """Give a retriever over ``documents``."""

    @contextmanager
    def shelf(self) -> Iterator[Trial]:
        """Give a retriever over `library`, for checks that change nothing."""
        with self.over(library()) as trial:
            yield trial

    @contextmanager
    def crowd(self) -> Iterator[tuple[Trial, list[Document]]]:
        """Give a retriever over very many documents of the same words, and these; for checks that change nothing.

        They are fewer in a quick run, and where indexing or a call takes long.
        """
        if self._crowd is None:
            documents = crowd_of(self._affordable())
            self._crowd = self._kept.enter_context(self.over(documents)), documents
        yield self._crowd

    def few(self, examples: Sequence[T], calls: int = 1) -> Sequence[T]:
        """Return the examples, or some from all over them where asking about each would take too long.

        Args:
            examples: What is to be asked about.
            calls: How many calls each of them takes.
        """
        seconds = _SECONDS_QUICK if self.quick else _SECONDS
        room = max(2, int(seconds / (max(self.pace, 1e-6) * calls)))
        if len(examples) <= room:
            return examples
        return [examples[int(at * len(examples) / room)] for at in range(room)]

    def measure(self) -> None:
        """See how long a call takes."""
        with self.shelf() as trial:
            capabilities = trial.retriever.filter_capabilities
            self.nearness = math.inf if capabilities is not None and capabilities.delegates else self.nearness
            trial.ask(SHARED, top_k=3)
            self.pace = min(_seconds(lambda: trial.ask(SHARED, top_k=3)) for _ in range(3))

    def _affordable(self) -> int:
        """Return how many documents can be indexed and read whole in the time that one check may take."""
        seconds, most = (_SECONDS_QUICK, _CROWD_QUICK) if self.quick else (_SECONDS, CROWD)
        if self.pace > seconds / 20:
            return 100
        small, large = (_seconds(lambda count=count: self._over_crowd(count)) for count in (20, 220))  # type: ignore[misc]
        each = max((large - small) / 200, 1e-6)
        return max(220, min(most, int(seconds / each)))

    def _over_crowd(self, count: int) -> None:
        with self.over(crowd_of(count)) as trial:
            trial.ask("shared", top_k=count)

    def close(self) -> None:
        """Remove what was kept from check to check."""
        self._crowd = None
        self._kept.close()

    @abstractmethod
    def recipe(self) -> dict[str, Any]:
        """Return how another process makes the same, as JSON.

        Raises:
            NothingToCheck: No other process can.
        """

    @abstractmethod
    def sources(self) -> list[Path]:
        """Return the Python files of the retriever's author."""

    @property
    def mode(self) -> ModeSubject:
        """The same as a mode; checks that use it need `Trait.MODE`."""
        raise NothingToCheck(Trait.MODE.value)


class ModeSubject(Subject):
    """A mode, tested on indexes that the kit makes.

    Args:
        spec: How the retriever is asked for.
        settings: What `Index.open` is given beside the folder.
    """

    def __init__(self, spec: RetrieverSpec, settings: Mapping[str, Any]) -> None:
        super().__init__(str(spec))
        self.spec = spec
        self.settings = dict(settings)
        self.discovery: Discovery = self.settings.get("discovery") or shared_discovery()
        self._shelf: Index | None = None

    @property
    def mode(self) -> ModeSubject:
        """Itself."""
        return self

    @property
    def plugin(self) -> ModePlugin:
        """The mode's plugin, loaded."""
        return self.discovery.mode(self.spec.mode, self.spec.provider, self.settings.get("prefer"))

    @contextmanager
    def over(self, documents: Sequence[Document]) -> Iterator[Trial]:
        """Give a retriever on a new index of ``documents``."""
        with self.index_of(documents) as index:
            yield self.on(index)

    @contextmanager
    def index_of(self, documents: Sequence[Document], **settings: Any) -> Iterator[Index]:
        """Give a new index of ``documents``, with ``settings`` over those of the mode."""
        with Index.from_documents([], **{**self.settings, **settings}) as index:
            put(index, documents)
            yield index

    @contextmanager
    def shelf(self) -> Iterator[Trial]:
        """Give a new retriever on an index of `library` that is kept for the next check."""
        if self._shelf is None:
            self._shelf = self._kept.enter_context(self.index_of(library()))
        yield self.on(self._shelf)

    def close(self) -> None:
        """Remove the kept index."""
        self._shelf = None
        super().close()

    def on(self, index: Index) -> Trial:
        """Return a retriever on an index."""

        def another(hooks: Observers | None) -> BaseRetriever:
            return index.as_retriever(self.spec, hooks=hooks)

        return Trial(another(None), another, index)

    def with_embedding(self, model: Embedder) -> ModeSubject:
        """Return the same mode with an embedding of the index in place of those that it names."""
        return ModeSubject(_without_embedding(self.spec), {**self.settings, "embedding": model})

    def open(self, folder: Path, **settings: Any) -> Index:
        """Open an index with the mode's settings."""
        return Index.open(folder, **{"create": True, **self.settings, **settings})

    def recipe(self) -> dict[str, Any]:
        """Return the mode and the settings, where both can be written down."""
        if Trait.INSTALLED not in self.traits:
            raise NothingToCheck(Trait.INSTALLED.value)
        written = {name: value for name, value in self.settings.items() if name != "discovery"}
        if not all(isinstance(value, (str, dict)) for value in written.values()):
            raise NothingToCheck("a model is given as an object, which no other process can make")
        return {"mode": self.spec.to_obj(), "settings": written}

    def sources(self) -> list[Path]:
        """Return the files of the plugin's package."""
        return files_of(type(self.plugin.plugin).__module__)

    def look(self) -> None:
        """See what the mode declares, and build it once.

        Raises:
            ConfigError: It cannot be tested on an index, or not be built.
            PluginError: Its plugin is broken.
        """
        plugin = self.plugin
        if not plugin.spec.needs & {Need.CORPUS, Need.SUB_RETRIEVERS}:
            raise ConfigError(
                f"mode {self.spec.mode!r} says that it needs no corpus, so there is nothing to test it on",
                fix="put Need.CORPUS into its ModeSpec, or give a factory that builds the retriever over documents",
            )
        traits = {Trait.MODE}
        if plugin.claim.source is not None:
            traits.add(Trait.INSTALLED)
        if "top_k" in plugin.spec.options.model_fields:
            traits.add(Trait.TOP_K_OPTION)
        with self.shelf() as trial:
            self.traits = frozenset(traits | _seen(trial.retriever))


class PlainSubject(Subject):
    """What a factory makes, without a mode and an index.

    Args:
        factory: Returns a new retriever over documents.
    """

    def __init__(self, factory: Factory) -> None:
        super().__init__(str(getattr(factory, "__qualname__", factory)))
        self.factory = factory
        self._made = _checked(_first(factory), "returned")
        if _first(factory) is self._made:
            raise ConfigError("the factory returns the same retriever twice", fix="make a new one in each call")
        self.traits = frozenset(_seen(self._made))

    @contextmanager
    def over(self, documents: Sequence[Document]) -> Iterator[Trial]:
        """Give a new retriever over ``documents``."""

        def another(hooks: Observers | None) -> BaseRetriever:
            retriever = _checked(self.factory(documents), "returned")
            if hooks is not None:
                spec = ModeSpec("watched", "", scores=retriever.score_spec, filters=retriever.capabilities)
                retriever.bind(name=retriever.name, distribution=retriever.distribution, spec=spec, observers=hooks)
            return retriever

        yield Trial(another(None), another)

    def recipe(self) -> dict[str, Any]:
        """Return where the factory is, if a program can find it there."""
        return place_of(self.factory)

    def sources(self) -> list[Path]:
        """Return the files of the retriever's package, or its one file."""
        return files_of(type(self._made).__module__, inspect.getsourcefile(type(self._made)))


def for_mode(mode: str | RetrieverSpec | Mapping[str, Any], **settings: Any) -> ModeSubject:
    """Return a mode as what is to be checked.

    Args:
        mode: The mode string, the spec, or the spec as a dict.
        **settings: What `Index.open` is given beside the folder, such as ``embedding="hash"`` or ``llm=model``.

    Raises:
        ConfigError: It describes no retriever.
    """
    return ModeSubject(RetrieverSpec.from_obj(mode), settings)


def subject_of(given: object) -> Subject:
    """Return what is to be checked, built once.

    Raises:
        ConfigError: It makes no retriever.
        PluginError: It is a mode whose plugin is broken.
    """
    if inspect.isclass(given):
        raise ConfigError(
            f"{given.__name__} is a class, not a factory of retrievers",
            fix=f"give a function: lambda documents: {given.__name__}(documents)",
        )
    if isinstance(given, BaseRetriever):
        raise ConfigError("this is one retriever; each check needs one over its own documents", fix=_FIX)
    if isinstance(given, (str, RetrieverSpec, Mapping)):
        given = for_mode(given)
    if isinstance(given, ModeSubject):
        given.look()
        return given
    if not callable(given):
        raise ConfigError(f"{shorten(repr(given))} is not a factory of retrievers", fix=_FIX)
    return PlainSubject(given)


def _without_embedding(spec: RetrieverSpec) -> RetrieverSpec:
    return RetrieverSpec(
        mode=spec.mode,
        provider=spec.provider,
        retrievers=[_without_embedding(each) for each in spec.retrievers],
        options={name: value for name, value in spec.options.items() if name != "embedding"},
    )


def crowd_of(count: int) -> list[Document]:
    """Return documents of the same two words, told apart by their metadata alone."""
    return [Document("shared word", id=f"c{n}", metadata={"n": n, "third": n % 3}) for n in range(count)]


def _seconds(work: Callable[[], object]) -> float:
    started = perf_counter()
    work()
    return perf_counter() - started


def _first(factory: Factory) -> object:
    try:
        return factory(library())
    except Exception as error:
        raise ConfigError(
            f"the factory raised {type(error).__name__}: {shorten(error, 300)}",
            fix="it is called with a list of Documents and returns a retriever over them",
        ) from error


def _checked(made: object, verb: str) -> BaseRetriever:
    if made is None:
        raise ConfigError(f"the factory {verb} None, not a retriever", fix="end it with: return retriever")
    if inspect.isclass(made):
        raise ConfigError(f"the factory {verb} the class {made.__name__}", fix=f"return {made.__name__}(documents)")
    if not isinstance(made, BaseRetriever):
        raise ConfigError(
            f"the factory {verb} {shorten(repr(made))}, which is not a BaseRetriever",
            fix="let the retriever's class be a subclass of retrieverkit_core.BaseRetriever",
        )
    return made


def _seen(retriever: BaseRetriever) -> set[Trait]:
    capabilities = retriever.capabilities
    traits = {
        Trait.SCORED: retriever.score_spec.ordered,
        Trait.OWN_NODES: not retriever.replaces_nodes,
        Trait.PUSHES: capabilities.operators or capabilities.delegates,
        Trait.KNOWS_FIELDS: retriever.known_fields is not None,
    }
    return {trait for trait, seen in traits.items() if seen}
