"""Many threads and processes at once, and forks."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from retrieverkit.corpus import SQLiteCorpus
from retrieverkit_core.errors import CorpusError
from retrieverkit_core.nodes import Document, Node


@pytest.mark.slow
def test_eight_processes_that_add(program, path):
    processes = [program("adder", path, name, 200) for name in "abcdefgh"]
    for process in processes:
        _, err = process.communicate(timeout=400)
        assert process.returncode == 0, err
    with SQLiteCorpus.open(path) as corpus:
        assert corpus.count() == 1600
        assert set(corpus.document_ids()) == {f"{name}-{number}" for name in "abcdefgh" for number in range(200)}
        assert corpus.check() == []


def version(number):
    return [
        (Document("", f"{doc}", {"v": number}), [Node(f"{number}", f"{doc}#{i}", {"v": number}) for i in range(2)])
        for doc in range(5)
    ]


def reading(corpus, seen, errors):
    """Look a few times, and until a write was seen; what one snapshot shows must be of one version."""
    last = corpus.head()
    looks = 0
    try:
        while looks < 6 or len(seen) < 2:
            looks += 1
            with corpus.snapshot() as snapshot:
                stored = list(snapshot.nodes())
                assert len(stored) == snapshot.count() == 10
                assert len({item.node.metadata["v"] for item in stored}) == 1
                seen.add(stored[0].node.metadata["v"])
                assert snapshot.cursor.seq >= last.seq
                assert len(list(snapshot.added(last))) in (0, 10)
                last = snapshot.cursor
            assert corpus.holds(last)
            found = corpus.fetch([item.ordinal for item in stored])
            assert all(node is None or node == item.node for node, item in zip(found, stored, strict=True))
            assert None not in found or not any(found)
            assert corpus.fields() == {"v": {"number"}}
            assert len({node.metadata["v"] for node in corpus.get([f"{doc}#0" for doc in range(5)])}) == 1
    except BaseException as error:
        errors.append(error)


@pytest.fixture
def tiny_switch_interval():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.slow
def test_sixty_four_threads_read_while_one_writes(corpus, tiny_switch_interval):
    corpus.replace(version(0))
    seen, errors = set(), []
    threads = [threading.Thread(target=reading, args=(corpus, seen, errors)) for _ in range(64)]
    for thread in threads:
        thread.start()
    number = 0
    while any(thread.is_alive() for thread in threads):
        number += 1
        assert len(corpus.replace(version(number)).changed) == 5
    for thread in threads:
        thread.join()
    assert errors == []


def test_threads_that_write_take_turns(corpus, made, tiny_switch_interval):
    errors = []

    def add(name):
        try:
            for i in range(10):
                corpus.replace([made(f"{name}-{i}")])
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=add, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(corpus.document_ids()) == 80


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_forks(run, path):
    run("fork", path)
    with SQLiteCorpus.open(path) as corpus:
        assert corpus.document_ids() == ["parent", "child", "parent, later"]
        assert corpus.check() == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_forks_while_threads_write_and_read(run, path):
    run("forks_amid_threads", path)


def test_closing_while_threads_read(path, made, tiny_switch_interval):
    """Whoever reads gets an answer or the error of a closed corpus, and nothing stays open."""
    errors = []
    for _ in range(30):
        corpus = SQLiteCorpus.open(path)
        corpus.replace([made("a")])
        start = threading.Barrier(5)

        def read(corpus=corpus, start=start):
            start.wait()
            try:
                for _ in range(20):
                    corpus.count()
            except CorpusError as error:
                if "closed" not in str(error):
                    errors.append(error)
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        start.wait()
        corpus.close()
        for thread in threads:
            thread.join()
        assert not corpus._opened.connections._open
    assert errors == []


def test_threads_that_meet_another_file_open_it_once(path, made, monkeypatch):
    with SQLiteCorpus.open(path) as corpus:
        other = path.with_name("other.sqlite")
        SQLiteCorpus.open(other).close()
        opened, open_ = [], corpus._open
        monkeypatch.setattr(corpus, "_open", lambda: opened.append(open_()) or opened[-1])
        os.replace(other, path)
        threads = [threading.Thread(target=corpus.count) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(opened) == 1
