"""`DatabaseIndex`: an index in one SQLite file, whose cursor moves in the same transaction as what it holds."""

from __future__ import annotations

import dataclasses
import errno
import os
import shutil
import sqlite3
import threading
import weakref
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from retrieverkit_core.corpus import Corpus, Cursor, StoredNode
from retrieverkit_core.errors import RetrieverKitError
from retrieverkit_indexing.derived import _verified
from retrieverkit_indexing.derived._applied import Applied, Kind, Misfit, RebuildRequired
from retrieverkit_indexing.derived._faults import storage_error
from retrieverkit_indexing.derived._files import look
from retrieverkit_indexing.derived._folder import IndexFolder
from retrieverkit_indexing.derived._manifest import sealed, unsealed
from retrieverkit_indexing.derived._serving import CorpusIndex, Served
from retrieverkit_indexing.derived._status import IndexStatus
from retrieverkit_indexing.derived._usage import last_used

R = TypeVar("R")

DATABASE_NAME = "index.sqlite"
APPLICATION_ID = 0x524B4458  # "RKDX"
DATABASE_FORMAT = 1

_BUSY_SECONDS = 60.0
_IDLE_CONNECTIONS = 8
_NO_SPACE = frozenset({sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE})
_TABLE = "CREATE TABLE retrieverkit_index (id INTEGER PRIMARY KEY CHECK (id = 1), applied BLOB NOT NULL)"
_READ = "SELECT applied FROM retrieverkit_index WHERE id = 1"
_WRITE = "INSERT OR REPLACE INTO retrieverkit_index (id, applied) VALUES (1, ?)"


class Database:
    """What a reader of a `DatabaseIndex` reads from. Safe to share between threads.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._idle: list[sqlite3.Connection] = []
        self._guard = threading.Lock()
        weakref.finalize(self, _close, self._idle, os.getpid())

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection that sees one state of the index until the block ends, and cannot write."""
        with self._guard:
            connection = self._idle.pop() if self._idle else None
        connection = connection or _connected(self.path, "ro")
        try:
            connection.execute("BEGIN")
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            connection.close()
            raise
        with self._guard:
            if len(self._idle) < _IDLE_CONNECTIONS:
                self._idle.append(connection)
                return
        connection.close()


class DatabaseIndex(CorpusIndex[R]):
    """An index over the nodes of a corpus in one SQLite file, for what is a database: a table of keywords, a graph.

    An update changes the file in place, in one transaction that moves the cursor too: nothing is copied, and a process
    that is killed leaves the state before. Many processes read while one writes. Authors implement `build`, `update`
    and `open`. SQLite notices damage to its own structures, which `check` and the first opening after the file was
    changed look for; it keeps no sums of values, so that a flipped bit inside one is not noticed.
    """

    resumable: ClassVar[bool] = False
    """Whether `build` goes on with what an earlier attempt has committed. It may then commit as often as it likes."""

    @abstractmethod
    def build(self, connection: sqlite3.Connection, nodes: Iterable[StoredNode]) -> None:
        """Make the tables and fill them.

        Args:
            connection: An empty database inside a transaction. Where the index is `resumable`, it holds what an
                attempt that was ended by a model's failure or a kill has committed. That was made from the same corpus
                and with the same config; but nodes may have come and gone since.
            nodes: Every node of the corpus by ascending ordinal; to be consumed once.
        """

    @abstractmethod
    def update(self, connection: sqlite3.Connection, removed: Sequence[int], added: Iterable[StoredNode]) -> None:
        """Apply changes.

        Args:
            connection: The index inside a transaction, which must not be ended here.
            removed: Ordinals of nodes that are gone, ascending. The index may never have seen some of them.
            added: New nodes by ascending ordinal, none of which is in ``removed``; to be consumed once.

        Raises:
            RebuildRequired: The changes cannot be applied, or not as cheaply as all is built again.
        """

    @abstractmethod
    def open(self, database: Database) -> R:
        """Return what the index is searched with, by any number of threads."""

    def counts(self, connection: sqlite3.Connection) -> Mapping[str, int]:
        """Return how much of what there is, for people who look after the index, such as ``{"entities": 12}``.

        It is asked in the transaction of each state, so it should be quick; it is stored with it, so that `inspect`
        knows it without the plugin.

        Args:
            connection: The index as it is now.
        """
        return {}

    @classmethod
    def _place(cls, folder: Path, read_only: bool) -> Databases:
        return Databases(folder, cls.lock_timeout, read_only=read_only)

    def _store(self, place: Databases) -> _Tables[R]:
        return _Tables(self, place)


