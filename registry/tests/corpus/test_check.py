"""The full check finds what SQLite itself does not see."""

from __future__ import annotations

import sqlite3

import pytest

from retrieverkit.corpus import SQLiteCorpus
from retrieverkit_core.errors import CorruptCorpusError


@pytest.fixture
def stored(path, made):
    with SQLiteCorpus.open(path) as corpus:
        corpus.replace([made("a"), made("b"), made("one node", pieces=1)])
        corpus.replace([made("b", 1)])
        corpus.delete(["a"])
        assert corpus.check() == []
    return path


def problems(path):
    with SQLiteCorpus.open(path) as corpus:
        return corpus.check()


def test_a_changed_letter_in_a_text(stored):
    content = stored.read_bytes()
    assert content.count(b"b as of 1") > 20
    stored.write_bytes(content.replace(b"b as of 1", b"b as of 2", 1))
    found = problems(stored)
    assert found
    assert all("changed" in str(problem) for problem in found)


def test_a_text_that_is_no_text_any_more(stored):
    content = stored.read_bytes()
    stored.write_bytes(content.replace(b"one node as of 0", b"\xff\xfe\xfd node as of 0"))
    assert problems(stored)
    with SQLiteCorpus.open(stored) as corpus, pytest.raises(CorruptCorpusError):
        corpus.document("one node")
    with SQLiteCorpus.open(stored) as corpus, pytest.raises(CorruptCorpusError):
        corpus.get(["one node#0"])
    with SQLiteCorpus.open(stored) as corpus, corpus.snapshot() as snapshot, pytest.raises(CorruptCorpusError):
        list(snapshot.nodes())


def test_metadata_that_is_no_json_any_more(stored):
    tamper(stored, "UPDATE nodes SET metadata = '{'")
    assert problems(stored)
    with SQLiteCorpus.open(stored) as corpus, pytest.raises(CorruptCorpusError) as caught:
        corpus.get(["b#0"])
    assert str(stored) in str(caught.value)
    assert caught.value.fix
    with SQLiteCorpus.open(stored) as corpus, pytest.raises(CorruptCorpusError):
        corpus.delete(["b"])


def tamper(path, statement):
    other = sqlite3.connect(path, isolation_level=None)
    assert other.execute(statement).rowcount != 0
    other.close()


@pytest.mark.parametrize(
    ("statement", "where"),
    [
        ("UPDATE nodes SET text = text || ' ' WHERE node_id = 'b#0'", "node"),
        ("UPDATE nodes SET metadata = '{\"version\":2}' WHERE node_id = 'b#0'", "fields"),
        ("UPDATE nodes SET node_id = 'c#0' WHERE node_id = 'b#0'", "node"),
        ("UPDATE nodes SET start_char = 3 WHERE node_id = 'b#0'", "node"),
        ("UPDATE nodes SET start_char = 1.5 WHERE node_id = 'b#0'", "node"),
        ("UPDATE nodes SET embedding = x'00000000' WHERE node_id = 'b#0'", "node"),
        ("UPDATE nodes SET relationships = NULL WHERE node_id = 'b#0'", "node"),
        ("UPDATE nodes SET excluded = '[[\"a\"],[]]' WHERE node_id = 'b#0'", "node"),
        ("UPDATE nodes SET added_seq = 1 WHERE node_id = 'b#0'", "node"),
        ("UPDATE nodes SET hash = zeroblob(32) WHERE node_id = 'b#0'", "node"),
        ("UPDATE nodes SET doc_key = (SELECT doc_key FROM documents WHERE doc_id = 'b')", "document"),
        ("UPDATE nodes SET doc_key = 99 WHERE node_id = 'b#0'", "file"),
        ("UPDATE nodes SET ordinal = 99 WHERE node_id = 'b#0'", "node"),
        ("DELETE FROM nodes WHERE node_id = 'b#1'", "node"),
        ("UPDATE documents SET text = 'x' WHERE doc_id = 'one node'", "document"),
        ("UPDATE documents SET text = NULL WHERE doc_id = 'b'", "document"),
        ("UPDATE documents SET metadata = '{}' WHERE doc_id = 'b'", "document"),
        ("UPDATE documents SET excluded = '[[],[\"x\"]]' WHERE doc_id = 'b'", "document"),
        ("UPDATE documents SET doc_id = 'c' WHERE doc_id = 'b'", "document"),
        ("UPDATE log SET chain = zeroblob(32) WHERE seq = 3", "log"),
        ("UPDATE log SET hash = zeroblob(32) WHERE seq = 3", "log"),
        ("UPDATE log SET hash = 'text' WHERE seq = 3", "log"),
        ("UPDATE log SET op = 3 - op WHERE seq = 3", "log"),
        ("UPDATE log SET op = 7 WHERE seq = 3", "log"),
        ("UPDATE log SET ordinal = 1 WHERE seq = 3", "log"),
        ("DELETE FROM log WHERE seq = 3", "log"),
        ("DELETE FROM log WHERE seq = (SELECT max(seq) FROM log)", "log"),
        ("UPDATE sqlite_sequence SET seq = 1 WHERE name = 'nodes'", "log"),
        ("UPDATE sqlite_sequence SET seq = 1 WHERE name = 'log'", "log"),
        ("UPDATE fields SET n = n + 1 WHERE key = 'version'", "fields"),
        ("DELETE FROM fields WHERE key = 'name'", "fields"),
        ("INSERT INTO fields VALUES ('nobody', 'string', 1)", "fields"),
        ("UPDATE meta SET value = 'another'", "log"),
    ],
)
def test_any_disagreement_is_found(stored, statement, where):
    tamper(stored, statement)
    assert where in {problem.where for problem in problems(stored)}


def test_a_page_of_zeros(stored):
    content = bytearray(stored.read_bytes())
    size = int.from_bytes(content[16:18], "big")
    for start in range(size, len(content), size):
        damaged = content[:]
        damaged[start : start + size] = bytes(size)
        if damaged == content:
            continue
        stored.write_bytes(damaged)
        try:
            assert problems(stored), f"page {start // size} of zeros was not found"
        except CorruptCorpusError as error:
            assert error.fix
