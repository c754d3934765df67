"""`Neo4jStore`: the whole graph in a Neo4j database that you operate."""

from __future__ import annotations

import hashlib
import math
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from retrieverkit_core.errors import MissingServiceError
from retrieverkit_property_graph.cypher.allowing import Dialect
from retrieverkit_property_graph.cypher.contents import Contents
from retrieverkit_property_graph.cypher.errors import CypherError, CypherQueryError, CypherTimeoutError
from retrieverkit_property_graph.cypher.sandbox.worker import Rows

if TYPE_CHECKING:
    from neo4j import Driver, ManagedTransaction

    from retrieverkit_property_graph.cypher.rows import GraphRows
    from retrieverkit_property_graph.graph.arrays import GraphArrays
    from retrieverkit_property_graph.graph.reader import GraphReader
    from retrieverkit_property_graph.graph.view import GraphView

_AT_ONCE = 5_000
_STATE = "MATCH (s:RetrieverKit) RETURN s.state AS state"
_IS_ITS_OWN = "OPTIONAL MATCH (s:RetrieverKit) WITH count(s) AS own OPTIONAL MATCH (n) RETURN own, count(n) AS nodes"
_INDEXES = (
    "CREATE INDEX rk_entity IF NOT EXISTS FOR (e:Entity) ON (e.id)",
    "CREATE INDEX rk_key IF NOT EXISTS FOR (e:Entity) ON (e.key)",
    "CREATE INDEX rk_node IF NOT EXISTS FOR (n:Node) ON (n.id)",
)
_ADD_ENTITIES = "UNWIND $rows AS row CREATE (e:Entity) SET e = row"
_ADD_NODES = "UNWIND $rows AS row CREATE (:Node {id: row})"
_ADD_RELATIONS = (
    "UNWIND $rows AS row MATCH (s:Entity {id: row.subject}), (o:Entity {id: row.object}) "
    "CREATE (s)-[r:Relation]->(o) SET r = row.own"
)
_ADD_MENTIONS = "UNWIND $rows AS row MATCH (n:Node {id: row[0]}), (e:Entity {id: row[1]}) CREATE (n)-[:MENTIONS]->(e)"


class Neo4jStore:
    """Puts the whole graph into a Neo4j database of its own, and asks it there, in transactions that only read.

    The database must be empty at first: what it holds is replaced whenever the graph has changed. Queries go through
    the same allow-list as everywhere, and the server ends those that take too long. A query under filters or a scope is
    refused: the database has the whole graph, and would tell of what is outside of them.

    Args:
        driver: The official driver, connected; it stays yours to close.
        database: The name of the database.
    """

    dialect: ClassVar[Dialect] = Dialect.NEO4J

    def __init__(self, driver: Driver, database: str = "neo4j") -> None:
        self._driver = driver
        self._database = database
        self._guard = threading.Lock()
        self._latest: tuple[GraphArrays, Contents, str] | None = None

    def contents(self, reader: GraphReader, view: GraphView, *, everything: bool) -> Contents:
        """Return what a view shows.

        Raises:
            CypherError: It does not show everything.
        """
        return self._of(view, everything)[0]

    def ask(
        self,
        reader: GraphReader,
        view: GraphView,
        query: str,
        parameters: Mapping[str, Any],
        *,
        everything: bool,
        rows: int,
        seconds: float,
    ) -> Rows:
        """Return what a query that is allowed returns.

        Raises:
            CypherError: The view does not show everything, the database has other data, or the server is not there.
            CypherTimeoutError: It took longer.
            CypherQueryError: The server cannot run it.
        """
        contents, state = self._of(view, everything)
        with _own_errors(seconds):
            answer = self._answer(state, query, parameters, rows, seconds)
            if answer is None:
                self._load(contents.rows, state)
                answer = self._answer(state, query, parameters, rows, seconds)
        if answer is None:
            raise CypherError(
                "the Neo4j database was filled with another graph meanwhile",
                fix="give each corpus a database of its own",
            )
        return answer

    def _answer(self, state: str, query: str, parameters: Mapping[str, Any], rows: int, seconds: float) -> Rows | None:
        """Return the answer; None where the database holds another state of the graph."""
        with (
            self._driver.session(database=self._database, default_access_mode="READ", fetch_size=rows + 1) as session,
            session.begin_transaction(timeout=seconds) as transaction,
        ):
            held = transaction.run(_STATE).single()
            if held is None or held["state"] != state:
                return None
            result = transaction.run(query, dict(parameters))
            columns, read = tuple(result.keys()), result.fetch(rows + 1)
            values = tuple(tuple(_inert(value) for value in record.values()) for record in read[:rows])
            return Rows(columns, values, more=len(read) > rows)

    def _load(self, rows: GraphRows, state: str) -> None:
        with self._driver.session(database=self._database) as session:
            for index in _INDEXES:
                session.run(index).consume()
            session.execute_write(_replaced, rows, state)

    def _of(self, view: GraphView, everything: bool) -> tuple[Contents, str]:
        if not everything:
            raise CypherError(
                "a Neo4j database holds the whole graph, so a query under filters or a scope is not asked there",
                fix="leave store= out: the query then runs on a copy of what passes",
            )
        arrays = view.arrays()
        with self._guard:
            if self._latest is None or self._latest[0] is not arrays:
                contents = Contents.of(view)
                self._latest = (arrays, contents, _fingerprint(contents.rows))
            return self._latest[1:]


