"""The graph on disk: kills, read-only folders, forks, threads, and names that nobody expects."""

import os
import signal
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import numpy as np
import pytest
from graph_model import shown_by

from retrieverkit import Document, Index
from retrieverkit_core.nodes import Node
from retrieverkit_property_graph.extraction.given import GivenTriples
from retrieverkit_property_graph.graph import index as graph_index
from retrieverkit_property_graph.graph.index import GraphIndex
from retrieverkit_property_graph.graph.reader import GraphReader
from retrieverkit_property_graph.graph.writing import Writer
from retrieverkit_property_graph.triples import Entity, Extracted, Triple
from retrieverkit_testkit import children
from retrieverkit_testkit.memory_corpus import MemoryCorpus

can_fork = pytest.mark.skipif(not children.can_fork(), reason="a child is killed, or looks on")


def document(number, version=0):
    triples = [[f"Name {number}", "knows", f"Name {number + step}"] for step in (1, 2, 3)]
    return Document(f"text {version}", id=f"d{number}", metadata={"triples": triples, "tenant": number % 2})


def graph_of(index, folder=None):
    return GraphIndex(index.corpus, folder or index.storage, GivenTriples())


def shown(graph, allowed=None):
    with graph.corpus.snapshot() as corpus:
        ids = {ordinal: node.id for ordinal, node in corpus.nodes()}
    with graph.reader().view(allowed) as view:
        return shown_by(view, [f"name {number}" for number in range(20)], ids)


def kill_in(monkeypatch, owner, name, at_call=1):
    """Have this process killed when a method is called for the nth time."""
    original, calls = getattr(owner, name), []

    def killing(*arguments, **options):
        calls.append(1)
        if len(calls) == at_call:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*arguments, **options)

    monkeypatch.setattr(owner, name, killing)


@can_fork
@pytest.mark.parametrize("built_before", [False, True])
@pytest.mark.parametrize("where", [(Writer, "_write_nodes"), (Writer, "_clear", 2), (graph_index.GraphIndex, "open")])
def test_kill_9_leaves_the_graph_before_or_after(tmp_path, monkeypatch, where, built_before):
    with Index.open(tmp_path / "index", create=True) as index:
        index.add([document(number) for number in range(12)])
        if built_before:
            shown(graph_of(index))
            index.add([document(number, version=1) for number in range(3)])
            index.delete(["d5"])
    with monkeypatch.context() as patched:
        kill_in(patched, *where)

        def work():
            with Index.open(tmp_path / "index") as index:
                graph_of(index).reader()

        assert os.waitstatus_to_exitcode(children.in_child(work)) == -signal.SIGKILL
    with Index.open(tmp_path / "index") as index:
        graph = graph_of(index)
        assert shown(graph) == shown(graph_of(index, tmp_path / "fresh"))
        assert graph.check() == []
        assert graph.status().rebuilds == 0


def test_a_folder_that_may_only_be_read_is_left_alone(tmp_path):
    with Index.open(tmp_path / "index", create=True) as index:
        index.add([document(number) for number in range(5)])
        expected = shown(graph_of(index))
        index.add([document(7)])
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "index").rglob("*") if path.is_file()}
    with Index.open(tmp_path / "index", read_only=True) as index:
        seen = shown(graph_of(index))
        assert seen["passages"] == [*expected["passages"], "d7"]
        assert {path: path.stat().st_mtime_ns for path in before} == before


@can_fork
def test_a_fork_reads_while_its_parent_writes(tmp_path):
    with Index.open(tmp_path / "index", create=True) as index:
        index.add([document(number) for number in range(5)])
        graph = graph_of(index)
        expected = shown(graph)

        def work():
            assert shown(graph) == expected

        assert children.in_child(work) == 0
        index.add([document(9)])
        assert len(shown(graph)["passages"]) == 6