class Databases(IndexFolder):
    """The folder of an index that is one SQLite file; a rebuild makes another file."""

    def __init__(self, folder: Path, lock_timeout: float, *, read_only: bool = False) -> None:
        super().__init__(folder, lock_timeout, read_only=read_only)
        self._database: Database | None = None

    def path(self) -> Path | None:
        """Return the current file, or None where there is none.

        A place that is only read has none: SQLite cannot read beside others without writing beside the file.

        Raises:
            Misfit: There is something else in its place.
        """
        folder = None if self.read_only else self.current_folder()
        return folder / DATABASE_NAME if folder else None

    def database(self, path: Path) -> Database:
        """Return what the file is read through, the same for all who read it."""
        if self._database is None or self._database.path != path:
            self._database = Database(path)
        return self._database

    def verify(self, path: Path, *, thorough: bool = False) -> None:
        """Have SQLite look for damage, unless the file looks as it did when there was none.

        Raises:
            Misfit: There is some.
        """
        known = _verified.recall(self.folder, path.parent.name)
        try:
            now = {DATABASE_NAME: look(path)}
            if now == known and not thorough:
                return
            with closing(_connected(path, "ro")) as connection:
                check = "PRAGMA integrity_check(1)" if thorough else "PRAGMA quick_check(1)"
                told = connection.execute(check).fetchone()[0]
        except (sqlite3.DatabaseError, OSError) as error:
            told = str(error)
        if told != "ok":
            _verified.remember(self.folder, path.parent.name, {})
            raise Misfit(f"{DATABASE_NAME} is damaged: {told}")
        _verified.remember(self.folder, path.parent.name, now)

    def describe(self, corpus: Corpus, *, hashes: bool) -> IndexStatus:
        """Look at what is stored; with ``hashes``, have SQLite look for damage too."""
        status = IndexStatus(str(self.folder), last_opened=last_used(self.folder))
        try:
            path = self.path()
            if path is None:
                return status
            status = dataclasses.replace(status, generation=path.parent.name)
            body = _read_body(path)
            if hashes:
                self.verify(path, thorough=True)
            status = dataclasses.replace(status, size=look(path).size, counts=body.get("counts", {}))
            return status.of(_applied(body), corpus, [])
        except Misfit as misfit:
            return dataclasses.replace(status, problems=(str(misfit),))


