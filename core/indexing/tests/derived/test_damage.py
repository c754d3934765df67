import hashlib
import json
import os
import random
import shutil
import signal
import stat
import subprocess
import sys
import threading

import pytest

from retrieverkit_core.errors import StorageFullError
from retrieverkit_indexing.derived import inspect
from retrieverkit_testkit.children import in_child, in_children, killed_at_write


def stored_files(storage):
    return sorted(path for path in storage.rglob("*") if path.is_file() and path.name != "lock")


def overwrite(path, data):
    """Write into a file, though it says that nobody may."""
    path.chmod(0o644)
    path.write_bytes(data)


def damages(path):
    data = path.read_bytes()
    rng = random.Random(path.suffix)
    yield "removed", None
    if not data:
        return
    yield "emptied", b""
    for quarter in range(1, 4):
        yield f"cut at {quarter}/4", data[: len(data) * quarter // 4]
    for _ in range(6):
        at = rng.randrange(len(data))
        yield f"bit flipped at {at}", data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]
    yield "made longer", data + b" "


@pytest.mark.slow
def test_a_damaged_file_is_found_and_the_index_rebuilt(corpus, tmp_path, kit, caplog):
    storage = tmp_path / "s"
    kit.WordIndex(corpus, storage).reader()
    corpus.add(more="blue")
    kit.WordIndex(corpus, storage).reader()
    for i in range(len(stored_files(storage))):
        for what, damaged in damages(stored_files(storage)[i]):
            index = None  # what it has open is intact
            path = stored_files(storage)[i]
            path.unlink() if damaged is None else overwrite(path, damaged)
            caplog.clear()
            index = kit.WordIndex(corpus, storage)
            assert index.find("blue") == kit.expected(corpus, "blue"), (path, what)
            if path.name in ("VERIFIED", "users"):  # nothing is known but that all is to be compared
                assert index.status().rebuilds == 0, (path, what)
            elif not (path.name == "CURRENT" and damaged is None):  # then nothing says that there was an index
                assert index.status().rebuilds >= 1, (path, what)
                assert "is rebuilt" in caplog.text, (path, what)
            assert index.check() == []
            index.drop()
            kit.WordIndex(corpus, storage).reader()
            corpus.add(more="blue again")
            kit.WordIndex(corpus, storage).reader()


def test_check_finds_what_a_running_process_would_not(corpus, tmp_path, kit):
    index = kit.WordIndex(corpus, tmp_path / "s")
    index.reader()
    assert index.check() == []
    (path,) = (path for path in stored_files(tmp_path / "s") if path.name == "0.json")
    overwrite(path, path.read_bytes().replace(b"blue", b"blow"))
    assert index.check() == ["parts/0.json has other contents than were written"]
    assert index.find("blue") == kit.expected(corpus, "blue")
    assert index.check() == []
    assert index.status().last_rebuild_reason == "parts/0.json has other contents than were written"


def test_swapped_folders_are_noticed(corpus, tmp_path, kit):
    other = kit.LogCorpus(tmp_path / "other.log")
    other.add(a="blue", b="blue green")
    mine, theirs = kit.WordIndex(corpus, tmp_path / "s"), kit.WordIndex(other, tmp_path / "t")
    german = kit.WordIndex(corpus, tmp_path / "s", language="de")
    for index in (mine, theirs, german):
        index.reader()
    for source in (theirs, german):
        shutil.rmtree(mine.status().folder)
        shutil.copytree(source.status().folder, mine.status().folder)
        again = kit.WordIndex(corpus, tmp_path / "s")
        assert again.status().problems
        assert again.find("blue") == kit.expected(corpus, "blue")
        assert again.status().rebuilds == 1


def test_a_corpus_put_back_to_an_older_copy_is_noticed(corpus, tmp_path, kit):
    index = kit.WordIndex(corpus, tmp_path / "s")
    copy = corpus.path.read_text()
    corpus.add(**{f"lost{i}": "blue" for i in range(5)})
    index.reader()
    corpus.path.write_text(copy)
    corpus.add(**{f"kept{i}": "green" for i in range(5)})  # the same sequence numbers again
    assert index.find("blue") == kit.expected(corpus, "blue")
    assert index.find("green") == kit.expected(corpus, "green")
    assert "history" in index.status().last_rebuild_reason


def test_a_manifest_cannot_reach_outside_of_its_folder(corpus, tmp_path, kit):
    kit.WordIndex(corpus, tmp_path / "s").reader()
    (path,) = (tmp_path / "s").rglob("manifest.json")
    body = json.loads(path.read_bytes())
    body["files"]["../../../corpus.log"] = [corpus.path.stat().st_size, ""]
    del body["checksum"]
    plain = json.dumps(body, sort_keys=True, separators=(",", ":"))
    body["checksum"] = hashlib.blake2b(plain.encode(), digest_size=32).hexdigest()
    overwrite(path, json.dumps(body, sort_keys=True, separators=(",", ":")).encode())
    again = kit.WordIndex(corpus, tmp_path / "s")
    assert again.find("blue") == kit.expected(corpus, "blue")
    assert "outside" in again.status().last_rebuild_reason


@pytest.mark.parametrize("name", ["CURRENT", "manifest.json", "VERIFIED", "0.json"])
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(name, corpus, tmp_path, kit):
    kit.WordIndex(corpus, tmp_path / "s").reader()
    (path,) = (tmp_path / "s").rglob(name)
    path.unlink()
    os.mkfifo(path)
    assert name == "VERIFIED" or inspect(tmp_path / "s", corpus)[0].problems
    index = kit.WordIndex(corpus, tmp_path / "s")
    assert index.find("blue") == kit.expected(corpus, "blue")
    assert index.check() == []


