"""`Index`: documents in, retrievers out."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Any, TypedDict

from retrieverkit.layout import CORPUS_FILE, DERIVED_FOLDER
from retrieverkit_core.errors import ConfigError, CorpusError, NotACorpusError, ReadOnlyCorpusError, shorten
from retrieverkit_core.nodes import Document, IndexNode, Node
from retrieverkit_core.spec import RetrieverSpec

if TYPE_CHECKING:
    from typing import Self, Unpack

    import pluggy

    from retrieverkit.discovery import Discovery
    from retrieverkit.files import FilesReport, OnProgress
    from retrieverkit.reading import FileRules
    from retrieverkit_core.budget import Budget
    from retrieverkit_core.corpus import ChangeReport, IndexSettings, WritableCorpus
    from retrieverkit_core.filters import FiltersLike
    from retrieverkit_core.observers import Observers
    from retrieverkit_core.query import QueryBundle
    from retrieverkit_core.result import RetrievalResult
    from retrieverkit_core.retriever import BaseRetriever
    from retrieverkit_core.services import CorpusEmbedder, Embedder, LanguageModel, Services
    from retrieverkit_indexing.derived import IndexStatus

Mode = str | RetrieverSpec | Mapping[str, Any]
"""How a retriever is asked for: a mode string, a spec, or the spec as a dict."""

_OF_THE_QUERY = frozenset({"filters", "scope"})
"""What people look for among the options of a mode, and what belongs to each query."""

_KEPT = 64
"""How many retrievers `Index.retrieve` keeps."""


class Models(TypedDict, total=False):
    """What `Index.open` and `Index.create` take beside the folder and its settings."""

    embedding: str | Embedder | CorpusEmbedder | None
    llm: str | LanguageModel | None
    prefer: Mapping[str, str] | None
    discovery: Discovery | None


class Settings(Models, total=False):
    """What `Index.create` takes beside the folder."""

    language: str | None
    searched: Sequence[str] | None
    splitter: str | None


@dataclass(slots=True)
class CheckReport:
    """What a full verification found.

    Attributes:
        problems: Damage to the corpus, one line each: documents may be lost.
        derived: Damage to derived indexes, one line each: they are rebuilt at their next use.
        notes: What is to be known about this machine.
    """

    problems: list[str] = field(default_factory=list)
    derived: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Index:
    """A folder with a corpus and the indexes derived from it. Safe to use from many threads and processes.

    Open one with `Index.open` or `Index.from_documents`. It is a context manager.
    """

    def __init__(
        self,
        folder: Path,
        corpus: WritableCorpus,
        *,
        embedding: str | Embedder | CorpusEmbedder | None = None,
        llm: str | LanguageModel | None = None,
        prefer: Mapping[str, str] | None = None,
        discovery: Discovery | None = None,
    ) -> None:
        from retrieverkit.discovery import shared_discovery
        from retrieverkit.services import IndexServices

        self._folder = folder
        self._corpus = corpus
        self._discovery = discovery or shared_discovery()
        self._prefer = dict(prefer or {})
        self._services = IndexServices(self._discovery, folder, embedding, llm, read_only=not corpus.writable)
        self._kept: dict[str, BaseRetriever] = {}
        self._remove: weakref.finalize[..., Any] | None = None

    # Opening and closing

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        create: bool = False,
        read_only: bool = False,
        embedding: str | Embedder | CorpusEmbedder | None = None,
        llm: str | LanguageModel | None = None,
        prefer: Mapping[str, str] | None = None,
        discovery: Discovery | None = None,
    ) -> Self:
        """Open the index in a folder.

        Args:
            path: The folder, such as ``"notes.rk"``.
            create: Make an empty index where there is none, instead of refusing.
            read_only: Never write to the folder.
            embedding: The embedding for modes that need one: a name with options, such as ``"minilm"``, or a model.
            llm: The language model for modes that need one.
            prefer: The distribution to use for a mode that several provide.
            discovery: Where plugins are found; by default the installed ones.

        Raises:
            NotACorpusError: The path is something else, or there is nothing and ``create`` is off.
            CorpusError: The corpus is damaged, too new, or cannot be read here.
        """
        from retrieverkit.corpus import SQLiteCorpus

        folder = _folder(path)
        create = create and not read_only
        _prepare(folder, create)
        corpus = SQLiteCorpus.open(folder / CORPUS_FILE, create=create, read_only=read_only)
        return cls(folder, corpus, embedding=embedding, llm=llm, prefer=prefer, discovery=discovery)

    @classmethod
    def create(
        cls,
        path: str | os.PathLike[str],
        *,
        language: str | None = None,
        searched: Sequence[str] | None = None,
        splitter: str | None = None,
        **models: Unpack[Models],
    ) -> Self:
        """Make an empty index in a folder.

        Args:
            path: The folder, such as ``"notes.rk"``.
            language: The language of the texts, such as ``"de"``; None to detect it in what is added first.
            searched: The metadata fields that are searched and embedded with the text; None for ``("title",)``, and
                ``("title", "heading")`` where the splitter is ``headings``.
            splitter: How documents are cut that are added: a name with options, such as ``"headings"``,
                ``"hierarchical"`` or ``"sentences"``; None for ``"pieces"``. It stays what it is.
            **models: As for `open`: ``embedding``, ``llm``, ``prefer`` and ``discovery``.

        Raises:
            ConfigError: A setting cannot be used, or there is an index already.
            NotACorpusError: The path is something else.
            CorpusError: The folder cannot be written.
        """
        from retrieverkit.corpus import SQLiteCorpus

        cut_by = ""
        if splitter is not None:
            from retrieverkit.reading.splitters import checked_splitter, is_headings

            cut_by = checked_splitter(splitter)
            if searched is None and is_headings(cut_by):
                searched = ("title", "heading")
        folder = _folder(path)
        if os.path.lexists(folder / CORPUS_FILE):
            raise ConfigError(f"there is an index in {folder} already", fix="open it: Index.open(path)")
        _prepare(folder, create=True)
        corpus = SQLiteCorpus.open(folder / CORPUS_FILE, language=language, searched=searched, splitter=cut_by)
        return cls(folder, corpus, **models)

    @classmethod
    def from_documents(
        cls,
        documents: Iterable[Document],
        path: str | os.PathLike[str] | None = None,
        **settings: Unpack[Settings],
    ) -> Self:
        """Return a new index of ``documents``.

        Args:
            documents: The documents.
            path: The folder to keep it in; None for a temporary one that is removed when the index is closed.
            **settings: As for `create`.

        Raises:
            ConfigError: A setting cannot be used, or there is an index already.
            InvalidDocumentError: A document cannot be stored faithfully.
        """
        index = cls._new(path, settings)
        index.add(documents)
        return index

    @classmethod
    def from_nodes(
        cls, nodes: Iterable[Node], path: str | os.PathLike[str] | None = None, **settings: Unpack[Settings]
    ) -> Self:
        """Return a new index of nodes that were cut by the caller; as `from_documents`."""
        index = cls._new(path, settings)
        index.add_nodes(nodes)
        return index

    @classmethod
    def _new(cls, path: str | os.PathLike[str] | None, settings: Settings) -> Self:
        if path is not None:
            return cls.create(path, **settings)
        folder = tempfile.mkdtemp(prefix="retrieverkit-")
        index = cls.create(folder, **settings)
        # Bound to the corpus, which every retriever on it holds: a function may return one and forget the index.
        index._remove = weakref.finalize(index._corpus, _remove_own, folder, os.getpid())
        return index

    def close(self) -> None:
        """Close the files; a temporary index is removed. Closing twice is allowed."""
        self._corpus.close()
        if self._remove is not None:
            self._remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # Changing what it holds

    def add(self, documents: Document | Iterable[Document]) -> ChangeReport:
        """Add documents, and replace those whose text or metadata changed: all of them, or none.

        A document of up to 3,600 characters is one node; a longer one is cut into nodes. An index that was made with a
        ``splitter`` cuts by that.

        Raises:
            InvalidDocumentError: A document cannot be stored faithfully; nothing was stored.
            CorpusError: The corpus cannot be written.
        """
        from retrieverkit.reading.splitters import Cutting

        cutting = Cutting(self.settings.splitter)
        given: Iterable[Any] = [documents] if isinstance(documents, (Document, Mapping)) else documents
        report = self._corpus.replace((document, cutting(_document(document))) for document in given)
        return replace(report, notes=(*report.notes, *cutting.notes()))

    def add_nodes(self, nodes: Iterable[Node]) -> ChangeReport:
        """Add nodes as they are. Nodes of one document (`Node.ref_doc_id`) belong together: they replace all it had.

        Raises:
            InvalidDocumentError: A node cannot be stored faithfully; nothing was stored.
            CorpusError: The corpus cannot be written.
        """
        by_document: dict[str, list[Node]] = {}
        for node in nodes:
            by_document.setdefault(node.ref_doc_id or node.id, []).append(node)
        report = self._corpus.replace((_source_of(doc_id, group), group) for doc_id, group in by_document.items())
        objects = sum(isinstance(node, IndexNode) and node.obj is not None for node in chain(*by_document.values()))
        if not objects:
            return report
        note = f"the objects of {objects} index nodes are not stored; give them to each retriever: objects=nodes"
        return replace(report, notes=(*report.notes, note))

    def add_files(
        self,
        paths: Iterable[str | os.PathLike[str]] | str | os.PathLike[str],
        *,
        prune: bool = False,
        retry: bool = False,
        rules: FileRules | None = None,
        on_progress: OnProgress | None = None,
    ) -> FilesReport:
        """Bring the index up to date with files and folders: read what changed, remove what was deleted.

        What cannot be opened is reported, and nothing of it is removed. The same holds for a path that does not exist
        any more, as if its disk were not mounted, unless ``prune`` is set.

        A document's id is the file's path relative to the folder that the index is in, such as ``notes/a.md``, or the
        absolute path of a file outside of it. Records may have ids of their own.

        Args:
            paths: Files and folders.
            prune: Remove the documents of a path that does not exist any longer, or where no file is left.
            retry: Read files again that could not be read before, although they have not changed.
            rules: Which files of a folder are read, and how; by default all that are not hidden or ignored.
            on_progress: Called after every file that is read.

        Returns:
            What was done, and by name and reason what could not be read; the rest went in.

        Raises:
            CorpusError: The corpus cannot be written.
        """
        from retrieverkit.files import sync_files
        from retrieverkit.roots import note_roots

        begun = time()
        given = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
        report = sync_files(
            self._corpus,
            given,
            exclude=[self._folder],
            base=self._folder.parent,
            prune=prune,
            retry=retry,
            rules=rules,
            on_progress=on_progress,
        )
        note_roots(self._folder, given, report, begun)
        return report

    def delete(self, doc_ids: Iterable[str]) -> ChangeReport:
        """Remove documents; ids that are not there are reported as missing.

        Raises:
            CorpusError: The corpus cannot be written.
        """
        return self._corpus.delete(doc_ids)

    # Looking at what it holds

    @property
    def path(self) -> Path:
        """The folder."""
        return self._folder

    @property
    def storage(self) -> Path:
        """The folder of the derived indexes, for retrievers that are constructed by hand."""
        return self._folder / DERIVED_FOLDER

    @property
    def services(self) -> Services:
        """The models there are, for retrievers that are constructed by hand."""
        return self._services

    @property
    def corpus(self) -> WritableCorpus:
        """The corpus."""
        return self._corpus

    @property
    def settings(self) -> IndexSettings:
        """The language of the texts and the metadata fields that are searched with them."""
        return self._corpus.settings

    def configure(self, *, language: str | None = None, searched: Sequence[str] | None = None) -> IndexSettings:
        """Change settings; every derived index that depends on them is built again at its next use.

        Args:
            language: The language of the texts; None leaves it as it is.
            searched: The metadata fields that are searched and embedded with the text; None leaves them as they are.

        Returns:
            All settings.

        Raises:
            ConfigError: A value cannot be used.
            CorpusError: The index cannot be written.
        """
        return self._corpus.configure(language=language, searched=searched)

    def document(self, doc_id: str) -> Document | None:
        """Return a document, or None where there is none with that id."""
        return self._corpus.document(doc_id)

    def document_ids(self) -> list[str]:
        """Return the id of each document."""
        return self._corpus.document_ids()

    def fields(self) -> Mapping[str, frozenset[str]]:
        """Return the kinds of value that each metadata field holds."""
        return self._corpus.fields()

    def __contains__(self, doc_id: object) -> bool:
        return isinstance(doc_id, str) and self._corpus.document(doc_id) is not None

    def __len__(self) -> int:
        return self._corpus.count()

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[Node]:
        with self._corpus.snapshot() as view:
            for stored in view.nodes():
                yield stored.node

    def __repr__(self) -> str:
        return f"Index({str(self._folder)!r})"

    def _repr_html_(self) -> str:
        from retrieverkit.index_html import index_as_html

        return index_as_html(self)

    if not TYPE_CHECKING:  # a type checker must go on refusing names that are not there

        def __getattr__(self, name: str) -> Any:
            from retrieverkit.names_elsewhere import CALLS

            ours = f"; here it is {CALLS[name]}" if name in CALLS else ""
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}{ours}", name=name, obj=self)

    # Retrieving

    def as_retriever(
        self,
        retriever_mode: Mode | None = None,
        *,
        objects: Iterable[IndexNode] | None = None,
        object_map: Mapping[str, Any] | None = None,
        hooks: Observers | pluggy.PluginManager | None = None,
        verbose: bool = False,
        **options: Any,
    ) -> BaseRetriever:
        """Return a retriever on this index. It sees what is added after it was made.

        Args:
            retriever_mode: The mode, such as ``"bm25"`` or ``"fusion(bm25, vector, weights=[2, 1])"``; None for
                ``hybrid`` where it is installed, else ``bm25``.
            objects: Index nodes that hold what they lead to.
            object_map: What index nodes lead to, by ``index_id``.
            hooks: Observers in place of the installed ones.
            verbose: Print which retriever is entered on the way.
            **options: Options of the mode, beside or over those in ``retriever_mode``.

        Raises:
            ConfigError: The mode or an option is wrong.
            PluginError: The mode's plugin is broken.
        """
        from retrieverkit.building import Builder
        from retrieverkit.observing import shared_observers
        from retrieverkit_core.observers import Observers as ObserversType
        from retrieverkit_core.plugin import BuildContext

        spec, note = self._spec(retriever_mode, options)
        observers = hooks if hooks is None or isinstance(hooks, ObserversType) else ObserversType(hooks)
        context = BuildContext(
            mode=spec.mode,
            corpus=self._corpus,
            storage=self.storage,
            services=self._services,
            observers=observers or shared_observers(self._discovery),
            object_map={**(object_map or {}), **{node.index_id: node.obj for node in objects or ()}},
        )
        prefer = self._discovery.catalog.checked_preference(self._prefer)
        retriever = Builder(self._discovery, context, prefer, verbose).build(spec)
        notes = [note] if note else []
        retriever.notes = (*notes, *retriever.notes, *self._discovery.catalog.unknown_in_environment())
        return retriever

    def retrieve(
        self,
        query: str | QueryBundle,
        retriever_mode: Mode | None = None,
        *,
        top_k: int | None = None,
        filters: FiltersLike | None = None,
        scope: FiltersLike | None = None,
        timeout: float | None = None,
        budget: Budget | None = None,
        explain: bool | None = None,
        **options: Any,
    ) -> RetrievalResult:
        """Return the most relevant nodes. The retriever is kept for the next query that asks for the same.

        Args:
            query: The query, in words or as a bundle.
            retriever_mode: As for `as_retriever`.
            top_k: At most this many hits; None for what the bundle or the mode says.
            filters: Only nodes that pass: text such as ``"year >= 1960"``, the same as a dict, or `MetadataFilters`.
            scope: A mandatory filter, such as a tenant, that holds in every leg.
            timeout: Seconds within which the answer must come.
            budget: What may be spent on models.
            explain: Whether ``result.explain()`` is to tell how the answer came about.
            **options: Options of the mode.

        Raises:
            ConfigError: The mode or an option is wrong.
            QueryError: The query or a limit is.
            RetrievalError: The retriever failed.
        """
        spec, note = self._spec(retriever_mode, options)
        key = f"{spec} {note}"
        kept = self._kept.get(key)
        if kept is None:
            kept = self.as_retriever(retriever_mode, **options)
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            self._kept[key] = kept
        return kept.retrieve(
            query, top_k=top_k, filters=filters, scope=scope, timeout=timeout, budget=budget, explain=explain
        )

    def _spec(self, mode: Mode | None, options: Mapping[str, Any]) -> tuple[RetrieverSpec, str]:
        """Return the spec, and a note for the reader where the default mode is used."""
        from retrieverkit.building import default_mode

        chosen, note = default_mode(self._discovery) if mode is None else (mode, "")
        return _with_options(RetrieverSpec.from_obj(chosen), options), note

    # Keeping it sound

    def check(self) -> CheckReport:
        """Read everything that is stored and return all that is wrong with it."""
        from retrieverkit_indexing.derived import inspect

        derived = [
            f"{status.name or Path(status.folder).name}: {problem}"
            for status in inspect(self.storage, self._corpus, read_only=not self._corpus.writable)
            for problem in status.problems
        ]
        problems = [str(problem) for problem in self._corpus.check()]
        return CheckReport(problems, derived, list(self._corpus.warnings()))

    def derived(self) -> list[IndexStatus]:
        """Return what is stored of each derived index: name, configuration, size, and how far it is behind."""
        from retrieverkit_indexing.derived import inspect

        return inspect(self.storage, self._corpus, hashes=False)

    def remove_former(
        self, *, unopened_days: float = 30.0, keep: Iterable[str | os.PathLike[str]] = ()
    ) -> list[IndexStatus]:
        """Delete the derived indexes of former settings that nobody opens any more.

        Args:
            unopened_days: For how many days nobody has opened them.
            keep: Folders that stay in any case, such as those of indexes that were paid for.

        Returns:
            What was removed. Whatever asks for it again builds it again.

        Raises:
            ReadOnlyCorpusError: The index was opened for reading, or cannot be written here.
            CorpusError: A folder cannot be removed.
        """
        from retrieverkit_indexing.derived import collect

        self._check_writable()
        return collect(self.storage, self._corpus, keep=map(Path, keep), unopened_days=unopened_days)

    def reindex(self) -> None:
        """Delete every derived index and the embedding that was chosen unasked; each is made again at its next use.

        Nothing is lost: the corpus holds all that they are made of, and paid embeddings are kept. Retrievers that were
        made before, here and in other processes, see the new indexes.

        Raises:
            ReadOnlyCorpusError: The index was opened for reading, or cannot be written here.
            CorpusError: A folder cannot be removed.
        """
        from retrieverkit_indexing.derived import remove_all

        self._check_writable()
        self._kept.clear()
        remove_all(self.storage)
        self._services.forget_embedding()

    def _check_writable(self) -> None:
        if not self._corpus.writable:
            raise ReadOnlyCorpusError(
                f"the index {self._folder} cannot be written here, so nothing of it is deleted",
                fix="open it without read_only, as a user who may write its folder",
            )


def _folder(path: str | os.PathLike[str]) -> Path:
    if "\0" in os.fspath(path):
        raise ConfigError(f"the path {shorten(repr(path))} holds a NUL", fix="name a folder, such as notes.rk")
    return Path(os.path.abspath(Path(path).expanduser()))


def _prepare(folder: Path, create: bool) -> None:
    """Make the folder, if it may be made; refuse one that holds other things."""
    try:
        _make_ready(folder, create)
    except OSError as error:
        raise CorpusError(f"the index {folder} cannot be opened: {error.strerror}") from error


def _make_ready(folder: Path, create: bool) -> None:
    corpus = folder / CORPUS_FILE
    if corpus.exists():
        return
    if folder.exists() and not folder.is_dir():
        raise NotACorpusError(f"{folder} is a file, not the folder of an index", fix="name a folder")
    if not create:
        raise NotACorpusError(
            f"there is no index in {folder}",
            fix="make one with Index.create(path), or in a shell: retriever index PATH... --index FOLDER",
        )
    foreign = folder.is_dir() and any(not e.name.startswith(f"{corpus.stem}.") for e in folder.iterdir())
    if foreign and not corpus.exists():  # another process may have just made it
        raise NotACorpusError(
            f"{folder} holds other files and no index", fix="name a new folder, such as notes.rk, for the index"
        )
    folder.mkdir(parents=True, exist_ok=True)


def _document(document: object) -> Document:
    if not isinstance(document, Document):
        raise ConfigError(f"add takes Documents, not {type(document).__name__}", fix="write Document(id=…, text=…)")
    if not (isinstance(document.text, str) and isinstance(document.id, str) and isinstance(document.metadata, dict)):
        from retrieverkit.corpus.validation import check_document

        check_document(document)
    return document


def _source_of(doc_id: str, nodes: Sequence[Node]) -> Document:
    text = nodes[0].text if len(nodes) == 1 else "\n\n".join(node.text for node in nodes)
    return Document(text=text, id=doc_id)


def _with_options(spec: RetrieverSpec, options: Mapping[str, Any]) -> RetrieverSpec:
    """Return the spec with ``options`` over its own; ``retrievers`` are its sub-retrievers."""
    if not options:
        return spec
    for limit in _OF_THE_QUERY & options.keys():
        raise ConfigError(
            f"{limit} belongs to the query, not to the retriever", fix=f"write retriever.retrieve(query, {limit}=...)"
        )
    given = {**spec.options, **options}
    legs = given.pop("retrievers", None)
    if legs is None:
        retrievers = spec.retrievers
    elif isinstance(legs, (list, tuple)):
        retrievers = tuple(RetrieverSpec.from_obj(leg) for leg in legs)
    else:
        raise ConfigError(
            f"retrievers is {shorten(repr(legs))}, not a list of retrievers", fix='write retrievers=["bm25", "vector"]'
        )
    return RetrieverSpec(mode=spec.mode, provider=spec.provider, retrievers=retrievers, options=given)


def _remove_own(folder: str, pid: int) -> None:
    if os.getpid() == pid:  # a forked child leaves its parent's folder alone
        shutil.rmtree(folder, ignore_errors=True)