def test_threads_with_other_scopes_see_their_own_while_one_writes(tmp_path):
    with Index.open(tmp_path / "index", create=True) as index:
        index.add([document(number) for number in range(10)])
        graph = graph_of(index)
        ready, stop = threading.Barrier(9), threading.Event()

        def write():
            ready.wait()
            for number in range(10, 25):
                index.add([document(number)])
                graph.reader()
            stop.set()

        def read(tenant):
            ready.wait()
            while not stop.is_set():
                reader = graph.reader()
                with index.corpus.snapshot() as corpus:
                    stored = [(o, node) for o, node in corpus.nodes()]
                own = np.array([o for o, node in stored if node.metadata["tenant"] == tenant])
                with reader.view(own) as view:
                    first, arrays = view.count(), view.arrays()
                    assert np.isin(arrays.passages, own).all()
                    for entity in view.entities(arrays.entities.tolist()):
                        assert np.isin(entity.supports, own).all()
                    for relation in view.relations(arrays.relations.ids.tolist()):
                        assert np.isin(relation.supports, own).all()
                    found = view.relations_of(view.find([f"name {tenant}", "name 2"]).values())
                    assert np.isin(found, arrays.relations.ids).all()
                    assert view.count() == first
            return True

        with ThreadPoolExecutor(9) as pool:
            readers = [pool.submit(read, number % 2) for number in range(8)]
            pool.submit(write).result()
            assert all(reader.result() for reader in readers)
        assert len(shown(graph)["passages"]) == 25


@pytest.mark.parametrize("allowed", [None, np.empty(0, np.int64), np.array([3, 7])])
def test_an_empty_corpus_is_an_empty_graph(tmp_path, allowed):
    with GraphIndex(MemoryCorpus(), tmp_path, GivenTriples()).reader().view(allowed) as view:
        assert view.find(["a", "", "\x00", "\ud800"]) == {}
        assert view.facts("who is a?", 5) == []
        assert view.relations_of([1, 2]) == view.mentioned_in([1]) == view.supported_by([1]) == []
        assert view.count() == type(view.count())(0, 0, 0, 0)
        assert view.problems() == []
        with pytest.raises(KeyError):
            view.entity(1)
        with pytest.raises(KeyError):
            view.relations([1])


def test_what_a_view_does_not_show_is_not_there_by_its_id(tmp_path):
    corpus = MemoryCorpus()
    for number in range(2):
        corpus.add(Node(text="", id=f"n{number}", metadata={"triples": [[f"a{number}", "is", f"b{number}"]]}))
    reader = GraphIndex(corpus, tmp_path, GivenTriples()).reader()
    with reader.view(None) as view:
        other = view.find(["a1"])["a1"]
        (relation,) = view.relations_of([other])
    with reader.view(np.array([1])) as view:
        assert view.relations_of([other]) == []
        for look in (view.entity, lambda id_: view.names([id_]), view.entities([]).__getitem__):
            with pytest.raises((KeyError, IndexError)):
                look(other)
        with pytest.raises(KeyError):
            view.relation(relation)
        assert view.mentioned_in([2]) == view.supported_by([2]) == []


HOSTILE = [
    "a\x00b",
    "x" * 1_000_000,
    "'; DROP TABLE entities; --",
    '"quoted" OR NEAR(',
    "%",
    "\u202eright",
    "-" * 9,
    "🜁",
]


def test_hostile_names_are_names(tmp_path):
    corpus = MemoryCorpus()
    corpus.add(Node(text="", id="n", metadata={"triples": [[name, "is", "odd"] for name in HOSTILE]}))
    graph = GraphIndex(corpus, tmp_path, GivenTriples())
    with graph.reader().view(None) as view:
        found = view.find(HOSTILE)
        assert set(found) == set(HOSTILE)
        assert view.names(found.values()) == {id_: name for name, id_ in found.items()}
        for name in HOSTILE:
            (relation,) = view.relations_of([found[name]])
            assert view.relation(relation).label == "is"
            view.facts(name, 3)
        assert view.facts("odd", 100) and not view.problems()
    corpus.delete("n")
    corpus.add(Node(text="", id="m"))
    with graph.reader().view(None) as view:
        assert view.find(HOSTILE) == {}


class Careless:
    """An extractor that says what cannot be stored."""

    fingerprint, uses = "careless", ()

    def of_nodes(self, nodes):
        bad = Triple(Entity("fine"), "is", Entity("\ud800"))
        blank = Triple(Entity("also"), " ", Entity("fine"))
        unfit = Triple(Entity("x", properties={"y": float("nan")}), "is", Entity("fine"))
        good = Triple(Entity("a"), "is", Entity("b", ("\ud800",)))
        return [Extracted((Entity(""),), (bad, blank, unfit, good), "its own") for _ in nodes]


