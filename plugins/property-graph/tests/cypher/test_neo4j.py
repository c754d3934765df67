"""The Neo4j store over a real socket, with the official driver."""

import json

import pytest

neo4j = pytest.importorskip("neo4j")

from bolt_server import BEGIN, BoltServer, node, relation  # noqa: E402

from retrieverkit import Document, Index  # noqa: E402
from retrieverkit_property_graph import GraphCypherRetriever, Neo4jStore  # noqa: E402
from retrieverkit_property_graph.cypher.errors import (  # noqa: E402
    CypherError,
    CypherQueryError,
    CypherRefusedError,
    CypherTimeoutError,
)
from retrieverkit_testkit.models import ScriptedModel  # noqa: E402

DOCUMENTS = [
    Document("Marie", id="a", metadata={"team": "x", "triples": [["Marie Curie", "born in", "Warsaw"]]}),
    Document("Pierre", id="b", metadata={"team": "y", "triples": [["Pierre Curie", "born in", "Paris"]]}),
]
QUERY = "MATCH (e:Entity {key: 'marie curie'})-[r:Relation]->(o:Entity) RETURN r"


class Database:
    """What a server would hold and answer."""

    def __init__(self):
        self.state, self.others, self.failure, self.written, self.value = None, 0, None, [], None

    def answer(self, query, parameters):
        if query.startswith("MATCH (s:RetrieverKit)"):
            return ["state"], [[self.state]] if self.state else []
        if query.startswith("OPTIONAL MATCH (s:RetrieverKit)"):
            return ["own", "nodes"], [[int(self.state is not None), self.others]]
        if query.startswith(("CREATE", "UNWIND $rows", "MATCH (n) DETACH")):
            self.written.append((query.split(" SET")[0], parameters.get("rows")))
            self.state = parameters.get("state", self.state)
            return [], []
        if self.failure:
            return self.failure
        ends = node(0, "Entity", {"id": 0, "name": "Marie Curie"}), node(3, "Entity", {"id": 3, "name": "Warsaw"})
        fact = relation(9, (0, 3), "Relation", {"id": 0, "label": "born in"})
        return ["r", "rk1", "rk2", "rk3"], [[self.value or fact, ends[0], fact, ends[1]]]


@pytest.fixture
def asked(tmp_path):
    database, answers = Database(), []
    model = ScriptedModel(lambda prompt: {"query": answers.pop(0)})
    with (
        BoltServer(database.answer) as server,
        neo4j.GraphDatabase.driver(server.uri, auth=("neo4j", "secret")) as driver,
        Index.from_documents(DOCUMENTS, tmp_path / "notes.rk") as index,
    ):
        retriever = GraphCypherRetriever(index.corpus, index.storage, model, store=Neo4jStore(driver))

        def ask(*queries, **limits):
            answers[:] = queries
            return retriever.retrieve("Where was Marie Curie born?", **limits)

        yield ask, database, server, index


def test_the_graph_is_loaded_once_and_rows_become_hits(asked):
    ask, database, server, index = asked
    result = ask(QUERY)
    assert [hit.node.id for hit in result] == ["a"]
    assert result[0].evidence[0].details["rows"] == [{"r": {"label": "born in"}}]
    loaded = [rows for query, rows in database.written if rows]
    assert [row["key"] for row in loaded[0]] == ["marie curie", "paris", "pierre curie", "warsaw"]
    assert loaded[2] == [
        {"subject": 0, "object": 3, "own": {"id": 0, "label": "born in", "properties": []}},
        {"subject": 2, "object": 1, "own": {"id": 1, "label": "born in", "properties": []}},
    ]
    before = len(database.written)
    assert ask(QUERY)
    assert len(database.written) == before
    index.add([Document("new", id="n", metadata={"team": "x", "triples": [["A", "knows", "B"]]})])
    assert ask(QUERY)
    assert len(database.written) > before


def test_what_is_not_a_number_is_json_in_evidence(asked):
    ask, database, _, _ = asked
    database.value = [float("nan"), float("-inf"), 0.5]
    (hit,) = ask(QUERY.replace("RETURN r", "RETURN [sqrt(-1)]"))
    assert json.loads(json.dumps(hit.evidence[0].details["rows"], allow_nan=False)) == [
        {"[sqrt(-1)]": ["nan", "-inf", 0.5]}
    ]


def test_queries_are_bound_and_only_read(asked):
    ask, _, server, _ = asked
    ask(QUERY)
    run = next(entry for entry in server.asked if "`e`:Entity" in str(entry[1]))
    assert "marie" not in run[1] and run[2] == {"s_0": "marie curie"}
    begun = [fields[0] for tag, fields in (entry for entry in server.asked if len(entry) == 2) if tag == BEGIN]
    assert begun[-1]["mode"] == "r" and 0 < begun[-1]["tx_timeout"] <= 10_000
    with pytest.raises(CypherRefusedError):
        ask("MATCH (e) DETACH DELETE e", "CALL apoc.load.json('x') YIELD value RETURN value")


def test_a_scope_is_refused_and_other_data_is_left_alone(asked):
    ask, database, server, _ = asked
    for limits in ({"scope": "team == 'x'"}, {"filters": "team == 'x'"}):
        with pytest.raises(CypherError, match="whole graph"):
            ask(QUERY, **limits)
    database.others = 5
    with pytest.raises(CypherError, match="other data"):
        ask(QUERY)
    assert not [query for query, _ in database.written if "DELETE" in query]


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("Neo.ClientError.Transaction.TransactionTimedOut", CypherTimeoutError),
        ("Neo.ClientError.Statement.SyntaxError", CypherQueryError),
        ("Neo.ClientError.Security.Forbidden", CypherError),
    ],
)
def test_what_the_server_says_is_a_typed_error(asked, code, error):
    ask, database, _, _ = asked
    database.failure = code
    with pytest.raises(error):
        ask(QUERY, QUERY)


def test_a_server_that_is_gone_is_an_error(tmp_path):
    with BoltServer(Database().answer) as server:
        uri = server.uri
    model = ScriptedModel(lambda prompt: {"query": QUERY})
    with (
        neo4j.GraphDatabase.driver(uri, auth=("neo4j", "x"), max_transaction_retry_time=0.1) as driver,
        Index.from_documents(DOCUMENTS, tmp_path / "notes.rk") as index,
        pytest.raises(CypherError, match="does not answer"),
    ):
        GraphCypherRetriever(index.corpus, index.storage, model, store=Neo4jStore(driver)).retrieve("Where?")
