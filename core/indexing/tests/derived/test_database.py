"""An index in one SQLite file follows its corpus, whatever happens to it."""

import os
import shutil
import signal
import sqlite3
import sys
import threading

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from retrieverkit_core.errors import DerivedIndexError, EndpointError, StorageFullError
from retrieverkit_indexing.derived import DatabaseIndex, RebuildRequired, inspect, remove_all
from retrieverkit_testkit.children import in_child, in_children

WORDS = st.sampled_from(["red", "green", "blue"])
IDS = st.sampled_from([f"n{i}" for i in range(8)])


class WordTable(DatabaseIndex):
    """Which ordinals hold a word, as a table."""

    name = "word_table"
    format_version = 1

    def __init__(self, corpus, storage, **config):
        super().__init__(corpus, storage, config)
        self.built = 0
        self.updated = 0

    def build(self, connection, nodes):
        self.built += 1
        connection.execute("CREATE TABLE IF NOT EXISTS words (word TEXT, ordinal INTEGER, PRIMARY KEY (word, ordinal))")
        self.fill(connection, nodes)

    def update(self, connection, removed, added):
        self.updated += 1
        connection.executemany("DELETE FROM words WHERE ordinal = ?", [(ordinal,) for ordinal in removed])
        self.fill(connection, added)

    def fill(self, connection, nodes):
        for ordinal, node in nodes:
            rows = [(word, ordinal) for word in set(node.text.split())]
            connection.executemany("INSERT INTO words VALUES (?, ?)", rows)

    def open(self, database):
        return database

    def find(self, word):
        def search(database):
            with database.reading() as connection:
                rows = connection.execute("SELECT ordinal FROM words WHERE word = ? ORDER BY ordinal", (word,))
                return [ordinal for (ordinal,) in rows]

        return self.ask_at(search)[0]


def whole(index):
    with index.reader().reading() as connection:
        return connection.execute("SELECT word, ordinal FROM words ORDER BY word, ordinal").fetchall()


def the_file(storage):
    (path,) = storage.rglob("index.sqlite")
    return path


def test_it_follows_its_corpus(corpus, tmp_path, kit):
    index = WordTable(corpus, tmp_path / "s")
    assert index.find("blue") == kit.expected(corpus, "blue") != []
    corpus.add(new="blue")
    corpus.delete("n1", "n3")
    assert index.find("blue") == kit.expected(corpus, "blue")
    assert (index.built, index.updated) == (1, 1)
    status = index.status()
    assert (status.behind, status.nodes, status.rebuilds, status.problems) == (0, 19, 0, ())
    assert inspect(tmp_path / "s", corpus) == [status]
    again = WordTable(kit.LogCorpus(corpus.path), tmp_path / "s")
    assert again.find("blue") == kit.expected(corpus, "blue")
    assert again.reader() is index.reader()
    assert index.check() == []


def test_what_an_index_counts_is_known_without_it(corpus, tmp_path, kit):
    class Counted(WordTable):
        def counts(self, connection):
            return {"words": connection.execute("SELECT count(DISTINCT word) FROM words").fetchone()[0]}

    index = Counted(corpus, tmp_path / "s")
    index.reader()
    (status,) = inspect(tmp_path / "s", corpus)
    before = status.counts["words"]
    assert status.to_dict()["counts"] == {"words": before}
    corpus.add(new="unheard of")
    assert inspect(tmp_path / "s", corpus)[0].counts == {"words": before}
    index.reader()
    assert inspect(tmp_path / "s", corpus)[0].counts == {"words": before + 2}


def test_a_reader_sees_one_state_while_another_writes(corpus, tmp_path, kit):
    index = WordTable(corpus, tmp_path / "s")
    database = index.reader()
    count = "SELECT count(*) FROM words WHERE word = 'blue'"
    with database.reading() as connection:
        assert connection.execute(count).fetchone() == (10,)
        corpus.add(new="blue")
        assert len(index.find("blue")) == 11
        assert connection.execute(count).fetchone() == (10,)
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            connection.execute("DELETE FROM words")
    with database.reading() as connection:
        assert connection.execute(count).fetchone() == (11,)