def _replaced(transaction: ManagedTransaction, rows: GraphRows, state: str) -> None:
    """Put a graph in the place of the one that the database holds.

    Raises:
        CypherError: The database holds something else.
    """
    held = transaction.run(_IS_ITS_OWN).single(strict=True)
    if held["nodes"] and not held["own"]:
        raise CypherError("the Neo4j database holds other data, which is left alone", fix="name an empty database")
    transaction.run("MATCH (n) DETACH DELETE n").consume()
    entities = [{**e._asdict(), "labels": [*e.labels], "properties": [*e.properties]} for e in rows.entities]
    _add(transaction, _ADD_ENTITIES, entities)
    _add(transaction, _ADD_NODES, list(rows.nodes))
    own = [{"id": r.id, "label": r.label, "properties": [*r.properties]} for r in rows.relations]
    ends = [{"subject": r.subject, "object": r.object} for r in rows.relations]
    _add(transaction, _ADD_RELATIONS, [{**end, "own": each} for end, each in zip(ends, own, strict=True)])
    _add(transaction, _ADD_MENTIONS, [list(pair) for pair in rows.mentions])
    transaction.run("CREATE (:RetrieverKit {state: $state})", state=state).consume()


def _add(transaction: ManagedTransaction, query: str, rows: Sequence[Any]) -> None:
    for start in range(0, len(rows), _AT_ONCE):
        transaction.run(query, rows=rows[start : start + _AT_ONCE]).consume()


def _fingerprint(rows: GraphRows) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for table in (rows.entities, rows.nodes, rows.relations, rows.mentions):
        for row in table:
            digest.update(repr(row).encode("utf-8", "replace"))
        digest.update(b"\0")
    return digest.hexdigest()


@contextmanager
def _own_errors(seconds: float) -> Iterator[None]:
    """Raise errors of the driver as those of Cypher."""
    try:
        from neo4j.exceptions import ClientError, DriverError, Neo4jError
    except ImportError as error:
        raise MissingServiceError(
            "Neo4j needs its driver, which is not installed", fix="pip install 'retrieverkit-property-graph[neo4j]'"
        ) from error
    try:
        yield
    except Neo4jError as error:
        if "TimedOut" in (error.code or "") or "Terminated" in (error.code or ""):
            raise CypherTimeoutError(
                f"the Cypher query took longer than {seconds:.1f} s", fix="ask for less, or raise time_limit"
            ) from error
        if isinstance(error, ClientError) and ".Statement." in (error.code or ""):
            raise CypherQueryError(
                f"the database cannot run the Cypher query: {(error.message or '')[:300]}"
            ) from error
        raise CypherError(f"Neo4j answered with {error.code}", fix="see its log") from error
    except DriverError as error:
        raise CypherError(
            f"Neo4j does not answer ({type(error).__name__})", fix="see that the server runs and can be reached"
        ) from error


def _inert(value: Any) -> Any:
    """Return a value as JSON has it; nodes and relations as the other stores return them."""
    from neo4j.graph import Node, Path, Relationship

    if isinstance(value, Node):
        label = next((each for each in ("Entity", "Node") if each in value.labels), "")
        return {**{key: _inert(each) for key, each in value.items()}, "_LABEL": label}
    if isinstance(value, Relationship):
        return {**{key: _inert(each) for key, each in value.items()}, "_LABEL": value.type}
    if isinstance(value, Path):
        steps = [_inert(each) for each in value.relationships]
        return {"_NODES": [_inert(each) for each in value.nodes], "_RELS": steps}
    if isinstance(value, dict):
        return {str(key): _inert(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_inert(each) for each in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)
