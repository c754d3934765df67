"""The modes that ask the graph in Cypher, with a model whose answers are written down."""

import asyncio
import json
import sys
import tempfile
import threading
import time
from pathlib import Path

import hostile_cypher
import pytest
from processes import processes_about

from retrieverkit import Document, Index, cassette
from retrieverkit_core import Budget
from retrieverkit_core.errors import BudgetExceededError, ModelAnswerError, OptionError
from retrieverkit_property_graph import GraphCypherRetriever
from retrieverkit_property_graph.cypher.errors import (
    CypherError,
    CypherQueryError,
    CypherRefusedError,
    CypherTimeoutError,
)
from retrieverkit_property_graph.cypher.sandbox.worker import Confinement
from retrieverkit_property_graph.cypher.store import LadybugStore
from retrieverkit_testkit.models import ScriptedModel

FACTS = {
    "curie": [["Marie Curie", "born in", "Warsaw"], ["Marie Curie", "taught at", "Sorbonne"]],
    "pierre": [["Pierre Curie", "born in", "Paris"]],
    "wedding": [["Marie Curie", "married", "Pierre Curie"]],
    "secret": [["Marie Curie", "secretly met", "Canary Agent"]],
}
DOCUMENTS = [
    Document(
        f"note {name}",
        id=name,
        metadata={
            "tenant": "b" if name == "secret" else "a",
            "triples": [
                {"subject": {"name": s, "labels": ["Person"]}, "relation": r, "object": o} for s, r, o in facts
            ],
        },
    )
    for name, facts in FACTS.items()
]
MARIE = "MATCH (e:Entity {key: 'marie curie'})-[r:Relation]->(o:Entity) "


@pytest.fixture
def index(tmp_path):
    """An index whose model answers with what is put into ``index.answers``."""
    answers = []
    model = ScriptedModel(lambda prompt: answers.pop(0))
    with Index.from_documents(DOCUMENTS, tmp_path / "notes.rk", llm=model) as index:
        index.answers, index.model = answers, model
        yield index


def ask(index, *queries, mode="graph_cypher", **limits):
    index.answers[:] = [{"query": query} for query in queries]
    return index.as_retriever(mode).retrieve("What of Marie Curie?", **limits)


def found(result):
    return [hit.node.id for hit in result]


def test_hits_support_the_relations_of_the_rows_in_their_order(index):
    result = ask(index, MARIE + "RETURN o.name ORDER BY r.label DESC")
    assert found(result) == ["curie", "secret", "wedding"]
    assert [hit.score for hit in result] == [1.0, 0.5, pytest.approx(1 / 3)]
    (evidence,) = result[0].evidence
    assert evidence.details["query"].startswith("MATCH (e:Entity")
    assert evidence.details["rows"] == [{"o.name": "Sorbonne"}, {"o.name": "Warsaw"}]
    assert evidence.details["paths"] == [
        [{"subject": "Marie Curie", "relation": "taught at", "object": "Sorbonne", "nodes": ["curie"]}]
    ]
    json.dumps(evidence.details)


def test_entities_alone_are_supported_by_what_names_them(index):
    assert found(ask(index, "MATCH (e:Entity) WHERE e.key = 'pierre curie' RETURN e")) == ["pierre", "wedding"]
    assert found(ask(index, "MATCH (n:Node)-[:MENTIONS]->(:Entity {key: 'paris'}) RETURN n")) == ["pierre"]


def test_what_is_counted_is_told_and_its_supports_are_hits(index):
    result = ask(index, MARIE + "RETURN count(*) AS facts")
    assert sorted(found(result)) == ["curie", "secret", "wedding"] and found(result)[0] == "curie"
    assert {hit.score for hit in result} == {1.0}
    assert any('[{"facts": 4}]' in note for note in result.notes)


def test_what_is_counted_for_other_rows_is_no_ground_for_these(index):
    most = "MATCH (e:Entity)-[r:Relation]->(o:Entity) RETURN e.name AS who, count(r) AS n ORDER BY n {} LIMIT 1"
    assert sorted(found(ask(index, most.format("DESC")))) == ["curie", "secret", "wedding"]
    assert found(ask(index, most.format("ASC"))) == ["pierre"]
    once = "MATCH (e:Entity)-[r:Relation]->(o:Entity) RETURN DISTINCT e.name ORDER BY e.name DESC LIMIT 1"
    assert found(ask(index, once)) == ["pierre"]