def test_a_search_whose_file_was_replaced_meanwhile_is_made_again(corpus, tmp_path, kit):
    index = WordTable(corpus, tmp_path / "s")
    other = type("Other", (WordTable,), {})(corpus, tmp_path / "s")
    searched = []

    def search(database):
        searched.append(database)
        if len(searched) == 1:
            other.rebuild("for the test")
        with database.reading(), database.reading() as connection:  # a connection that was not open before
            return connection.execute("SELECT count(*) FROM words WHERE word = 'blue'").fetchone()

    assert index.ask_at(search)[0] == (10,)
    assert len(searched) == 2
    assert (index.status().rebuilds, index.built) == (1, 1)


def test_an_update_that_fails_half_way_changes_nothing(corpus, tmp_path, kit):
    class Failing(WordTable):
        def update(self, connection, removed, added):
            super().update(connection, removed, added)
            raise EndpointError("the model is away", retryable=True)

    index = Failing(corpus, tmp_path / "s")
    before = whole(index)
    corpus.delete("n1")
    corpus.add(new="blue")
    with pytest.raises(EndpointError):
        index.reader()
    with sqlite3.connect(the_file(tmp_path / "s")) as connection:
        assert connection.execute("SELECT word, ordinal FROM words ORDER BY 1, 2").fetchall() == before
    connection.close()
    assert WordTable(corpus, tmp_path / "s").find("blue") == kit.expected(corpus, "blue")


@pytest.mark.parametrize("ends", ["COMMIT", "ROLLBACK", "END", "commit()", "executescript"])
def test_an_update_cannot_end_the_transaction_that_moves_the_cursor(ends, corpus, tmp_path, kit):
    class Careless(WordTable):
        def update(self, connection, removed, added):
            super().update(connection, removed, added)
            if ends == "commit()":
                connection.commit()
            elif ends == "executescript":
                connection.executescript("CREATE TABLE more (x)")
            else:
                connection.execute(ends)

    index = Careless(corpus, tmp_path / "s")
    index.reader()
    corpus.delete("n1")
    assert index.find("blue") == kit.expected(corpus, "blue")
    assert "not authorized" in index.status().last_rebuild_reason
    assert index.status().rebuilds == 1


def test_an_update_may_ask_for_a_build(corpus, tmp_path, kit):
    class Picky(WordTable):
        def update(self, connection, removed, added):
            connection.execute("DELETE FROM words")
            raise RebuildRequired("I cannot delete")

    index = Picky(corpus, tmp_path / "s")
    index.reader()
    corpus.delete("n1")
    assert index.find("blue") == kit.expected(corpus, "blue")
    assert index.built == 2 and index.status().rebuilds == 0


