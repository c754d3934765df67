"""One open index for all who use it, however often it is asked, removed, or broken under them."""

import os
import shutil
import subprocess
import sys
import threading
import weakref
from contextlib import contextmanager
from pathlib import Path

import pytest

from retrieverkit_core.deadline import limited, remaining
from retrieverkit_core.errors import BuildPostponedError, DeadlineExceededError, DerivedIndexError, EndpointError
from retrieverkit_core.threads import WORKERS
from retrieverkit_indexing.derived import collect, inspect, remove_all
from retrieverkit_indexing.derived._folder import IndexFolder


class PanicException(BaseException):
    """What an engine in Rust raises: pyo3's has this name and base."""


def test_one_reader_serves_all(corpus, tmp_path, kit):
    again = kit.LogCorpus(corpus.path)
    indexes = [kit.WordIndex(corpus if i % 2 else again, tmp_path / "s") for i in range(10)]
    readers = [index.reader() for index in indexes]
    assert all(reader is readers[0] for reader in readers)
    corpus.add(more="blue")
    assert indexes[3].reader() is indexes[4].reader() is not readers[0]
    assert sum(index.built + index.updated for index in indexes) == 2
    assert indexes[5].find("blue") == kit.expected(corpus, "blue")


def test_what_an_open_reader_holds_is_shared_only_by_who_would_hold_the_same(corpus, tmp_path, kit):
    class Modelled(kit.WordIndex):
        def __init__(self, model):
            super(kit.WordIndex, self).__init__(corpus, tmp_path / "s", {}, uses=(model,))
            self.model, self.built, self.updated = model, 0, 0

        def open(self, folder):
            return self.model

    one, other = object(), object()
    first, second, third = Modelled(one), Modelled(other), Modelled(one)
    assert [index.reader() for index in (first, second, third)] == [one, other, one]
    assert [index.built for index in (first, second, third)] == [1, 0, 0]


def test_an_index_that_nobody_uses_is_closed(corpus, tmp_path, kit):
    class Reader(dict):
        pass

    class Closing(kit.WordIndex):
        def open(self, folder):
            return Reader(super().open(folder))

    index = Closing(corpus, tmp_path / "s")
    reader = weakref.ref(index.reader())
    del index
    assert reader() is None


@pytest.mark.parametrize("how", ["dropped by another", "deleted", "reindexed", "rebuilt by another process"])
def test_nobody_answers_from_what_is_gone(how, corpus, tmp_path, kit):
    storage = tmp_path / "s"
    index = kit.WordIndex(corpus, storage)
    before = index.reader()
    if how == "dropped by another":
        type("Other", (kit.WordIndex,), {})(corpus, storage).drop()
    elif how == "deleted":
        shutil.rmtree(storage)
    elif how == "reindexed":
        remove_all(storage)
    else:
        type("Other", (kit.WordIndex,), {})(corpus, storage).rebuild("for the test")
    assert index.reader() is not before
    assert index.find("blue") == kit.expected(corpus, "blue")
    (stored,) = inspect(storage, corpus)
    assert stored.problems == () and stored.nodes == 20


def test_removing_waits_for_who_builds(corpus, tmp_path, kit):
    building, go_on = threading.Event(), threading.Event()

    class Slow(kit.WordIndex):
        def build(self, folder, nodes):
            building.set()
            assert go_on.wait(60)
            super().build(folder, nodes)

    found = []
    index = Slow(corpus, tmp_path / "s")
    query = threading.Thread(target=lambda: found.append(index.find("blue")))
    query.start()
    assert building.wait(60)
    removal = threading.Thread(target=lambda: remove_all(tmp_path / "s"))
    removal.start()
    go_on.set()
    query.join()
    removal.join()
    assert found == [kit.expected(corpus, "blue")]


