"""The bm25 index, derived from a corpus.

**Terms.** A node is indexed by its text and by the metadata fields that are searched with it; its title as often as
``title_weight`` says. No two terms of different texts are neighbours.

**Deletes.** The engine keeps deleted nodes in its statistics until it merges the files that they are in, and cannot be
made to. So that adding a node and deleting it leaves the scores as if it had never been there:

- up to 10,000 nodes, a delete builds the index again: the statistics are exact;
- above, each term's inverse document frequency is corrected exactly when it is asked for (`reader`), which leaves the
  average length of a node. The index is built again when that is off by 0.1 % or when 5 % of the nodes are deleted. So
  the contribution of a term is off by less than 0.1 %.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import tantivy

from retrieverkit_bm25.build_record import Ordinals
from retrieverkit_bm25.columns import Columns
from retrieverkit_bm25.facets import FacetTerms
from retrieverkit_bm25.reader import Bm25Reader, record_build
from retrieverkit_bm25.schema import BODY, CHARACTERS, FACETS, LENGTH, ORDINAL, schema
from retrieverkit_core.corpus import Corpus, StoredNode
from retrieverkit_core.errors import DerivedIndexError
from retrieverkit_core.nodes import Node
from retrieverkit_indexing.analysis import TITLE, Analyzer, indexed_parts
from retrieverkit_indexing.derived import DerivedIndex, RebuildRequired

EXACT_UP_TO = 10_000
MAX_DELETED_SHARE = 0.05
MAX_LENGTH_DRIFT = 0.001

_BUILD_HEAP = 256_000_000
_UPDATE_HEAP = 32_000_000
_PROBE = 1 << 20


class Bm25Index(DerivedIndex[Bm25Reader]):
    """Postings and metadata terms of every node in a corpus.

    Args:
        corpus: What to index.
        storage: The folder under which the corpus's indexes live.
        language: The language of the corpus, as `Analyzer` takes it; None for that in the corpus's settings.
        title_weight: How often the words of a title count.

    Attributes:
        analyzer: What makes terms of texts.
        settings: The settings of the corpus that the index was made with.
    """

    name = "bm25"
    format_version = 2

    def __init__(self, corpus: Corpus, storage: Path, language: str | None = None, title_weight: int = 2) -> None:
        self.settings = corpus.settings
        self.analyzer = Analyzer(self.settings.language if language is None else language)
        self._title_weight = title_weight
        config = {
            "analyzer": self.analyzer.fingerprint,
            "engine": _engine_series(),
            "searched": list(self.settings.searched),
            "title_weight": title_weight,
        }
        super().__init__(corpus, storage, config)

    def build(self, folder: Path, nodes: Iterable[StoredNode]) -> None:
        """Index every node."""
        columns = Columns()
        with _writer(folder, _BUILD_HEAP) as writer:
            ordinals = self._add(writer, nodes, columns)
        columns.write(folder)
        record_build(folder, ordinals)
        _tidy(folder)

    def update(self, folder: Path, removed: Sequence[int], added: Iterable[StoredNode]) -> None:
        """Delete and add nodes.

        Raises:
            RebuildRequired: The engine's statistics would be off.
        """
        before = Bm25Reader(folder)
        if removed and before.count <= EXACT_UP_TO:
            raise RebuildRequired("nodes were removed from a small index")
        columns = before.columns
        with _writer(folder, _UPDATE_HEAP) as writer:
            for ordinal in removed:
                writer.delete_documents_by_term(ORDINAL, ordinal)
            self._add(writer, added, columns)
        columns.write(folder)
        after = Bm25Reader(folder)
        if after.deleted_share > MAX_DELETED_SHARE or after.length_drift() > MAX_LENGTH_DRIFT:
            raise RebuildRequired("too many of its nodes are deleted")
        _tidy(folder)

    def open(self, folder: Path) -> Bm25Reader:
        """Open the index."""
        return Bm25Reader(folder)

    def terms(self, node: Node) -> list[str]:
        """Return the terms of every text that ``node`` is found by."""
        return [term for part in indexed_parts(node, self.settings.searched) for term in self.analyzer.terms(part.text)]

    def _add(self, writer: tantivy.IndexWriter, nodes: Iterable[StoredNode], columns: Columns) -> Ordinals:
        facets, ordinals = FacetTerms(), Ordinals()
        for ordinal, node in nodes:
            document = tantivy.Document()
            document.add_integer(ORDINAL, ordinal)
            document.add_integer(LENGTH, self._add_texts(document, node))
            for term in facets.of(node):
                document.add_text(FACETS, term)
            columns.fill(document, node.metadata)
            writer.add_document(document)
            ordinals.count(ordinal)
        return ordinals

    def _add_texts(self, document: tantivy.Document, node: Node) -> int:
        """Put the node's terms into the document, and return how many there are."""
        length = 0
        for field, text in indexed_parts(node, self.settings.searched):
            body = self.analyzer.joined(text)
            if body:
                times = self._title_weight if field == TITLE else 1
                length += times * (body.count(" ") + 1)
                for _ in range(times):
                    document.add_text(BODY, body)
            characters = self.analyzer.characters(text)
            if characters:
                document.add_text(CHARACTERS, " ".join(characters))
        return length


@contextmanager
def _writer(folder: Path, heap: int) -> Iterator[tantivy.IndexWriter]:
    """Give a writer of the index in ``folder``, a new one if it is empty; then commit and wait for the engine's files.

    One thread: the files, and with them the scores, do not depend on how work was divided.
    """
    try:
        writer = tantivy.Index(schema(), path=str(folder)).writer(heap, 1)
        yield writer
        writer.commit()
        writer.wait_merging_threads()
    except BaseException as error:
        if isinstance(error, ValueError) or type(error).__name__ == "PanicException":
            _raise_if_full(folder)
            raise DerivedIndexError(f"tantivy failed: {error}") from error
        raise


def _tidy(folder: Path) -> None:
    """Remove the engine's lock files, and let whoever may read the folder read all of it."""
    for lock in folder.glob(".tantivy-*.lock"):
        lock.unlink()
    readable = folder.stat().st_mode & 0o666
    for path in folder.iterdir():  # the engine keeps two of its files to the user who made them
        if path.stat().st_mode & 0o777 != readable:
            path.chmod(readable)


def _raise_if_full(folder: Path) -> None:
    """Raise what the engine does not tell: that there is no space left."""
    probe = folder / "probe"
    try:
        probe.write_bytes(bytes(_PROBE))
    finally:
        probe.unlink(missing_ok=True)


def _engine_series() -> str:
    """Return the engine's version up to what changes its files."""
    return f"tantivy {'.'.join(version('tantivy').split('.')[:2])}"