def test_what_cannot_be_stored_is_a_problem_and_leaves_nothing(tmp_path):
    corpus = MemoryCorpus()
    corpus.add(Node(text="", id="n"))
    with GraphIndex(corpus, tmp_path, Careless()).reader().view(None) as view:
        names = view.names(view.arrays().entities.tolist())
        assert sorted(names.values()) == ["a", "b"]
        ((ordinal, told),) = view.problems()
        assert ordinal == 1
        assert [told.count(word) for word in ("its own", "blank", "surrogate", "JSON")] == [1, 2, 1, 1]


def test_ten_thousand_triples_of_one_document(tmp_path):
    corpus = MemoryCorpus()
    triples = [[f"Name {n}", f"knows {n % 7}", f"Name {(n * 7919) % 5000}"] for n in range(10_000)]
    corpus.add(Node(text="", id="big", metadata={"triples": triples}), Node(text="", id="small"))
    graph = GraphIndex(corpus, tmp_path, GivenTriples())
    with graph.reader().view(None) as view:
        assert view.count().relations == len({tuple(triple) for triple in triples})
        hub = view.find(["name 0"])["name 0"]
        of = view.relations_of([hub])
        assert len(of) == len({tuple(triple) for triple in triples if "Name 0" in triple})
        assert view.relations_of([hub], 1) == of[:1]
        best = view.facts("name 4999 knows", 3)
        assert len(best) == 3
    corpus.delete("big")
    with graph.reader().view(None) as view:
        assert view.count() == type(view.count())(0, 0, 1, 0)


def test_arrays_are_read_once_for_each_state_and_scope(tmp_path, monkeypatch):
    corpus = MemoryCorpus()
    corpus.add(Node(text="", id="n", metadata={"triples": [["a", "is", "b"]]}))
    graph = GraphIndex(corpus, tmp_path, GivenTriples())

    def arrays(allowed=None):
        with graph.reader().view(allowed) as view:
            return view.arrays()

    first = arrays()
    assert arrays() is first
    with pytest.raises(ValueError, match="read-only"):
        first.relations.subjects[0] = 7
    assert arrays(np.array([1])) is arrays(np.array([1]))
    for number in range(2, 12):
        arrays(np.array([1, number]))
    assert arrays() is first
    corpus.add(Node(text="", id="m", metadata={"triples": [["a", "is", "c"]]}))
    assert len(arrays().entities) == 3


@pytest.mark.parametrize("column", ["mentions", "supports"])
@pytest.mark.parametrize("change", [None, "d3"])
def test_damage_inside_a_row_is_noticed_and_the_graph_built_again(tmp_path, column, change):
    def ask(reader):
        with reader.view(None) as view:
            return view.facts("who knows name 4?", 5), view.count()

    def first_asked():
        with Index.open(tmp_path / "index", create=True) as index:
            index.add([document(number) for number in range(10)])
            graph = graph_of(index)
            return graph.ask_at(ask)[0], graph.reader()._database.path

    expected, path = first_asked()  # nothing of it stays open
    with closing(sqlite3.connect(path)) as connection:
        query = f"SELECT ordinal, {column} FROM nodes WHERE ordinal = 4"
        ordinal, stored = connection.execute(query).fetchone()
        spoilt = bytes([stored[0] ^ 1]) + stored[1:]
        connection.execute(f"UPDATE nodes SET {column} = ? WHERE ordinal = ?", (spoilt, ordinal))
        connection.commit()
    with Index.open(tmp_path / "index") as index:
        graph = graph_of(index)
        if change:
            index.delete([change])
            index.add([document(3)])
        found, counts = graph.ask_at(ask)[0]
        assert counts == expected[1]
        assert [score for _, score in found] == [score for _, score in expected[0]]
        assert graph.status().rebuilds == 1
        assert graph.status().last_rebuild_reason == "what a node supports is damaged"


def test_problems_become_few_notes(tmp_path):
    corpus = MemoryCorpus()
    corpus.add(*(Node(text="", id=f"n{number}", metadata={"triples": [[]]}) for number in range(6)))
    reader: GraphReader = GraphIndex(corpus, tmp_path, GivenTriples()).reader()
    with reader.view(None) as view:
        notes = view.notes("graph_x")
        assert notes[0].startswith("graph_x: not in the graph: document 'n0': triples[0]: has 0 parts")
        assert notes[3:] == ("graph_x: not in the graph: parts of 3 more nodes",)
    with reader.view(np.array([2])) as view:
        assert len(view.notes("graph_x")) == 1
        assert "'n1'" in view.notes("graph_x")[0]