def test_nobody_may_write_into_a_generation(corpus, tmp_path, kit):
    index = kit.WordIndex(corpus, tmp_path / "s")
    index.reader()
    corpus.add(more="blue")
    index.reader()
    files = [path for path in (tmp_path / "s").glob("*/gen-*/**/*") if path.is_file()]
    assert len(files) == 3
    assert [stat.S_IMODE(path.stat().st_mode) & 0o333 for path in files] == [0, 0, 0]


def test_what_was_verified_is_not_read_again_until_it_is_changed(corpus, tmp_path, kit):
    kit.WordIndex(corpus, tmp_path / "s").reader()
    opened = []
    sys.addaudithook(lambda event, args: event == "open" and opened.append(str(args[0])))

    def read_by_another():
        opened.clear()
        assert kit.WordIndex(corpus, tmp_path / "s").find("blue") == kit.expected(corpus, "blue")
        return sum(name.endswith("0.json") for name in opened)

    (path,) = (tmp_path / "s").rglob("0.json")
    assert read_by_another() == 1  # by the index itself
    os.utime(path)
    assert read_by_another() == 2
    assert read_by_another() == 1
    corpus.add(more="blue")
    assert read_by_another() == 1  # linking changes how a file looks, and is no reason to read it
    assert read_by_another() == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("first", ["build", "update"])
def test_a_process_killed_at_any_step_leaves_what_can_be_used(first, corpus, tmp_path, kit):
    storage = tmp_path / "s"
    if first == "update":
        kit.WordIndex(corpus, storage).reader()
    before = tmp_path / "before"
    shutil.copytree(storage, before) if storage.exists() else before.mkdir()
    corpus.add(more="blue")
    corpus.delete("n1")
    for step in range(1, 200):
        shutil.rmtree(storage, ignore_errors=True)
        shutil.copytree(before, storage)
        status = killed_at_write(step, storage, lambda: kit.WordIndex(corpus, storage).reader())
        index = kit.WordIndex(corpus, storage)
        assert index.find("blue") == kit.expected(corpus, "blue"), step
        assert index.status().rebuilds == 0, (step, index.status())
        index.rebuild("what the dead one left goes when the next generation is made")
        assert (
            len(list((storage / os.listdir(storage)[0]).iterdir())) == 5
        )  # lock, users, CURRENT, VERIFIED, one generation
        if status == 0:
            break
        assert os.WIFSIGNALED(status), step
    assert 10 < step < 199


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_processes_catch_up_at_once(corpus, tmp_path, kit):
    def work():
        index = kit.WordIndex(corpus, tmp_path / "s")
        for _ in range(20):
            assert index.find("red") == kit.expected(corpus, "red")
        assert index.status().rebuilds == 0

    def busy():
        for i in range(10):
            corpus.add(**{f"new{i}": "green"})
            work()

    assert in_children(busy, work, work) == [0, 0, 0]
    assert kit.WordIndex(corpus, tmp_path / "s").check() == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_opens_its_own_reader(corpus, tmp_path, kit):
    building, go_on = threading.Event(), threading.Event()

    class Slow(kit.WordIndex):
        def update(self, folder, removed, added):
            building.set()
            assert go_on.wait(60)
            super().update(folder, removed, added)

    index = Slow(corpus, tmp_path / "s")
    before = index.reader()
    corpus.add(more="blue")
    other = threading.Thread(target=index.reader)
    other.start()
    assert building.wait(60)

    def child():
        go_on.set()
        shutil.rmtree(tmp_path / "s")  # the lock is the parent's
        assert index.reader() is not before
        assert index.find("blue") == kit.expected(corpus, "blue")

    assert in_child(child) == 0
    go_on.set()
    other.join()
    assert index.find("blue") == kit.expected(corpus, "blue")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_storage_that_cannot_be_written_to(corpus, tmp_path, kit, obey_permissions):
    storage = tmp_path / "s"
    kit.WordIndex(corpus, storage).reader()
    for path in [storage, *storage.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)

    def fresh():
        obey_permissions()
        index = kit.WordIndex(corpus, storage)
        assert index.find("blue") == kit.expected(corpus, "blue")
        assert index.built == 0 and not index.status().private

    def behind():
        obey_permissions()
        index = kit.WordIndex(corpus, storage)
        assert index.find("blue") == kit.expected(corpus, "blue")
        assert (index.built, index.updated) == (0, 1) and index.status().private
        assert os.listdir(index.status().folder)
        import atexit

        atexit._run_exitfuncs()
        assert not os.path.exists(index.status().folder)

    assert in_child(fresh) == 0
    corpus.add(more="blue")
    assert in_child(behind) == 0
    for path in [storage, *storage.rglob("*")]:
        path.chmod(0o755)
    assert kit.WordIndex(corpus, storage).find("blue") == kit.expected(corpus, "blue")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_full_disk_is_told_and_loses_nothing(corpus, tmp_path, kit):
    import resource

    index = kit.WordIndex(corpus, tmp_path / "s")
    index.reader()
    corpus.add(big="blue " * 20_000)

    def child():
        kit.WordIndex.retry_pause = 0.0
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))
        for _ in range(2):
            with pytest.raises(StorageFullError):
                kit.WordIndex(corpus, tmp_path / "s").reader()
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        again = kit.WordIndex(corpus, tmp_path / "s")
        assert again.status().behind == 1 and again.check() == []
        assert again.find("blue") == kit.expected(corpus, "blue")
        assert again.built == 0

    assert in_child(child) == 0


def test_importing_core_loads_no_lock_library():
    code = "import sys, retrieverkit_indexing.derived; print('filelock' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"