def test_what_is_built_as_soon_as_the_old_is_removed_stays(corpus, tmp_path, kit, monkeypatch):
    storage = tmp_path / "s"
    index = kit.WordIndex(corpus, storage)
    index.reader()
    folder = Path(index.status().folder)
    (folder / "left-by-somebody").mkdir()
    (folder / "left-by-somebody" / "file").touch()
    locked = IndexFolder.locked

    @contextmanager
    def locked_and_then_built(self):
        with locked(self):
            yield
        monkeypatch.setattr(IndexFolder, "locked", locked)
        type("Other", (kit.WordIndex,), {})(corpus, storage).reader()

    monkeypatch.setattr(IndexFolder, "locked", locked_and_then_built)
    remove_all(storage)
    (stored,) = inspect(storage, corpus)
    assert stored.problems == () and stored.nodes == 20
    assert not (folder / "left-by-somebody").exists()


def test_queries_behind_a_build_keep_to_their_deadline(corpus, tmp_path, kit):
    building, go_on = threading.Event(), threading.Event()
    deadlines = []

    class Slow(kit.WordIndex):
        def build(self, folder, nodes):
            deadlines.append(remaining())
            building.set()
            assert go_on.wait(60)
            super().build(folder, nodes)

    index = Slow(corpus, tmp_path / "s")

    def ask():
        with limited(0.05):
            return index.find("blue")

    first = WORKERS.submit(ask)
    assert building.wait(60)
    others = [WORKERS.submit(ask) for _ in range(20)]
    for other in others:
        with pytest.raises(DeadlineExceededError, match="words"):
            other.result(60)
    assert not first.done()
    go_on.set()
    assert first.result(60) == kit.expected(corpus, "blue")
    assert deadlines == [None]  # it is built for all who come, not for the first of them


def test_queries_behind_another_process_keep_to_their_deadline(corpus, tmp_path, kit):
    index = kit.WordIndex(corpus, tmp_path / "s")
    index.reader()
    corpus.add(more="blue")
    lock = os.path.join(index.status().folder, "lock")
    program = (
        "import sys, filelock\nwith filelock.FileLock(sys.argv[1]):\n print('held', flush=True)\n sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, lock], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "held\n"
        with limited(0.1), pytest.raises(DeadlineExceededError, match="another process"):
            index.reader()
        other.stdin.close()
    assert index.find("blue") == kit.expected(corpus, "blue")


def test_a_panic_of_an_engine_on_files_that_were_changed(corpus, tmp_path, kit):
    index = kit.WordIndex(corpus, tmp_path / "s")
    index.reader()
    (path,) = (tmp_path / "s").rglob("0.json")
    intact = path.stat().st_ino

    def search(reader):
        if next((tmp_path / "s").rglob("0.json")).stat().st_ino == intact:
            raise PanicException("called `Option::unwrap()` on a `None` value")
        return sorted(ordinal for ordinal, words in reader.items() if "blue" in words)

    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"blue", b"blow"))
    found, cursor = index.ask_at(search)
    assert (found, cursor) == (kit.expected(corpus, "blue"), corpus.head())
    assert index.status().last_rebuild_reason == "parts/0.json has other contents than were written"


def test_files_that_are_written_to_while_they_are_open_are_noticed(corpus, tmp_path, kit):
    class Watchful(kit.WordIndex):
        look_pause = 0.0

    index = Watchful(corpus, tmp_path / "s")
    before = index.reader()
    assert index.reader() is before
    (path,) = (tmp_path / "s").rglob("0.json")
    os.utime(path)
    assert index.find("blue") == kit.expected(corpus, "blue")
    assert index.status().rebuilds == 0
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"blue", b"blow"))
    assert index.find("blue") == kit.expected(corpus, "blue")
    assert index.status().last_rebuild_reason == "parts/0.json has other contents than were written"


def test_a_panic_on_intact_files_is_an_error_of_this_index(corpus, tmp_path, kit):
    index = kit.WordIndex(corpus, tmp_path / "s")
    before = index.reader()

    def search(reader):
        raise PanicException("a bug")

    with pytest.raises(DerivedIndexError, match="a bug"):
        index.ask_at(search)
    assert index.reader() is not before
    assert index.find("blue") == kit.expected(corpus, "blue")
    assert index.status().rebuilds == 0