def test_rows_that_no_node_stands_for_are_told(index):
    result = ask(index, "MATCH (e:Entity) WITH e.name AS name RETURN name ORDER BY name LIMIT 1")
    assert not result
    assert any('[{"name": "Canary Agent"}], which no node stands for' in note for note in result.notes)


def test_nothing_returned_is_nothing_found(index):
    result = ask(index, "MATCH (e:Entity {key: 'nobody'}) RETURN e")
    assert not result and result.outcome == "empty"


def test_under_a_scope_nothing_of_others_is_seen(index):
    result = ask(index, "MATCH (e:Entity)-[r:Relation]-(o:Entity) RETURN e, r, o", scope="tenant == 'a'")
    assert sorted(found(result)) == ["curie", "pierre", "wedding"]
    told = repr(index.model.asked[-1]) + repr(list(result)) + "".join(result.notes)
    told += repr([evidence.details for hit in result for evidence in hit.evidence])
    assert "Canary" not in told and "secretly" not in told
    counted = ask(index, "MATCH (e:Entity) RETURN count(e) AS n", scope="tenant == 'a'")
    assert any('[{"n": 5}]' in note for note in counted.notes)
    everything = ask(index, "MATCH (e:Entity) RETURN count(e) AS n")
    assert any('[{"n": 6}]' in note for note in everything.notes)
    assert "secretly met" in index.model.asked[-1].data[0]


def test_numbers_of_nodes_do_not_tell_how_many_others_there_are(index):
    result = ask(index, "MATCH (n:Node)-[:MENTIONS]->(:Entity) RETURN n.id AS number, n", scope="tenant == 'b'")
    assert found(result) == ["secret"]
    assert result[0].evidence[0].details["rows"][0]["number"] == 0


def test_filters_narrow_what_is_asked(index):
    result = ask(index, "MATCH (e:Entity)-[r:Relation]->(o) RETURN r", filters="tenant == 'b'")
    assert found(result) == ["secret"]


def test_a_query_that_may_not_run_goes_back_once_with_the_reason(index):
    result = ask(index, "MATCH (e:Person) RETURN e", MARIE + "RETURN r")
    assert len(result) == 3
    first, second = index.model.asked[-2:]
    assert first.data == second.data[:2]
    told = json.loads(second.data[2])
    assert told["query"] == "MATCH (e:Person) RETURN e" and "labels are data" in told["reason"]
    assert any("a query before it was not run" in note for note in result.notes)


def test_a_huge_query_does_not_go_back_whole(index):
    assert ask(index, "MATCH (e) RETURN e //" + "x" * 1_000_000, MARIE + "RETURN r")
    assert len(index.model.asked[-1].data[2]) < 10_000


