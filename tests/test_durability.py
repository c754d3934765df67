"""What was acknowledged is found: after kills, damage, restored copies, and beside other processes."""

import os
import random
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from modes import searchable_modes

from retrieverkit import Document, Index

PROGRAM = Path(__file__).parent / "programs" / "add_and_search.py"
ROUNDS = int(os.environ.get("RETRIEVERKIT_KILL_ROUNDS", "8"))
MODES = searchable_modes()

each_mode = pytest.mark.parametrize("mode", MODES.values(), ids=MODES.keys())


def start(folder, first, batches, size, mode):
    arguments = [str(folder), str(first), str(batches), str(size), mode]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}  # threads of eight processes would wait for each other
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), *arguments], stdout=subprocess.PIPE, text=True, env=environment
    )


def acknowledged(lines):
    """Return the numbers that must be there, and those that may be: the next step may have been committed."""
    there, gone = set(), set()
    for line in lines:
        what, *numbers = line.split()
        if what == "added":
            there |= set(range(int(numbers[0]), int(numbers[1])))
        else:
            gone.add(int(numbers[0]))
    return there - gone, gone


def check_all(folder, mode, lines, size):
    there, gone = acknowledged(lines)
    with Index.open(folder) as index:
        report = index.check()
        assert (report.problems, report.derived) == ([], [])
        stored = set(index.document_ids())
        lost = {n for n in there if f"d{n}" not in stored}
        assert all(n % size == 0 for n in lost), "not the first of a batch, whose delete may be unacknowledged"
        assert not {f"d{n}" for n in gone} & stored
        found = {hit.ref_doc_id for hit in index.as_retriever(mode, top_k=100_000).retrieve("common words")}
        assert found == stored
        if mode == "bm25":
            exactly = index.as_retriever(mode, top_k=3)
            assert all([h.ref_doc_id for h in exactly.retrieve(f"token{n}")] == [f"d{n}"] for n in there - lost)
        for node in index:
            number = int(node.id[1:])
            assert node.text == f"common words and token{number} of batch{node.metadata['batch']}"


