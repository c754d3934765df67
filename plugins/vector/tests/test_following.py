import importlib.util
import json
import os
import random
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from retrieverkit_core.filters import MetadataFilters
from retrieverkit_core.nodes import Node
from retrieverkit_core.query import QueryBundle
from retrieverkit_vector import VectorRetriever

ROUNDS = int(os.environ.get("RETRIEVERKIT_KILL_ROUNDS", "30"))
WRITER = Path(__file__).parent / "programs" / "writer.py"

IDS = st.sampled_from([f"n{i}" for i in range(40)])
VECTORS = st.lists(st.integers(-3, 3).map(float), min_size=4, max_size=4).filter(any)


def ids(result):
    return [hit.node.id for hit in result]


@pytest.fixture
def machine(new_corpus, word_model, tmp_path_factory, monkeypatch):
    monkeypatch.setattr("retrieverkit_vector.segments.MAPPED_FROM", 200)

    class Machine(RuleBasedStateMachine):
        def __init__(self):
            super().__init__()
            self.corpus = new_corpus()
            self.folder = tmp_path_factory.mktemp("machine")
            self.reopen()

        @rule()
        def reopen(self):
            self.retriever = VectorRetriever(self.corpus, self.folder, word_model(4), metric="dot", top_k=1000)

        @rule(added=st.dictionaries(IDS, VECTORS, min_size=1, max_size=12), group=st.integers(0, 2))
        def add(self, added, group):
            for node_id, vector in added.items():
                self.corpus.add(Node(id=node_id, embedding=vector, metadata={"group": group}))

        @rule(ids=st.sets(IDS, min_size=1, max_size=10))
        def delete(self, ids):
            self.corpus.delete(*ids)

        @rule(asked=VECTORS, group=st.none() | st.integers(0, 2), top_k=st.sampled_from([1, 3, 1000]))
        def ask(self, asked, group, top_k):
            filters = None if group is None else MetadataFilters.parse(f"group == {group}")
            found = self.retriever.retrieve(QueryBundle("", embedding=asked, filters=filters, top_k=top_k))
            expected = sorted(
                (-float(np.dot(node.embedding, asked)), ordinal, node.id)
                for ordinal, node in self.corpus.stored.items()
                if group is None or node.metadata["group"] == group
            )[:top_k]
            assert [(-hit.score, hit.node.id) for hit in found] == [(score, node_id) for score, _, node_id in expected]
            index = self.retriever.index
            assert index.status().rebuilds == 0 and index.check() == []
            assert len(index.reader().rows) <= len(self.corpus.stored) * 1.34 + 1

    return Machine


def test_it_equals_brute_force_whatever_happens(machine):
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=settings.default.max_examples // 2,
            stateful_step_count=40,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_segments_stay_few(corpus_of, word_model, random_vectors, tmp_path):
    corpus = corpus_of(random_vectors(1000))
    retriever = VectorRetriever(corpus, tmp_path, word_model(32))
    sizes = []
    for i, vector in enumerate(random_vectors(150, seed=1)):
        corpus.add(Node(id=f"x{i}", embedding=vector.tolist()))
        assert ids(retriever.retrieve(QueryBundle("", embedding=vector.tolist())))[0] == f"x{i}"
        sizes.append(len(list(retriever.index.reader().rows.blocks(0))))
    assert max(sizes) <= 8


@pytest.mark.parametrize(
    "pattern", ["*.f32", "*.len", "????????*.i64", "layout.json", "removed.i64", "model/words", "CURRENT"]
)
def test_damage_is_noticed_and_mended(new_corpus, corpus_model, tmp_path, pattern):
    corpus = new_corpus([f"word{i} common" for i in range(30)])
    for harm in (lambda data: data[: len(data) // 2], lambda data: data[:-1] + bytes([255 ^ data[-1]])):
        retriever = VectorRetriever(corpus, tmp_path, corpus_model(), embedding_spec="cm")
        assert ids(retriever.retrieve("word7"))[0] == "n7"
        corpus.delete(f"n{len(corpus.stored) - 1}")
        assert ids(retriever.retrieve("word7"))[0] == "n7"
        (folder,) = tmp_path.glob("vector-*")
        path = next(folder.rglob(pattern))
        data = path.read_bytes()
        path.unlink()
        path.write_bytes(harm(data + b"x"))
        fresh = VectorRetriever(corpus, tmp_path, corpus_model(), embedding_spec="cm")
        assert fresh.index.check() != []
        assert ids(fresh.retrieve("word7"))[0] == "n7"
        assert fresh.index.check() == []


def test_many_read_while_one_writes(new_corpus, word_model, tmp_path):
    corpus = new_corpus([f"common word{i}" for i in range(300)])
    retriever = VectorRetriever(corpus, tmp_path, word_model(64), top_k=3)
    errors, done = [], threading.Event()
    filters = MetadataFilters.parse("is_empty(new)")

    def read(number):
        try:
            while not done.is_set():
                for i in (0, 57, 299):
                    only = filters if number % 2 else None
                    assert ids(retriever.retrieve(QueryBundle(f"common word{i}", filters=only)))[0] == f"n{i}"
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=read, args=(number,)) for number in range(32)]
    [thread.start() for thread in threads]
    for i in range(12):
        corpus.add(Node(text=f"common new{i}", id=f"new{i}", metadata={"new": True}))
        assert ids(retriever.retrieve(f"common new{i}"))[0] == f"new{i}"
        corpus.delete(f"new{i - 2}")
    done.set()
    [thread.join() for thread in threads]
    assert errors == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("with_graph", [False, True])