def ended(folder):
    """Wait until the process of a copy is gone, as nobody asks it."""
    while processes_about(folder):
        time.sleep(0.01)


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc")
def test_a_copy_whose_files_were_tidied_away_is_made_again(index, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    retriever = GraphCypherRetriever(
        index.corpus, index.storage, index.model, store=LadybugStore(Confinement(idle=0.1))
    )
    index.answers[:] = [{"query": MARIE + "RETURN r"}] * 3
    want = found(retriever.retrieve("Marie"))
    for name in ("made", "graph"):
        (copy,) = tmp_path.glob("retrieverkit-cypher-*")
        (copy / name).unlink()
        ended(copy)
        assert found(retriever.retrieve("Marie")) == want


def test_a_query_that_the_database_refuses_goes_back_too(index):
    assert ask(index, "MATCH (e:Entity) RETURN e.age", "MATCH (e:Entity) RETURN e")
    assert "Cannot find property age" in json.loads(index.model.asked[-1].data[2])["reason"]


@pytest.mark.parametrize("hostile", hostile_cypher.REFUSED[::60])
def test_a_model_that_insists_is_refused(index, hostile, tmp_path):
    query = hostile_cypher.filled(hostile, secret="/etc/passwd", out=tmp_path)
    with pytest.raises(CypherRefusedError):
        ask(index, query, query)
    assert index.answers == []


def test_errors_are_typed_and_the_next_query_is_answered(index):
    with pytest.raises(CypherQueryError):
        ask(index, "MATCH (e:Entity) RETURN e.age", "MATCH (e:Entity) RETURN e.age")
    with pytest.raises(CypherTimeoutError):
        ask(index, hostile_cypher.BOMBS[4], mode="graph_cypher(time_limit=0.1)")
    with pytest.raises(ModelAnswerError):
        index.answers[:] = [{"cypher": "x"}]
        index.as_retriever("graph_cypher").retrieve("Marie")
    assert len(ask(index, MARIE + "RETURN r")) == 3


def test_the_callers_deadline_ends_the_query(index):
    assert ask(index, MARIE + "RETURN r")
    with pytest.raises(TimeoutError):
        ask(index, hostile_cypher.BOMBS[4], timeout=0.5)
    assert len(ask(index, MARIE + "RETURN r")) == 3


def test_a_query_without_words_asks_nobody(index):
    assert not index.as_retriever("graph_cypher").retrieve("  ")
    assert index.model.asked == []


def test_rows_beyond_the_limit_are_warned_of(index):
    result = ask(index, "MATCH (e:Entity)-[r:Relation]->(o) RETURN r", mode="graph_cypher(max_rows=2)")
    assert any("more rows than were read, at most 2" in warning for warning in result.warnings)


def test_rows_that_are_too_large_are_no_empty_answer(index):
    retriever = GraphCypherRetriever(
        index.corpus, index.storage, index.model, store=LadybugStore(Confinement(answer=700))
    )
    large = "MATCH (a:Entity)-[r:Relation]->(b:Entity) RETURN collect(a) AS all"
    index.answers[:] = [{"query": large}, {"query": large}]
    with pytest.raises(CypherQueryError, match="larger than can be read"):
        retriever.retrieve("Who?")
    index.answers[:] = [{"query": "MATCH (a:Entity) RETURN a.name ORDER BY a.name"}]
    (warning,) = [each for each in retriever.retrieve("Who?").warnings if "rows" in each]
    assert "as they are large" in warning and "max_rows" not in warning


def test_hits_that_may_be_missing_are_warned_of(tmp_path):
    facts = [[f"name {n}", "says", f"name {n + 1}"] for n in range(40)]
    model = ScriptedModel(lambda prompt: {"query": "MATCH (a:Entity)-[:Relation]-(), (b:Entity) RETURN count(*) AS n"})
    with Index.from_documents([Document("x", metadata={"triples": facts})], tmp_path / "x.rk", llm=model) as index:
        result = index.as_retriever("graph_cypher").retrieve("How many?")
    assert any('[{"n": 3280}]' in note for note in result.notes)
    assert [warning for warning in result.warnings if "graph_cypher" in warning] == [
        "graph_cypher: more was counted than the 1000 rows that hits are looked for in"
    ]


def test_the_graph_follows_the_corpus(index):
    assert found(ask(index, "MATCH (e:Entity {key: 'gdansk'}) RETURN e")) == []
    index.add(Document("new", id="new", metadata={"tenant": "a", "triples": [["Marie Curie", "visited", "Gdansk"]]}))
    assert found(ask(index, "MATCH (e:Entity {key: 'gdansk'}) RETURN e")) == ["new"]
    index.delete(["new"])
    assert found(ask(index, "MATCH (e:Entity {key: 'gdansk'}) RETURN e")) == []


def test_a_budget_counts_the_repair(index):
    with pytest.raises(BudgetExceededError):
        ask(index, "MATCH (e:Person) RETURN e", MARIE + "RETURN r", budget=Budget(llm_calls=1))
    assert ask(index, "MATCH (e:Person) RETURN e", MARIE + "RETURN r", budget=Budget(llm_calls=2))


def test_a_cassette_answers_in_place_of_the_model(index, tmp_path):
    with cassette(tmp_path / "calls.jsonl"):
        recorded = ask(index, "MATCH (e:Person) RETURN e", MARIE + "RETURN r")
    with cassette(tmp_path / "calls.jsonl"):
        replayed = ask(index)  # the model has nothing to say
        assert [(hit.node.id, hit.score) for hit in replayed] == [(hit.node.id, hit.score) for hit in recorded]


def test_the_database_is_never_imported_here(index):
    assert ask(index, MARIE + "RETURN r")
    assert "ladybug" not in sys.modules  # it and kuzu cannot both be in one process


def test_many_threads_and_tasks_share_the_processes(tmp_path):
    model = ScriptedModel(lambda prompt: {"query": MARIE + "RETURN r"})
    with Index.from_documents(DOCUMENTS, tmp_path / "notes.rk", llm=model) as index:
        retriever = index.as_retriever("graph_cypher")
        want, got = found(retriever.retrieve("Marie")), []
        threads = [threading.Thread(target=lambda: got.append(found(retriever.retrieve("Marie")))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert got == [want] * 8

        async def tasks():
            return await asyncio.gather(*(retriever.aretrieve("Marie") for _ in range(8)))

        assert [found(result) for result in asyncio.run(tasks())] == [want] * 8


def test_the_answer_depends_on_what_is_there_and_not_on_how_it_came_there(index, tmp_path):
    index.delete(["curie"])
    index.add([DOCUMENTS[0]])
    model = ScriptedModel(lambda prompt: {"query": "MATCH (e:Entity)-[r:Relation]->(o:Entity) RETURN r"})
    order = [DOCUMENTS[at] for at in (1, 2, 3, 0)]
    with Index.from_documents(order, tmp_path / "others.rk", llm=model) as other:
        afresh = other.as_retriever("graph_cypher").retrieve("?")
    result = ask(index, "MATCH (e:Entity)-[r:Relation]->(o:Entity) RETURN r")
    assert [(hit.node.id, hit.score) for hit in result] == [(hit.node.id, hit.score) for hit in afresh]


TEMPLATE = (
    "graph_cypher_template(query='MATCH (e:Entity {key: $name})-[r:Relation]->(o:Entity) WHERE r.label = $relation "
    "RETURN o', parameters={'name': 'name', 'relation': 'str'})"
)


def test_a_template_is_filled_with_values_and_never_with_text(index):
    index.answers[:] = [{"name": "  marie CURIE", "relation": "born in"}]
    result = index.as_retriever(TEMPLATE).retrieve("Where was Marie Curie born?")
    assert found(result) == ["curie"]
    assert result[0].evidence[0].details["parameters"] == {"name": "marie curie", "relation": "born in"}
    assert json.loads(index.model.asked[-1].data[0]) == {"name": "name", "relation": "str"}
    for hostile in ["x' OR 1 = 1 //", "'}) DETACH DELETE e //", "\\u0027 RETURN 1; DROP TABLE Entity", "$name", "`"]:
        index.answers[:] = [{"name": hostile, "relation": hostile}]
        assert not index.as_retriever(TEMPLATE).retrieve("Where?")
    index.answers[:] = [{"name": "Marie Curie"}]
    with pytest.raises(ModelAnswerError):
        index.as_retriever(TEMPLATE).retrieve("Where?")


@pytest.mark.parametrize(
    ("query", "parameters", "problem"),
    [
        ("MATCH (e) DELETE e", "{'name': 'str'}", "only MATCH"),
        ("MATCH (e) RETURN e", "{'name': 'str'}", "does not use"),
        ("MATCH (e {key: $other}) RETURN e", "{'name': 'str'}", "no such parameter"),
        ("MATCH (e {key: $name}) RETURN e", "{'name': 'date'}", "parameters"),
        ("MATCH (e {key: $name}) RETURN e", "{}", "parameters"),
        ("MATCH (e {key: $name}) RETURN e", "{'na me': 'str'}", "parameters"),
    ],
)
def test_a_template_is_checked_when_the_retriever_is_made(index, query, parameters, problem):
    with pytest.raises(OptionError, match=problem):
        index.as_retriever(f"graph_cypher_template(query='{query}', parameters={parameters})")


def test_the_class_behind_the_mode_is_made_alone(index):
    model = ScriptedModel(lambda prompt: {"query": MARIE + "RETURN r"})
    retriever = GraphCypherRetriever(index.corpus, index.storage, model, max_rows=1)
    assert found(retriever.retrieve("Marie"))
    with pytest.raises(OptionError):
        GraphCypherRetriever(index.corpus, index.storage, model, max_rows=0)


def test_every_error_of_cypher_is_one_of_retrieval(index):
    with pytest.raises(CypherError):
        ask(index, "", "")
