"""Cursors name places in the corpus's own history, and snapshots do not move."""

from __future__ import annotations

import os
import shutil

import pytest

from retrieverkit.corpus import SQLiteCorpus
from retrieverkit_core.corpus import Cursor
from retrieverkit_core.errors import CorpusError, NotACorpusError


def test_every_place_is_held_and_nothing_else(corpus, made):
    places = [corpus.head()]
    for i in range(4):
        corpus.replace([made(f"doc {i}")])
        places.append(corpus.head())
    assert [place.seq for place in places] == [0, 2, 4, 6, 8]
    assert all(map(corpus.holds, places))
    last = places[-1]
    for wrong in (
        last._replace(seq=9),
        last._replace(seq=7),
        last._replace(seq=-1),
        last._replace(seq=2**70),
        last._replace(seq="8"),
        last._replace(chain="00" * 32),
        last._replace(chain=""),
        last._replace(corpus_id="another"),
        places[0]._replace(chain=last.chain),
        Cursor("", 0, ""),
    ):
        assert not corpus.holds(wrong)


def test_a_snapshot_does_not_move(corpus, made):
    corpus.replace([made("a")])
    with corpus.snapshot() as before:
        corpus.replace([made("a", 1), made("b")])
        corpus.delete(["b"])
        assert before.cursor.seq == 2
        assert before.count() == 2
        assert [stored.node for stored in before.nodes()] == made("a")[1]
        with corpus.snapshot() as now:
            assert now.cursor == corpus.head()
            assert [stored.node for stored in now.added(before.cursor)] == made("a", 1)[1]
            assert list(now.removed(before.cursor)) == [1, 2, 5, 6]
            assert list(now.added(now.cursor)) == list(now.removed(now.cursor)) == []


def test_a_snapshot_refuses_a_cursor_that_it_does_not_know(corpus, made):
    corpus.replace([made("a")])
    with corpus.snapshot() as snapshot:
        corpus.replace([made("b")])
        for wrong in (corpus.head(), snapshot.cursor._replace(chain="x"), snapshot.cursor._replace(corpus_id="x")):
            with pytest.raises(CorpusError):
                snapshot.added(wrong)
            with pytest.raises(CorpusError):
                snapshot.removed(wrong)


def test_a_snapshot_ends_with_its_block(corpus, made):
    corpus.replace([made("a"), made("b")])
    with corpus.snapshot() as snapshot:
        rows = snapshot.nodes()
        next(rows)
    with pytest.raises(CorpusError, match="closed"):
        next(rows)
    with pytest.raises(CorpusError, match="closed"):
        snapshot.count()


def copied(path, to):
    with SQLiteCorpus.open(path):
        pass
    assert not path.with_name(path.name + "-wal").exists()
    shutil.copy(path, to)


def test_an_older_copy_put_back(path, tmp_path, made):
    with SQLiteCorpus.open(path) as corpus:
        corpus.replace([made("a")])
        early = corpus.head()
    copied(path, tmp_path / "copy")
    with SQLiteCorpus.open(path) as corpus:
        corpus.replace([made("b")])
        corpus.replace([made("c")])
        late = corpus.head()
    shutil.copy(tmp_path / "copy", path)
    with SQLiteCorpus.open(path) as corpus:
        assert corpus.holds(early)
        assert not corpus.holds(late)
        corpus.replace([made("b")])
        corpus.replace([made("d")])
        assert corpus.head().seq == late.seq
        assert not corpus.holds(late)
        assert corpus.holds(early)
        assert corpus.check() == []


def test_an_older_copy_put_back_under_an_open_corpus(path, tmp_path, made):
    with SQLiteCorpus.open(path) as corpus:
        corpus.replace([made("a")])
    copied(path, tmp_path / "copy")
    with SQLiteCorpus.open(path) as corpus:
        corpus.replace([made("b")])
        late = corpus.head()
        with SQLiteCorpus.open(path) as last:
            last.check()
        for suffix in ("-wal", "-shm"):
            os.unlink(f"{path}{suffix}")
        os.replace(tmp_path / "copy", path)
        assert not corpus.holds(late)
        assert corpus.document_ids() == ["a"]
        corpus.replace([made("c")])
        assert corpus.check() == []
    with SQLiteCorpus.open(path) as corpus:
        assert corpus.document_ids() == ["a", "c"]


def test_a_corpus_that_is_removed_while_open(path, made):
    with SQLiteCorpus.open(path) as corpus:
        corpus.replace([made("a")])
        path.rename(path.with_name("elsewhere"))
        with pytest.raises(NotACorpusError, match="removed"):
            corpus.head()
        with pytest.raises(NotACorpusError, match="removed"):
            corpus.replace([made("b")])
