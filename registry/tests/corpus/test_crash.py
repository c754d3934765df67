"""Killed processes and damaged logs lose nothing that was committed, and tear nothing."""

from __future__ import annotations

import os
import random
import shutil
import time

import pytest

from retrieverkit.corpus import SQLiteCorpus
from retrieverkit_core.errors import CorpusError

ROUNDS = int(os.environ.get("RETRIEVERKIT_KILL_ROUNDS", "30"))
DOCUMENTS = 4


def metadata_of(corpus):
    return {doc_id: corpus.document(doc_id).metadata for doc_id in corpus.document_ids()}


def read_until(process, lines):
    """Read what the process tells, up to a number of lines or its end."""
    told = []
    for line in process.stdout:
        told.append(line)
        if len(told) >= lines:
            break
    return told


def states(told):
    """Return the acknowledged version of each batch (None: deleted), and the change that may be under way."""
    acknowledged, under_way = {}, None
    for line in told:
        if not line.endswith("\n"):
            break
        what, batch, version = line.split()
        if what == "begin":
            assert under_way is None, "an acknowledgement was not read"
            under_way = (batch, int(version))
        else:
            assert under_way == (batch, int(version)), "the announcement of a change was not read"
            acknowledged[batch] = int(version) if what == "written" else None
            under_way = None
    return acknowledged, under_way


def version_of(corpus, batch):
    """Return the one version that every document and node of a batch has, None where all are gone."""
    documents = [corpus.document(f"{batch}/{number}") for number in range(DOCUMENTS)]
    nodes = [node for number in range(DOCUMENTS) for node in corpus.get(corpus.node_ids(f"{batch}/{number}"))]
    versions = {document and document.metadata["version"] for document in documents}
    assert len(versions) == 1, "some documents of one transaction are there and others are not"
    version = versions.pop()
    assert {node.metadata["version"] for node in nodes} == (set() if version is None else {version})
    assert len(nodes) == (0 if version is None else DOCUMENTS * 3)
    return version


@pytest.mark.slow
def test_killed_while_writing(program, path):
    seed = random.randrange(10**9)
    print("seed", seed)
    rng = random.Random(seed)
    acknowledged, next_version, hits, applied = {}, 0, 0, 0
    rounds = 0
    while rounds < ROUNDS or (rounds < 10 * ROUNDS and not (applied and hits >= ROUNDS / 3)):
        rounds += 1
        process = program("batches", path, next_version)
        told = read_until(process, rng.randrange(1, 80))
        time.sleep(rng.random() * 0.01)
        process.kill()
        told += process.stdout.readlines()  # by the same buffer: communicate() would pass over what is in it
        process.communicate()
        newly, under_way = states(told)
        acknowledged.update(newly)
        with SQLiteCorpus.open(path, create=False) as corpus:
            assert corpus.check() == []
            for batch, version in acknowledged.items():
                found = version_of(corpus, batch)
                if under_way and batch == under_way[0] and found != version:
                    assert found == (None if under_way[1] % 7 == 6 else under_way[1])
                    acknowledged[batch] = found
                    applied += 1
                else:
                    assert found == version
        hits += under_way is not None
        next_version = max([next_version, *(int(line.split()[2]) + 1 for line in told if line.endswith("\n"))])
    print(f"{hits} of {rounds} kills came before an acknowledgement; {applied} of those changes are there, whole")
    assert hits >= ROUNDS / 3, "the kills missed the changes, so this shows nothing"
    assert applied, "no kill came between the write of a change and its acknowledgement, so this shows little"


@pytest.fixture(scope="module")
def history(tmp_path_factory, made):
    """The files of a corpus with every change still in the log, and what it held after each change."""
    folder = tmp_path_factory.mktemp("history")
    path = folder / "corpus.sqlite"
    with SQLiteCorpus.open(path) as corpus:
        seen = [(corpus.head(), {})]
        for i in range(25):
            if i % 5 == 4:
                corpus.delete([f"doc {i % 3}"])
            else:
                corpus.replace([made(f"doc {i % 3}", i), made(f"more {i % 4}", i)])
            seen.append((corpus.head(), metadata_of(corpus)))
        for name in ("corpus.sqlite", "corpus.sqlite-wal"):
            shutil.copy(path.with_name(name), folder / f"kept-{name}")
    return folder, seen


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["cut", "flip"])
def test_a_damaged_log_gives_a_committed_prefix(history, tmp_path, made, damage):
    folder, seen = history
    states_by_cursor = dict(seen)
    seed = random.randrange(10**9)
    print("seed", seed)
    rng = random.Random(seed)
    prefixes = set()
    for number in range(ROUNDS):
        path = tmp_path / f"{damage}-{number}" / "corpus.sqlite"
        path.parent.mkdir()
        shutil.copy(folder / "kept-corpus.sqlite", path)
        log = bytearray((folder / "kept-corpus.sqlite-wal").read_bytes())
        at = rng.randrange(len(log))
        if damage == "cut":
            del log[at:]
        else:
            log[at] ^= 1 << rng.randrange(8)
        path.with_name(path.name + "-wal").write_bytes(log)
        try:
            corpus = SQLiteCorpus.open(path)
        except CorpusError:
            continue
        with corpus:
            head = corpus.head()
            assert metadata_of(corpus) == states_by_cursor[head]
            assert corpus.check() == []
            assert [corpus.holds(cursor) for cursor, _ in seen] == [cursor.seq <= head.seq for cursor, _ in seen]
            last = seen[-1][0]
            lost = head != last
            for extra in range(200):
                if corpus.head().seq >= last.seq:
                    break
                corpus.replace([made("after", 1000 + extra)])
            assert corpus.holds(last) is not lost
            assert corpus.check() == []
        prefixes.add(head.seq)
    assert len(prefixes) > ROUNDS / 5, "the damage missed the changes, so this shows nothing"


def test_a_log_that_is_not_cut_holds_everything(history, tmp_path):
    """The control of the test above: what it calls lost is lost by the damage."""
    folder, seen = history
    path = tmp_path / "corpus.sqlite"
    for name in ("corpus.sqlite", "corpus.sqlite-wal"):
        shutil.copy(folder / f"kept-{name}", tmp_path / name)
    with SQLiteCorpus.open(path) as corpus:
        assert corpus.head() == seen[-1][0]
        assert all(corpus.holds(cursor) for cursor, _ in seen)