def test_an_error_of_a_search_on_intact_files_is_raised_as_it_is(corpus, tmp_path, kit):
    index = kit.WordIndex(corpus, tmp_path / "s")
    with pytest.raises(ZeroDivisionError):
        index.ask_at(lambda reader: 1 / 0)
    assert (index.built, index.status().rebuilds) == (1, 0)


@pytest.mark.parametrize("where", ["open", "update"])
def test_a_panic_while_it_is_opened_or_updated_makes_it_be_built_again(where, corpus, tmp_path, kit):
    class Panicking(kit.WordIndex):
        panics = 1

        def open(self, folder):
            self.panic("open")
            return super().open(folder)

        def update(self, folder, removed, added):
            self.panic("update")
            super().update(folder, removed, added)

        def panic(self, at):
            if at == where and self.built and self.panics:
                self.panics -= 1
                raise PanicException("a bug")

    kit.WordIndex(corpus, tmp_path / "s").reader()
    index = Panicking(corpus, tmp_path / "s")
    index.built = 1
    corpus.add(more="blue")
    assert index.find("blue") == kit.expected(corpus, "blue")
    assert "a bug" in index.status().last_rebuild_reason


class Words(dict):
    """The words of each node that were paid for, kept beside the index while it is built."""


def paid_index(kit):
    class Paid(kit.WordIndex):
        resumable = True
        retry_pause = 0.0
        asked = []
        error = None
        at_most = 10**9

        def build(self, folder, nodes):
            kept = []
            for stored in nodes:
                path = folder / f"{stored.ordinal}.txt"
                if not path.exists():
                    if len(self.asked) >= self.at_most:
                        raise self.error
                    self.asked.append(stored.ordinal)
                    path.write_text(stored.node.text)
                kept.append(path.name)
            for path in folder.iterdir():
                if path.name not in kept:
                    path.unlink()

        def update(self, folder, removed, added):
            raise AssertionError

        def open(self, folder):
            return {int(path.stem): path.read_text().split() for path in folder.glob("*.txt")}

    return Paid


@pytest.mark.parametrize("end", ["a model that fails", "a kill"])
def test_a_build_goes_on_where_it_was_stopped(end, corpus, tmp_path, kit):
    Paid = paid_index(kit)
    Paid.at_most = 18
    if end == "a kill":
        pid = os.fork()
        if pid == 0:
            Paid.error = SystemExit
            try:
                Paid(corpus, tmp_path / "s").reader()
            finally:
                os._exit(1)
        os.waitpid(pid, 0)
        Paid.asked[:] = range(1, 19)
    else:
        Paid.error = EndpointError("the model is away", retryable=True)
        with pytest.raises(EndpointError):
            Paid(corpus, tmp_path / "s").reader()
    corpus.delete("n1")  # its words were paid for, and must not be found
    Paid.at_most = 10**9
    index = Paid(corpus, tmp_path / "s")
    assert index.find("blue") == kit.expected(corpus, "blue")
    assert len(Paid.asked) == 20 and len(set(Paid.asked)) == 20
    assert index.check() == [] and index.status().rebuilds == 0


def test_what_was_left_from_another_history_is_not_gone_on_with(corpus, tmp_path, kit):
    Paid = paid_index(kit)
    Paid.at_most, Paid.error = 18, EndpointError("the model is away", retryable=True)
    with pytest.raises(EndpointError):
        Paid(corpus, tmp_path / "s").reader()
    corpus.forget_last(10)
    corpus.add(**{f"m{i}": "green" for i in range(10)})  # ordinals that were given before
    Paid.at_most = 10**9
    assert Paid(corpus, tmp_path / "s").find("blue") == kit.expected(corpus, "blue")


def test_what_was_left_and_makes_the_build_fail_is_thrown_away(corpus, tmp_path, kit):
    class Strict(paid_index(kit)):
        def build(self, folder, nodes):
            if any(folder.iterdir()):
                raise ValueError("what is this?")
            super().build(folder, nodes)

    Strict.at_most, Strict.error = 18, EndpointError("the model is away", retryable=True)
    with pytest.raises(EndpointError):
        Strict(corpus, tmp_path / "s").reader()
    Strict.at_most = 10**9
    with pytest.raises(DerivedIndexError, match="what is this"):
        Strict(corpus, tmp_path / "s").reader()
    assert Strict(corpus, tmp_path / "s").find("blue") == kit.expected(corpus, "blue")