class _Tables(Generic[R]):
    """A `Store` of one SQLite file."""

    def __init__(self, index: DatabaseIndex[R], place: Databases) -> None:
        self._index = index
        self._place = place

    def applied(self) -> Applied | None:
        path = self._place.path()
        return read_applied(path) if path else None

    def verify(self) -> None:
        path = self._place.path()
        if path:
            self._place.verify(path)

    def update(self, removed: Sequence[int], added: Iterator[StoredNode], applied: Applied) -> None:
        path = self._place.path()
        if path is None:
            raise RebuildRequired("it is gone")
        with _full_disks(), closing(_connected(path, "rw")) as connection:
            with _transaction(connection, ended_by_author=False):
                self._index.update(connection, removed, added)
                _write_applied(connection, applied, self._index.counts(connection))
            self._settle(connection, path)

    def build(self, nodes: Iterator[StoredNode], applied: Applied) -> None:
        place, resumable = self._place, self._index.resumable
        folder = place.unfinished_folder(applied, self._index.corpus) if resumable else place.new_folder()
        path = folder / DATABASE_NAME
        resumed = path.exists()
        try:
            with _full_disks(), closing(_connected(path, "rwc")) as connection:
                _prepare(connection)
                with _transaction(connection, ended_by_author=resumable):
                    self._index.build(connection, nodes)
                    _write_applied(connection, applied, self._index.counts(connection))
                self._checkpoint(connection)
            path = place.take_over(folder) / DATABASE_NAME
            _verified.remember(place.folder, path.parent.name, {DATABASE_NAME: look(path)})
        except Exception as error:
            if not place.folder.exists():
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder)) from error
            if not resumable or (resumed and not isinstance(error, RetrieverKitError)):
                shutil.rmtree(folder, ignore_errors=True)  # what an earlier attempt left may be what made it fail
            if isinstance(error, RetrieverKitError):
                raise
            raise storage_error(error, place.folder) from error

    def serve(self) -> Served[R]:
        path = self._place.path()
        if path is None:
            raise Misfit("it is gone")
        inode = look(path).inode
        applied = read_applied(path)
        reader = self._index.open(self._place.database(path))
        return Served(applied.cursor, reader, str(path), inode, self._place, lambda: True)

    def _settle(self, connection: sqlite3.Connection, path: Path) -> None:
        """Bring what was committed into the file itself where no reader is in the way, and note what it looks like."""
        known = _verified.recall(self._place.folder, path.parent.name)
        self._checkpoint(connection)
        if known:
            _verified.remember(self._place.folder, path.parent.name, {DATABASE_NAME: look(path)})

    @staticmethod
    def _checkpoint(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA busy_timeout = 0")
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.OperationalError:
            pass  # readers are in the way; SQLite does it later


def holds_database(folder: Path) -> bool:
    """Return whether the current generation in ``folder`` is an SQLite file."""
    try:
        current = IndexFolder(folder, 0.0).current_folder()
    except Misfit:
        return False
    return current is not None and (current / DATABASE_NAME).exists()


def read_applied(path: Path) -> Applied:
    """Return what the file was made from.

    Raises:
        Misfit: It is not an index, of another format, or damaged.
    """
    return _applied(_read_body(path))


def _read_body(path: Path) -> dict[str, Any]:
    """Return what the file says of itself.

    Raises:
        Misfit: It is not an index, of another format, or damaged.
    """
    try:
        look(path)
        with closing(_connected(path, "ro")) as connection:
            if _pragma(connection, "application_id") != APPLICATION_ID:
                raise Misfit(f"{DATABASE_NAME} is not an index")
            if _pragma(connection, "user_version") != DATABASE_FORMAT:
                raise Misfit(f"{DATABASE_NAME} has another format")
            row = connection.execute(_READ).fetchone()
        return unsealed(row[0])
    except (sqlite3.DatabaseError, OSError) as error:
        raise Misfit(f"{DATABASE_NAME} cannot be read ({error})") from error
    except (ValueError, TypeError) as error:
        raise Misfit(f"{DATABASE_NAME} does not say what it is") from error


def _applied(body: Mapping[str, Any]) -> Applied:
    kind = Kind(body["index"], body["version"], body["config"])
    return Applied(kind, Cursor(*body["cursor"]), body["nodes"], body["rebuilds"], body["rebuild_reason"])


def _write_applied(connection: sqlite3.Connection, applied: Applied, counts: Mapping[str, int]) -> None:
    body: dict[str, Any] = {
        "index": applied.kind.name,
        "version": applied.kind.version,
        "config": applied.kind.config,
        "cursor": list(applied.cursor),
        "nodes": applied.nodes,
        "rebuilds": applied.rebuilds,
        "rebuild_reason": applied.rebuild_reason,
        "counts": dict(counts),
    }
    connection.execute(_WRITE, (sealed(body),))


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL").fetchall()
    if _pragma(connection, "application_id") != APPLICATION_ID:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {DATABASE_FORMAT}")
        connection.execute(_TABLE)


@contextmanager
def _transaction(connection: sqlite3.Connection, *, ended_by_author: bool) -> Iterator[None]:
    """Commit what the block does as a whole; unless ``ended_by_author``, the block cannot end the transaction."""
    connection.execute("BEGIN IMMEDIATE")
    if not ended_by_author:
        connection.set_authorizer(_without_transactions)
    try:
        yield
    except BaseException:
        connection.set_authorizer(None)
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.set_authorizer(None)
    if connection.in_transaction:
        connection.execute("COMMIT")


def _without_transactions(action: int, *_: str | None) -> int:
    return sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_TRANSACTION else sqlite3.SQLITE_OK


def _connected(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"{path.as_uri()}?mode={mode}"
    connection = sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


@contextmanager
def _full_disks() -> Iterator[None]:
    """Turn what SQLite says where there is no space into what the system says."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0)
        if code & 0xFF == sqlite3.SQLITE_FULL or code in _NO_SPACE:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
        raise


_inherited: list[sqlite3.Connection] = []


def _close(idle: list[sqlite3.Connection], pid: int) -> None:
    if os.getpid() != pid:  # SQLite forbids a forked child to touch its parent's connections, even to close them
        _inherited.extend(idle)
        return
    for connection in idle:
        connection.close()
