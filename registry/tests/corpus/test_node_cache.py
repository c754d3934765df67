"""Nodes that are remembered are those that a fresh reading would give."""

from __future__ import annotations

import shutil
import sqlite3
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieverkit.corpus import SQLiteCorpus, rows
from retrieverkit_core.errors import CorruptCorpusError
from retrieverkit_core.nodes import Document, IndexNode, Node, NodeRelationship

VALUES = st.one_of(st.integers(), st.text(max_size=5), st.lists(st.integers(), max_size=2), st.just({"a": [1]}))
NODES = st.builds(
    Node,
    text=st.text(max_size=40),
    id=st.sampled_from([f"n{number}" for number in range(6)]),
    metadata=st.dictionaries(st.text(max_size=5), VALUES, max_size=3),
    relationships=st.fixed_dictionaries(
        {}, optional={NodeRelationship.SOURCE: st.text(max_size=3), NodeRelationship.CHILD: st.just(["x", "y"])}
    ),
    excluded_embed_metadata_keys=st.lists(st.text(max_size=3), max_size=1),
    start_char_idx=st.one_of(st.none(), st.integers(0, 9)),
    embedding=st.one_of(st.none(), st.just([0.5, 1.0])),
)
CHANGES = st.lists(st.one_of(NODES, st.sampled_from([f"n{number}" for number in range(6)])), max_size=12)


@settings(max_examples=60)
@given(changes=CHANGES, limit=st.sampled_from([0, 4_000, 1 << 20]))
def test_what_is_remembered_is_what_is_there(tmp_path_factory, changes, limit):
    path = tmp_path_factory.mktemp("cache") / "corpus.sqlite"
    with SQLiteCorpus.open(path) as writer, SQLiteCorpus.open(path) as reader:
        reader._opened.nodes._limit = limit
        there: dict[int, Node] = {}
        ordinal = 0
        for change in changes:
            if isinstance(change, str):
                writer.delete([change])
                there = {o: node for o, node in there.items() if node.id != change}
            elif change not in there.values():
                there = {o: node for o, node in there.items() if node.id != change.id}
                if writer.replace([(Document(change.text, change.id), [change])]).unchanged == ():
                    ordinal += 1
                    there[ordinal] = change
            wanted = [*range(ordinal + 3), *range(ordinal + 3)]
            first, second = reader.fetch(wanted), reader.fetch(wanted)
            assert first == second == [there.get(o) for o in wanted]
            for node in filter(None, first):
                node.metadata["changed"] = True
                for value in node.metadata.values():
                    if isinstance(value, list):
                        value.append("changed")
                node.relationships.clear()
                node.excluded_embed_metadata_keys.append("changed")


def test_it_stays_within_its_limit(corpus):
    corpus.replace([(Document("", str(n)), [Node("x" * 50_000, str(n))]) for n in range(200)])
    cache = corpus._opened.nodes
    cache._limit = 1_000_000
    for start in range(0, 200, 10):
        assert len(corpus.fetch(range(start + 1, start + 11))) == 10
    held = {*cache._state.young, *cache._state.old}
    assert 0 < sum(sys.getsizeof(node.text) for node in corpus.fetch(sorted(held))) <= 1_000_000


def test_index_nodes_are_remembered_as_such(corpus):
    lead = IndexNode("lead", "lead", index_id="there")
    corpus.replace([(Document("", "d"), [lead])])
    assert [corpus.fetch([1]) for _ in range(3)] == [[lead]] * 3


def test_a_copy_that_was_put_back_is_seen(path, made, tmp_path):
    with SQLiteCorpus.open(path) as corpus:
        corpus.replace([made("a")])
    shutil.copy(path, tmp_path / "copy")
    with SQLiteCorpus.open(path) as corpus:
        corpus.replace([made("b")])
        assert [node.id for node in corpus.fetch([1, 3])] == ["a#0", "b#0"]
        live = sqlite3.connect(path)
        with sqlite3.connect(tmp_path / "copy") as copy:
            copy.backup(live)
        live.close()
        assert corpus.fetch([3]) == [None]
        corpus.replace([made("c")])
        assert [node.id for node in corpus.fetch([1, 3])] == ["a#0", "c#0"]


def first_of(corpus):
    with corpus.snapshot() as view:
        return next(view.nodes())


@pytest.mark.parametrize("former", [False, True])
@pytest.mark.parametrize(
    "change",
    [
        "text = text || ' '",
        "metadata = '{\"version\":2}'",
        "start_char = 3",
        "relationships = NULL",
        "excluded = '[[\"a\"],[]]'",
        "index_id = 'x'",
        "embedding = x'00000000'",
        "hash = zeroblob(32)",
    ],
)
def test_a_node_that_was_changed_behind_its_back_is_not_served(path, made, monkeypatch, change, former):
    if former:  # as format 1 did
        monkeypatch.setattr("retrieverkit.corpus.preparation.node_hash", lambda row: rows.former_node_hash(b"a", row))
    with SQLiteCorpus.open(path) as corpus:
        corpus.replace([made("a")])
    monkeypatch.undo()
    with SQLiteCorpus.open(path) as corpus:
        assert [node.id for node in corpus.fetch([1, 2])] == ["a#0", "a#1"]
        assert corpus.replace([made("a")]).unchanged == ("a",)
        assert corpus.check() == []
    other = sqlite3.connect(path, isolation_level=None)
    assert other.execute(f"UPDATE nodes SET {change} WHERE ordinal = 1").rowcount == 1
    other.close()
    with SQLiteCorpus.open(path) as corpus:
        for read in (
            lambda: corpus.fetch([2, 1]),
            lambda: corpus.get(["a#0"]),
            lambda: first_of(corpus),
        ):
            with pytest.raises(CorruptCorpusError, match="changed outside"):
                read()
        assert [node.id for node in corpus.fetch([2])] == ["a#1"]