def snapshot_of(folder):
    return {
        path: (path.stat().st_mtime_ns, path.stat().st_ino, path.is_file() and path.read_bytes())
        for path in sorted(folder.rglob("*"))
    }


class ReadOnlyCorpus:
    """A corpus that says that nothing may be written beside it."""

    writable = False

    def __init__(self, corpus):
        self._corpus = corpus

    def __getattr__(self, name):
        return getattr(self._corpus, name)


@pytest.mark.parametrize("stored", ["nothing", "up to date", "behind", "damaged"])
def test_nothing_is_written_beside_a_corpus_that_is_only_read(stored, corpus, tmp_path, kit):
    storage = tmp_path / "s"
    storage.mkdir()
    if stored != "nothing":
        kit.WordIndex(corpus, storage).reader()
    if stored == "behind":
        corpus.add(more="blue")
    if stored == "damaged":
        (path,) = storage.rglob("0.json")
        path.unlink()
        path.write_text("")
    before = snapshot_of(storage)
    index = kit.WordIndex(ReadOnlyCorpus(corpus), storage)
    assert index.find("blue") == kit.expected(corpus, "blue")
    private = index.status().folder
    assert index.status().private is (stored != "up to date")
    assert (index.built, index.updated) == {"up to date": (0, 0), "behind": (0, 1)}.get(stored, (1, 0))
    index.drop()
    inspect(storage, corpus, read_only=True)
    assert snapshot_of(storage) == before
    del index
    assert stored == "up to date" or not os.path.exists(private)


def test_indexes_of_former_settings_are_collected_when_nobody_uses_them(corpus, tmp_path, kit):
    storage = tmp_path / "s"

    def open_and_close(**settings):
        index = kit.WordIndex(corpus, storage, **settings)
        index.reader()
        return index

    former = open_and_close(language="en").status().folder
    kept = open_and_close(language="fr").status().folder
    used = open_and_close(language="de")
    for folder in (former, kept, used.status().folder):
        os.utime(os.path.join(folder, "users"), (1.0, 1.0))
    current = open_and_close(language="it")
    marked = {status.folder: status.former for status in inspect(storage, corpus)}
    assert marked == {former: True, kept: True, used.status().folder: True, current.status().folder: False}
    removed = collect(storage, corpus, keep=[kept])
    assert [status.folder for status in removed] == [former]
    assert not os.path.exists(former)
    assert used.find("blue") == kit.expected(corpus, "blue") and used.built == 1
    assert collect(storage, corpus, keep=[kept], unopened_days=0) == []


def test_what_was_opened_lately_is_not_collected(corpus, tmp_path, kit):
    first = kit.WordIndex(corpus, tmp_path / "s", language="en")
    first.reader()
    folder = first.status().folder
    del first
    kit.WordIndex(corpus, tmp_path / "s", language="de").reader()
    assert collect(tmp_path / "s", corpus) == []
    kit.WordIndex(corpus, tmp_path / "s", language="en").reader()  # both are wanted
    assert not any(status.former for status in inspect(tmp_path / "s", corpus))
    assert os.path.exists(folder)


def test_a_postponed_build_can_be_told_apart(corpus, tmp_path, kit):
    class Failing(kit.WordIndex):
        def build(self, folder, nodes):
            raise RuntimeError("odd")

    index = Failing(corpus, tmp_path / "s")
    with pytest.raises(DerivedIndexError):
        index.reader()
    with pytest.raises(BuildPostponedError) as postponed:
        index.reader()
    assert postponed.value.retryable and postponed.value.code == "build_postponed"
    assert isinstance(postponed.value.__cause__, DerivedIndexError) and postponed.value.__cause__.fix in str(
        postponed.value
    )