def damages(path):
    data = path.read_bytes()
    yield "removed", None
    yield "emptied", b""
    yield "not a database", b"x" * len(data)
    yield "cut", data[: len(data) // 2]
    for name, replaced in (("application id", 68), ("version", 60), ("page size", 16)):
        yield name, data[:replaced] + b"\xff\xff\xff\xff" + data[replaced + 4 :]
    for page in range(1, len(data) // 4096):
        yield f"page {page} overwritten", data[: page * 4096] + b"\xaa" * 4096 + data[(page + 1) * 4096 :]


def test_damage_is_found_and_mended(corpus, tmp_path, kit):
    index = WordTable(corpus, tmp_path / "s")
    index.reader()
    found = list(damages(the_file(tmp_path / "s")))
    assert len(found) >= 10
    for what, data in found:
        index = None
        path = the_file(tmp_path / "s")
        path.unlink() if data is None else path.write_bytes(data)
        index = WordTable(corpus, tmp_path / "s")
        assert index.check() != [], what
        assert index.find("blue") == kit.expected(corpus, "blue"), what
        assert index.status().rebuilds >= 1, what
        assert index.check() == [], what


def test_damage_that_a_search_meets_is_mended(corpus, tmp_path, kit):
    index = WordTable(corpus, tmp_path / "s")
    corpus.add(**{f"m{i}": f"blue many{i} words{i}" for i in range(2000)})
    index.reader()
    path = the_file(tmp_path / "s")
    with path.open("r+b") as file:  # under the reader that is open
        file.seek(4096 * 2)
        file.write(b"\xaa" * (path.stat().st_size - 4096 * 3))
    assert index.find("blue") == kit.expected(corpus, "blue")
    assert "damaged" in index.status().last_rebuild_reason


def test_a_corpus_put_back_to_an_older_copy_is_noticed(corpus, tmp_path, kit):
    index = WordTable(corpus, tmp_path / "s")
    copy = corpus.path.read_text()
    corpus.add(**{f"lost{i}": "blue" for i in range(5)})
    index.reader()
    corpus.path.write_text(copy)
    corpus.add(**{f"kept{i}": "green" for i in range(5)})
    assert index.find("blue") == kit.expected(corpus, "blue")
    assert index.find("green") == kit.expected(corpus, "green")
    assert "history" in index.status().last_rebuild_reason


@pytest.mark.parametrize("gone", ["dropped", "removed", "deleted"])
def test_nobody_answers_from_what_is_gone(gone, corpus, tmp_path, kit):
    index = WordTable(corpus, tmp_path / "s")
    before = index.reader()
    {
        "dropped": lambda: type("Other", (WordTable,), {})(corpus, tmp_path / "s").drop(),
        "removed": lambda: remove_all(tmp_path / "s"),
        "deleted": lambda: shutil.rmtree(tmp_path / "s"),
    }[gone]()
    assert index.find("blue") == kit.expected(corpus, "blue")
    assert index.reader() is not before


def test_a_build_goes_on_where_it_was_stopped(corpus, tmp_path, kit):
    class Paid(WordTable):
        resumable = True
        retry_pause = 0.0
        asked = []
        at_most = 18

        def fill(self, connection, nodes):
            known = {ordinal for (ordinal,) in connection.execute("SELECT DISTINCT ordinal FROM words")}
            seen = set()
            for stored in nodes:
                seen.add(stored.ordinal)
                if stored.ordinal not in known:
                    if len(self.asked) == self.at_most:
                        raise EndpointError("the model is away", retryable=True)
                    self.asked.append(stored.ordinal)
                    super().fill(connection, [stored])
                    connection.execute("COMMIT")
                    connection.execute("BEGIN")
            for ordinal in known - seen:
                connection.execute("DELETE FROM words WHERE ordinal = ?", (ordinal,))

    with pytest.raises(EndpointError):
        Paid(corpus, tmp_path / "s").reader()
    corpus.delete("n1")
    Paid.at_most = 100
    index = Paid(corpus, tmp_path / "s")
    assert index.find("blue") == kit.expected(corpus, "blue")
    assert len(Paid.asked) == 20
    assert index.check() == []


def test_nothing_is_written_beside_a_corpus_that_is_only_read(corpus, tmp_path, kit):
    WordTable(corpus, tmp_path / "s").reader()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "s").rglob("*")}
    index = WordTable(corpus, tmp_path / "s")
    corpus.writable = False
    index = WordTable(corpus, tmp_path / "s")
    assert index.find("blue") == kit.expected(corpus, "blue")
    assert index.status().private
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "s").rglob("*")} == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_full_disk_is_told_and_loses_nothing(corpus, tmp_path, kit):
    import resource

    WordTable(corpus, tmp_path / "s").reader()
    corpus.add(**{f"big{i}": " ".join(f"w{i}x{j}" for j in range(400)) for i in range(8)})

    def on_a_full_disk():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, resource.RLIM_INFINITY))
        with pytest.raises(StorageFullError):
            WordTable(corpus, tmp_path / "s").reader()

    assert in_child(on_a_full_disk) == 0
    index = WordTable(corpus, tmp_path / "s")
    assert index.find("w1x1") == kit.expected(corpus, "w1x1") != []
    assert index.status().rebuilds == 0


