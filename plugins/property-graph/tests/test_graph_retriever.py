"""Retrievers that walk the graph: what they see, how they score, and what they tell."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieverkit import Document, Index
from retrieverkit_core import IndexNode, Node
from retrieverkit_core.errors import ConfigError, MissingServiceError, OptionError
from retrieverkit_property_graph import (
    GraphRetriever,
    GraphSynonymRetriever,
    GraphVectorRetriever,
    Match,
    Walked,
    triples_of,
)
from retrieverkit_property_graph.paths import walk
from retrieverkit_testkit.embedding import WordVectors
from retrieverkit_testkit.memory_corpus import MemoryCorpus
from retrieverkit_testkit.models import ScriptedModel

NAMES = ["Ada", "Babbage", "Engine", "notes", "the Sea", "Tower"]
NAME = st.sampled_from(NAMES) | st.sampled_from(NAMES).map(str.upper)
TRIPLE = st.tuples(NAME, st.sampled_from(["made", "Saw", "saw"]), NAME)


def document(name, *triples, **metadata):
    return Document(f"text of {name}", id=name, metadata={"triples": [list(triple) for triple in triples], **metadata})


def words(prompt):
    return {"names": prompt.data[0].split()}


def index_of(documents, **models):
    return Index.from_documents(documents, **({"embedding": WordVectors(), "llm": ScriptedModel(words)} | models))


def told(result):
    return [(hit.node_id, hit.score, hit.evidence[0].details) for hit in result]


def retrievers(corpus, folder, depth, limit):
    options = {"extract": "given", "depth": depth, "limit": limit}
    return [
        GraphVectorRetriever(corpus, folder, WordVectors(), max_entities=2, **options),
        GraphSynonymRetriever(corpus, folder, ScriptedModel(words), **options),
    ]


class FromEveryName(GraphRetriever):
    """Walks from the entities whose names are words of the query."""

    name = "from_every_name"

    def _walk(self, view, query_bundle):
        starts = list(view.find(query_bundle.query_str.split()).values())
        return [Match(1 / len(path), path) for path in walk(view, starts, depth=3)]


@settings(max_examples=25, deadline=None)
@given(
    own=st.lists(st.tuples(st.sampled_from("ab"), st.lists(TRIPLE, max_size=3)), min_size=1, max_size=8),
    depth=st.integers(1, 3),
    limit=st.sampled_from([2, 5, 100]),
    query=st.lists(st.sampled_from(["ada", "babbage", "engine", "sea", "tower"]), min_size=1, max_size=3).map(" ".join),
)
def test_hits_under_a_scope_are_those_of_a_corpus_of_that_scope_alone(tmp_path_factory, own, depth, limit, query):
    nodes = [
        Node(text="", id=f"n{at}", metadata={"tenant": tenant, "triples": [list(triple) for triple in triples]})
        for at, (tenant, triples) in enumerate(own)
    ]
    whole, alone = MemoryCorpus("whole"), MemoryCorpus("alone")
    whole.add(*nodes)
    alone.add(*(node for node in nodes if node.metadata["tenant"] == "a"))
    found, expected = (retrievers(corpus, tmp_path_factory.mktemp("graph"), depth, limit) for corpus in (whole, alone))
    for one, other in zip(found, expected, strict=True):
        there = other.retrieve(query, top_k=100)
        for limits in ({"scope": "tenant == 'a'"}, {"filters": "tenant == 'a'"}):
            result = one.retrieve(query, top_k=100, **limits)
            assert told(result) == told(there)
            assert result.notes == there.notes
        assert told(one.retrieve(query, top_k=2, scope="tenant == 'a'")) == told(there)[:2]
    whole.delete(*(node.id for node in nodes if node.metadata["tenant"] == "b"))
    for one, other in zip(found, expected, strict=True):
        assert told(one.retrieve(query, top_k=100)) == told(other.retrieve(query, top_k=100))


def test_a_relation_is_seen_only_through_nodes_that_pass():
    documents = [
        document("d0", ("Ada", "met", "Babbage"), tenant="a"),
        document("d1", ("Babbage", "made", "Engine"), tenant="b"),
        document("d2", ("Engine", "stands in", "Tower"), tenant="a"),
    ]
    with index_of(documents) as index:
        mode = "graph_synonym(extract='given', depth=3)"
        assert [hit.node_id for hit in index.retrieve("Ada", mode)] == ["d0", "d1", "d2"]
        assert [hit.node_id for hit in index.retrieve("Ada", mode, scope="tenant == 'a'")] == ["d0"]
        told_of = index.retrieve("Ada Engine", mode, scope="tenant == 'b'").notes
        assert "graph_synonym: not in the graph: 'Ada'" in told_of


FUSION = pytest.param(
    "fusion(bm25, graph_synonym(extract='given', depth=3))",
    marks=[pytest.mark.needs("retrieverkit_bm25"), pytest.mark.needs("retrieverkit_fusion")],
)


@pytest.mark.parametrize("mode", ["graph_synonym", "graph_vector", "graph_ppr", FUSION])
@pytest.mark.parametrize("limit", ["scope", "filters"])
def test_no_path_leads_through_an_index_node_that_does_not_pass_itself(mode, limit):
    def stating(name, tenant, *triple):
        return {"text": name, "id": name, "metadata": {"tenant": tenant, "triples": [list(triple)]}}

    nodes = [
        Node(**stating("a", "a", "Ada", "met", "Babbage")),
        IndexNode(**stating("b", "b", "Babbage", "made", "Engine"), index_id="x"),
        Node(**stating("c", "a", "Engine", "is", "open")),
    ]
    led_to = {"x": Node("led to", "led", metadata={"tenant": "a"})}
    with Index.from_nodes(nodes, embedding=WordVectors(), llm=ScriptedModel(words)) as index:
        options = {} if mode == "graph_ppr" else {"depth": 3}
        options = {} if "fusion" in mode else {"extract": "given", **options}
        retriever = index.as_retriever(mode, object_map=led_to, **options)
        assert "led" in {hit.node_id for hit in retriever.retrieve("Ada Babbage made Engine")}
        result = retriever.retrieve("Ada Babbage", **{limit: "tenant == 'a'"})
        assert "made" not in str([hit.evidence for hit in result])
        assert {hit.node_id for hit in result} <= {"a", "c"}
        if mode == "graph_synonym":
            assert [hit.node_id for hit in result] == ["a"]


def test_the_score_of_a_node_is_that_of_its_best_match(tmp_path):
    class Scored(GraphRetriever):
        name = "scored"

        def _walk(self, view, query_bundle):
            there = view.find(["Ada", "Tower"])
            paths = walk(view, [there["Ada"]], depth=2)
            return Walked(
                [*(Match(2.0 / len(path), path) for path in paths), Match(0.5, entity=there["Tower"])], ("a note",)
            )

    documents = [
        document("far", ("Babbage", "made", "Engine")),
        document("both", ("Ada", "met", "Babbage"), ("Babbage", "made", "Engine")),
        document("near", ("Ada", "met", "Babbage")),
        document("named", ("Tower", "is", "high")),
        document("apart", ("sea", "is", "deep")),
    ]
    with Index.from_documents(documents) as index:
        result = Scored(index.corpus, index.storage, extract="given").retrieve("anything")
        assert [(hit.node_id, hit.score) for hit in result] == [
            ("both", 2.0),
            ("near", 2.0),
            ("far", 1.0),
            ("named", 0.5),
        ]
        assert result.notes == ("a note",)
        both, _, far, named = (hit.evidence[0].details for hit in result)
        assert [len(path) for path in both["paths"]] == [1, 2]
        assert [step["object"] for step in far["paths"][0]] == ["Babbage", "Engine"]
        assert named == {"paths": [], "entities": ["Tower"]}


def test_the_best_paths_of_a_hit_are_told_and_how_many_more_there_are():
    with index_of([document("hub", *(("Ada", "knows", f"friend {n}") for n in range(13)))]) as index:
        (hit,) = index.retrieve("Ada", "graph_synonym(extract='given')")
        details = hit.evidence[0].details
        assert (len(details["paths"]), details["more_paths"]) == (10, 3)


@pytest.mark.needs("retrieverkit_bm25")
@pytest.mark.needs("retrieverkit_fusion")
def test_the_triples_alone_are_those_of_the_hits_each_once():
    documents = [document("d0", ("Ada", "met", "Babbage")), document("d1", ("babbage", "made", "Engine"))]
    with index_of(documents) as index:
        found = index.retrieve("Ada", "fusion(graph_synonym(extract='given', depth=2), bm25)")
        told_of = [(step["subject"], step["relation"], step["object"]) for step in triples_of(found)]
        assert told_of == [("Ada", "met", "Babbage"), ("Babbage", "made", "Engine")]
        assert triples_of(index.retrieve("text", "bm25")) == []


def test_what_cannot_be_read_of_the_metadata_is_told():
    documents = [document("good", ("Ada", "met", "Babbage"), tenant="a"), document("bad", ("Ada", "met"), tenant="b")]
    with index_of(documents) as index:
        for mode in ("graph_synonym(extract='given')", "graph_vector(extract='given')"):
            result = index.retrieve("ada", mode)
            assert [hit.node_id for hit in result] == ["good"]
            assert any("'bad'" in note for note in result.notes)
            assert not any("bad" in note for note in index.retrieve("ada", mode, scope="tenant == 'a'").notes)


def test_a_retriever_sees_what_is_added_changed_and_deleted():
    with index_of([document("d0", ("Ada", "met", "Babbage"))]) as index:
        retriever = index.as_retriever("graph_synonym(extract='given', depth=2)")
        assert [hit.node_id for hit in retriever.retrieve("Ada")] == ["d0"]
        index.add(document("d1", ("Babbage", "made", "Engine")))
        assert [hit.node_id for hit in retriever.retrieve("Ada")] == ["d0", "d1"]
        index.add(document("d0", ("Tower", "met", "Babbage")))
        assert [hit.node_id for hit in retriever.retrieve("Ada")] == []
        index.delete(["d0"])
        assert [hit.node_id for hit in retriever.retrieve("Engine")] == ["d1"]
        index.configure(language="de")
        assert [hit.node_id for hit in retriever.retrieve("Engine")] == ["d1"]


def test_threads_and_tasks_get_the_same_answers():
    documents = [document(f"d{n}", (f"Ada{n}", "met", "Babbage"), ("Ada", "is", f"Ada{n}")) for n in range(8)]
    with index_of(documents) as index:
        for mode in ("graph_synonym(extract='given', depth=2)", "graph_vector(extract='given')"):
            retriever = index.as_retriever(mode)
            queries = [f"ada{n % 8}" for n in range(32)]
            expected = [told(retriever.retrieve(query)) for query in queries]
            fresh = index.as_retriever(mode)
            with ThreadPoolExecutor(8) as pool:
                assert [told(result) for result in pool.map(fresh.retrieve, queries)] == expected

            async def ask(retriever=fresh, queries=queries):
                return await asyncio.gather(*(retriever.aretrieve(query) for query in queries))

            assert [told(result) for result in asyncio.run(ask())] == expected


def test_a_walk_of_ones_own_needs_nothing_but_its_walk():
    with index_of([document("d0", ("Ada", "met", "Babbage")), document("d1", ("Babbage", "made", "Engine"))]) as index:
        retriever = FromEveryName(index.corpus, index.storage, extract="given", top_k=1)
        (hit,) = retriever.retrieve("engine")
        assert (hit.node_id, hit.score, hit.evidence[0].leg) == ("d1", 1.0, "from_every_name")
        assert [hit.node_id for hit in retriever.retrieve("ada", top_k=5)] == ["d0", "d1"]
        assert str(retriever.plan("ada")).startswith("from_every_name: walks the graph")


@pytest.mark.parametrize("given", [{}, {"path": ()}, {"path": (1,), "entity": 1}])
def test_a_match_is_a_path_or_an_entity(given):
    with pytest.raises(ConfigError, match="a match has"):
        Match(1.0, **given)


def test_options_are_checked_as_the_mode_checks_them():
    with index_of([document("d0", ("Ada", "met", "Babbage"))]) as index:
        with pytest.raises(OptionError, match="extract"):
            FromEveryName(index.corpus, index.storage, extract="guess")
        with pytest.raises(OptionError, match="depth"):
            GraphVectorRetriever(index.corpus, index.storage, WordVectors(), depth=0)
        with pytest.raises(OptionError, match="max_keywords"):
            GraphSynonymRetriever(index.corpus, index.storage, ScriptedModel(words), max_keywords=0)
        with pytest.raises(OptionError, match="entity_fields"):
            FromEveryName(index.corpus, index.storage, entity_fields=[1])


@pytest.mark.needs("retrieverkit_vector")
def test_without_a_model_the_mode_says_what_to_set(monkeypatch):
    monkeypatch.delenv("RETRIEVERKIT_LLM", raising=False)
    met = Document("Ada met Babbage in London.", id="d0", metadata={"triples": [["Ada", "met", "Babbage"]]})
    with Index.from_documents([met]) as index:
        with pytest.raises(MissingServiceError, match="none is configured"):
            index.retrieve("Ada", "graph_synonym")
        assert [hit.node_id for hit in index.retrieve("Ada", "graph_vector")] == ["d0"]


def test_the_classes_answer_as_the_mode_strings_do():
    model, embedding = ScriptedModel(words), WordVectors()
    documents = [document("d0", ("Ada", "met", "Babbage")), document("d1", ("Babbage", "made", "Engine"), by="Ada")]
    with index_of(documents, llm=model, embedding=embedding) as index:
        given = {"extract": "given", "entity_fields": ["by"], "depth": 2, "top_k": 1}
        made = GraphSynonymRetriever(index.corpus, index.storage, model, **given)
        assert told(made.retrieve("ada")) == told(index.as_retriever("graph_synonym", **given).retrieve("ada"))
        near = GraphVectorRetriever(index.corpus, index.storage, embedding, **given)
        assert told(near.retrieve("ada")) == told(index.as_retriever("graph_vector", **given).retrieve("ada"))


@pytest.mark.parametrize("given_as", [iter, lambda matches: Walked(iter(matches)), list])
def test_matches_may_come_one_by_one_and_with_whole_numbers_as_scores(given_as):
    class Walking(GraphRetriever):
        name = "walking"

        def _walk(self, view, query_bundle):
            return given_as(
                [Match(score, entity=entity) for score, entity in enumerate(view.find(["Ada"]).values(), 1)]
            )

    with index_of([document("a", ("Ada", "made", "Engine"))]) as index:
        result = Walking(index.corpus, index.storage, extract="given").retrieve("q")
        assert [(hit.node_id, hit.score) for hit in result] == [("a", 1.0)]