def test_a_forked_child_searches_and_builds(
    corpus_of, word_model, random_vectors, tmp_path, in_child, monkeypatch, with_graph
):
    if with_graph:
        pytest.importorskip("faiss", reason="needs faiss-cpu")
        monkeypatch.setattr("retrieverkit_vector.index.GRAPH_FROM", 1000)
        monkeypatch.setattr("retrieverkit_vector.index.MAX_TAIL", 200)
        monkeypatch.setattr("retrieverkit_vector.reader.GATHERED_UP_TO", 10)
    corpus = corpus_of(random_vectors(2000))
    retriever = VectorRetriever(corpus, tmp_path, word_model(32), top_k=3)
    asked = [QueryBundle("", embedding=vector.tolist()) for vector in random_vectors(5, seed=2)]
    before = [retriever.retrieve(query) for query in asked]

    def work():
        assert [retriever.retrieve(query) for query in asked] == before
        assert retriever.retrieve_many(asked) == before
        corpus.add(*(Node(id=f"x{i}", embedding=v.tolist()) for i, v in enumerate(random_vectors(400, seed=3))))
        corpus.add(Node(id="same", embedding=list(asked[0].embedding)))
        assert ids(retriever.retrieve(asked[0]))[0] == "same"

    in_child(work)
    assert [retriever.retrieve(query) for query in asked] == before


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("retrieverkit") is None, reason="needs retrieverkit")
@pytest.mark.parametrize(("kind", "graph_from"), [("at hand", 10**9), ("fitted", 10**9), ("at hand", 50)])
def test_killed_at_any_point_it_finds_all_that_was_acknowledged(tmp_path, kind, graph_from):
    if graph_from < 10**9:
        pytest.importorskip("faiss", reason="needs faiss-cpu")
    spec = importlib.util.spec_from_file_location("writer", WRITER)
    writer = importlib.util.module_from_spec(spec)
    limits = _limits()
    try:
        spec.loader.exec_module(writer)
        writer.index.GRAPH_FROM = graph_from
        held, rng = {}, random.Random(f"{kind}{graph_from}")
        for number in range(max(1, ROUNDS // 3)):
            held, unsure = _run_and_kill(tmp_path / "rk", kind, number, graph_from, rng.uniform(0.0, 0.5), held)
            opened = writer.Index.open(
                tmp_path / "rk", create=True, embedding=writer.Fitted() if kind == "fitted" else writer.Words()
            )
            with opened:
                retriever = opened.as_retriever("vector")
                stored = {doc_id: opened.document(doc_id).text for doc_id in opened.document_ids()}
                for doc_id in held.keys() | stored.keys():
                    assert stored.get(doc_id) == held.get(doc_id) or (doc_id in unsure)
                held = stored
                every = retriever.retrieve(QueryBundle("anything", top_k=10**6))
                assert sorted(hit.node.ref_doc_id for hit in every) == sorted(stored)
                for doc_id, text in list(stored.items())[:20]:
                    best = retriever.retrieve(QueryBundle(text, top_k=1))[0]
                    assert (best.node.ref_doc_id, best.node.text) == (doc_id, text)
                assert opened.check().derived == []
    finally:
        _restore(limits)


def _run_and_kill(folder, kind, seed, graph_from, seconds, held):
    """Let the writer run; return what the acknowledged changes leave, and the ids of the one in flight."""
    process = subprocess.Popen(
        [sys.executable, WRITER, folder, kind, str(seed), str(graph_from)], stdout=subprocess.PIPE, text=True
    )
    held, flying, timer = dict(held), {}, threading.Timer(seconds, process.kill)
    for line in process.stdout:
        if timer.ident is None:
            timer.start()
        if not line.endswith("\n"):
            break  # torn
        what, change = json.loads(line)
        flying = change if what.endswith("ing") else {}
        if what == "added":
            held |= change
        if what == "deleted":
            held = {doc_id: text for doc_id, text in held.items() if doc_id not in change}
    timer.join()
    process.wait()
    process.stdout.close()
    return held, set(flying)


def _limits():
    from retrieverkit_vector import graph, index, reader

    names = [(index, "MAX_REMOVED_SHARE"), (index, "MAX_TAIL"), (index, "GRAPH_FROM"), (reader, "GATHERED_UP_TO")]
    return [(module, name, getattr(module, name)) for module, name in [*names, (graph, "_SAMPLE")]]


def _restore(limits):
    for module, name, value in limits:
        setattr(module, name, value)