@pytest.fixture
def machine(tmp_path_factory, kit):
    class Machine(RuleBasedStateMachine):
        """Whatever happens, the table is that of an index which was built from scratch."""

        def __init__(self):
            super().__init__()
            self.folder = tmp_path_factory.mktemp("machine")
            self.corpus = kit.LogCorpus(self.folder / "corpus.log")
            self.index = WordTable(self.corpus, self.folder / "s")

        @rule(texts=st.dictionaries(IDS, st.lists(WORDS, min_size=1).map(" ".join), min_size=1))
        def add(self, texts):
            self.corpus.add(**texts)

        @rule(ids=st.sets(IDS, min_size=1))
        def delete(self, ids):
            self.corpus.delete(*ids)

        @rule(n=st.integers(1, 6), texts=st.dictionaries(IDS, WORDS, max_size=4))
        def roll_back_and_go_on(self, n, texts):
            self.corpus.forget_last(n)
            self.corpus.add(**texts)

        @rule()
        def reopen(self):
            self.index = WordTable(self.corpus, self.folder / "s")

        @rule()
        def drop(self):
            self.index.drop()

        @rule(at=st.integers(0, 3))
        def crash_while_it_catches_up(self, at):
            class Crashing(WordTable):
                def fill(self, connection, nodes):
                    for number, stored in enumerate(nodes):
                        if number == at:
                            raise KeyboardInterrupt
                        super().fill(connection, [stored])

            try:
                Crashing(self.corpus, self.folder / "s").reader()
            except KeyboardInterrupt:
                pass

        @rule()
        def compare(self):
            scratch = WordTable(self.corpus, tmp_path_factory.mktemp("scratch"))
            assert whole(self.index) == whole(scratch)
            assert self.index.check() == []

        def teardown(self):
            self.compare()

    return Machine


@pytest.mark.slow
def test_any_history_gives_what_a_build_from_scratch_gives(machine):
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


def killed_at(step, work):
    """Run ``work`` in a child that kills itself at its ``step``-th statement or change of a file."""

    def suicidal():
        left = [step]

        def count(event, args):
            if event in {"sqlite3.connect", "os.rename", "os.mkdir", "os.remove", "shutil.rmtree", "open"}:
                left[0] -= 1
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)

        class Counted(WordTable):
            def fill(self, connection, nodes):
                connection.set_progress_handler(lambda: count("open", ("",)), 20)
                super().fill(connection, nodes)

        work(Counted)

    return in_child(suicidal)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("first", ["build", "update"])
def test_a_process_killed_at_any_step_leaves_what_can_be_used(first, corpus, tmp_path, kit):
    storage = tmp_path / "s"
    if first == "update":
        WordTable(corpus, storage).reader()
    before = tmp_path / "before"
    shutil.copytree(storage, before) if storage.exists() else before.mkdir()
    corpus.add(more="blue and some more words")
    corpus.delete("n1")
    killed = 0
    for step in range(1, 400, 3):
        shutil.rmtree(storage, ignore_errors=True)
        shutil.copytree(before, storage)
        status = killed_at(step, lambda kind: kind(corpus, storage).reader())
        index = WordTable(corpus, storage)
        assert index.find("blue") == kit.expected(corpus, "blue"), step
        assert index.check() == [] and index.status().rebuilds == 0, step
        if status == 0:
            break
        killed += 1
    assert killed > 5 and status == 0


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_many_processes_read_while_one_writes(corpus, tmp_path, kit):
    def work():
        index = WordTable(corpus, tmp_path / "s")
        for _ in range(30):
            before = kit.expected(corpus, "red")
            found = index.find("red")
            assert set(before) <= set(found)
        assert index.status().rebuilds == 0

    def busy():
        index = WordTable(corpus, tmp_path / "s")
        for i in range(20):
            corpus.add(**{f"new{i}": "red"})
            index.reader()

    assert in_children(busy, work, work) == [0, 0, 0]
    assert WordTable(corpus, tmp_path / "s").check() == []


def test_threads_read_one_index(corpus, tmp_path, kit):
    index = WordTable(corpus, tmp_path / "s")
    found = []
    threads = [threading.Thread(target=lambda: found.append(index.find("blue"))) for _ in range(12)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert found == [kit.expected(corpus, "blue")] * 12
    assert index.built == 1


def test_an_index_that_names_what_is_damaged_twice_is_an_error(corpus, tmp_path):
    class Broken(WordTable):
        def open(self, database):
            raise sqlite3.DatabaseError("malformed")

    with pytest.raises(DerivedIndexError, match="malformed"):
        Broken(corpus, tmp_path / "s").reader()