@pytest.mark.slow
@each_mode
def test_every_acknowledged_document_is_found_after_kill_9(tmp_path, mode):
    folder = tmp_path / "index"
    lines, first, killed = [], 0, 0
    rounds = ROUNDS if mode == "bm25" else max(2, ROUNDS // 3)
    for round_number in range(rounds):
        process = start(folder, first, 1000, 4, mode)
        wanted = random.Random(round_number).randrange(1, 12)
        for line in process.stdout:
            lines.append(line)
            if len(lines) % 12 >= wanted or line.startswith("deleted"):
                break
        timer = threading.Timer(random.Random(round_number).random() * 0.05, process.kill)
        timer.start()
        lines += list(process.stdout)
        killed += process.wait() == -9
        timer.join()
        first = 4 * (1 + max((int(line.split()[1]) for line in lines), default=0) // 4) + 4
        check_all(folder, mode, lines, 4)
    assert killed == rounds


@pytest.mark.slow
@pytest.mark.parametrize("mode", [MODES[name] for name in ("bm25", "hybrid") if name in MODES])
def test_eight_processes_add_at_once(tmp_path, mode):
    folder = tmp_path / "index"
    batches, size = (12, 10) if mode == "bm25" else (4, 20)
    running = [start(folder, 1000 * n, batches, size, mode) for n in range(8)]
    outputs = [process.communicate()[0] for process in running]
    assert [process.returncode for process in running] == [0] * 8
    with Index.open(folder) as index:
        assert len(index) == 8 * (batches * size - batches // 4)
    check_all(folder, mode, [line for output in outputs for line in output.splitlines()], size)


@each_mode
def test_64_threads_read_while_one_writes(tmp_path, mode):
    with Index.open(tmp_path / "index", create=True) as index:
        index.add([Document(f"steady words {n}", id=f"s{n}") for n in range(20)])
        retriever = index.as_retriever(mode, top_k=1000)
        stop = threading.Event()

        def write():
            for n in range(15):
                index.add([Document(f"steady pair{n} {half}", id=f"p{n}-{half}") for half in "ab"])
            stop.set()

        def read():
            answers = 0
            seen = 0
            while not stop.is_set() or not answers:
                found = [hit.ref_doc_id for hit in retriever.retrieve("steady")]
                pairs = [name for name in found if name.startswith("p")]
                assert len(found) == len(set(found))
                assert len(pairs) % 2 == 0, "half of a transaction was seen"
                assert len(found) >= max(seen, 20), "the past came back"
                seen = len(found)
                answers += 1
            return answers

        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-5)
        try:
            with ThreadPoolExecutor(65) as pool:
                readers = [pool.submit(read) for _ in range(64)]
                pool.submit(write).result()
                assert all(reader.result() for reader in readers)
        finally:
            sys.setswitchinterval(interval)
        assert len(retriever.retrieve("steady")) == 50


def ids(index, mode, query="words", k=100):
    return [hit.ref_doc_id for hit in index.as_retriever(mode, top_k=k).retrieve(query)]


def filled(folder, mode, names):
    with Index.open(folder, create=True) as index:
        index.add([Document(f"words about {name}", id=name) for name in names])
        ids(index, mode)


@each_mode
def test_an_older_copy_put_back_is_noticed(tmp_path, mode):
    folder, copy = tmp_path / "index", tmp_path / "copy"
    filled(folder, mode, ["a", "b"])
    shutil.copytree(folder, copy)
    filled(folder, mode, ["c", "d"])
    shutil.rmtree(copy / "derived")
    shutil.copytree(folder / "derived", copy / "derived")
    with Index.open(copy) as index:
        index.add([Document("words about e", id="e"), Document("words about f", id="f")])
        assert sorted(ids(index, mode)) == ["a", "b", "e", "f"]


@each_mode
def test_indexes_swapped_between_corpora_are_noticed(tmp_path, mode):
    filled(tmp_path / "one", mode, ["a", "b", "c"])
    filled(tmp_path / "two", mode, ["x", "y", "z"])
    shutil.rmtree(tmp_path / "one" / "derived")
    shutil.copytree(tmp_path / "two" / "derived", tmp_path / "one" / "derived")
    with Index.open(tmp_path / "one", create=True) as index:
        assert index.check().derived
        assert sorted(ids(index, mode)) == ["a", "b", "c"]
        assert index.check().derived == []


@pytest.mark.slow
@each_mode
def test_truncated_flipped_and_missing_files_are_rebuilt(tmp_path, mode):
    folder = tmp_path / "index"
    filled(folder, mode, ["a", "b", "c"])
    with Index.open(folder) as index:
        expected = ids(index, mode)
    choose = random.Random(1)
    copies = []
    for damage in ("truncate", "flip", "remove"):
        for number in range(5):
            copies.append(shutil.copytree(folder, tmp_path / f"{damage}-{number}"))
            spoil(copies[-1] / "derived", damage, choose)
    program = "import sys; from retrieverkit import Index\n"
    program += "for copy in sys.argv[2:]:\n    with Index.open(copy) as index:\n"
    program += "        found = index.as_retriever(sys.argv[1], top_k=100).retrieve('words')\n"
    program += "        print(copy, *[hit.ref_doc_id for hit in found])"
    done = subprocess.run([sys.executable, "-c", program, mode, *copies], capture_output=True, text=True)
    assert [line.split() for line in done.stdout.splitlines()] == [[str(c), *expected] for c in copies], done.stderr


def spoil(folder, damage, choose):
    """Damage one file below a folder."""
    target = choose.choice(sorted(path for path in folder.rglob("*") if path.is_file() and path.stat().st_size))
    data = target.read_bytes()
    target.unlink()  # what is published may only be read, but by root
    if damage == "truncate":
        target.write_bytes(data[: len(data) // 2])
    elif damage == "flip":
        at = choose.randrange(len(data))
        target.write_bytes(data[:at] + bytes([data[at] ^ 1 << choose.randrange(8)]) + data[at + 1 :])


@each_mode
def test_add_then_delete_equals_never_added(tmp_path, mode):
    texts = {f"k{n}": f"words {'rare' * (n % 3)} common {n}" for n in range(30)}
    with Index.open(tmp_path / "never", create=True) as never, Index.open(tmp_path / "was", create=True) as was:
        never.add([Document(text, id=name) for name, text in texts.items()])
        was.add([Document(text, id=name) for name, text in texts.items()])
        ids(was, mode)
        was.add([Document("words common rare rare", id=f"x{n}") for n in range(10)])
        ids(was, mode)
        was.delete([f"x{n}" for n in range(10)])
        for query in ("words", "rare common", "common 7"):
            expected = never.as_retriever(mode, top_k=50).retrieve(query)
            got = was.as_retriever(mode, top_k=50).retrieve(query)
            assert [h.ref_doc_id for h in got] == [h.ref_doc_id for h in expected]
            assert [h.score for h in got] == pytest.approx([h.score for h in expected], abs=1e-6)
