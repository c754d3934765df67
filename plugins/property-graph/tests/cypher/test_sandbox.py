"""The sandbox holds also what no allow-list has seen."""

import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import hostile_cypher
import pytest
from processes import processes_about

from retrieverkit_property_graph.cypher.allowing import allowed
from retrieverkit_property_graph.cypher.errors import (
    CypherError,
    CypherQueryError,
    CypherTimeoutError,
    CypherWorkerError,
)
from retrieverkit_property_graph.cypher.rows import EntityRow, GraphRows
from retrieverkit_property_graph.cypher.sandbox.copying import Copy
from retrieverkit_property_graph.cypher.sandbox.folders import PrivateFolder
from retrieverkit_property_graph.cypher.sandbox.worker import Confinement

HONEST = (Path(__file__).parent / "queries" / "honest.cypher").read_text(encoding="utf-8").splitlines()
SECRET = "canary-7f3a"
ALL = "MATCH (e:Entity) RETURN e.id, e.name ORDER BY e.id"


def ask(copy, query, *, parameters=None, seconds=100.0, rows=100):
    return copy.workers.ask(query, parameters or {}, rows=rows, seconds=seconds)


def content(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_a_hundred_honest_queries_run(copy):
    assert len(HONEST) >= 100
    empty = 0
    for query in HONEST:
        run = allowed(query)
        answer = ask(copy, run.text, parameters=run.literals)
        assert run.columns is None or run.shows or len(run.columns) == len(answer.columns)
        if run.grounds is not None:
            assert ask(copy, run.grounds, parameters=run.literals).rows, query
        empty += not answer.rows
    assert empty < 10


def checked(copy, tmp_path, queries, seconds):
    """Run queries past the allow-list; nothing of the machine may come out, and nothing may be changed."""
    secret, out = tmp_path / "secret.csv", tmp_path / "out"
    secret.write_text(f"{SECRET}:{SECRET}\n", encoding="utf-8")
    out.mkdir()
    before, files = ask(copy, ALL), content(copy.folder)
    for query in queries:
        query = hostile_cypher.filled(query, secret=secret, out=out)
        try:
            told = repr(ask(copy, query, seconds=seconds, rows=10).rows)
        except CypherError as error:
            told = str(error).replace(query, "")
        assert SECRET not in told, query
        assert not [path for path in out.rglob("*") if path.is_file()], query
        assert str(copy.folder) not in told, query
    assert secret.read_text(encoding="utf-8") == f"{SECRET}:{SECRET}\n"
    assert content(copy.folder) == files
    assert ask(copy, ALL) == before


def test_what_reads_writes_and_changes_fails_in_the_sandbox(copy, tmp_path):
    sample = hostile_cypher.REFUSED[:30] + hostile_cypher.REFUSED[30::29]
    checked(copy, tmp_path, sample, seconds=1.0)


@pytest.mark.slow
def test_nothing_hostile_gets_out_of_the_sandbox(copy, tmp_path):
    assert len(hostile_cypher.REFUSED) >= 250
    checked(copy, tmp_path, hostile_cypher.REFUSED, seconds=0.5)


def test_what_takes_too_long_is_ended_and_the_next_query_is_answered(copy):
    run = allowed(hostile_cypher.BOMBS[0])
    with pytest.raises(CypherTimeoutError, match=r"longer than 0\.1 s"):
        ask(copy, run.text, parameters=run.literals, seconds=0.1)
    assert len(ask(copy, ALL).rows) == 59


@pytest.mark.slow
def test_what_takes_too_long_or_too_much_is_ended_and_the_next_query_is_answered(copy):
    before = ask(copy, ALL)
    ended = []
    for query in hostile_cypher.BOMBS:
        run = allowed(query)
        with pytest.raises(CypherError) as raised:
            ask(copy, run.text, parameters=run.literals, seconds=0.5)
        ended.append(raised.type)
        assert ask(copy, ALL) == before
    assert CypherTimeoutError in ended


def test_rows_are_read_up_to_a_limit_and_said_to_be_more(copy):
    some, every = ask(copy, ALL, rows=3), ask(copy, ALL, rows=1000)
    assert some.rows == every.rows[:3] and some.more
    assert len(every.rows) == 59 and not every.more


def test_one_answer_has_a_limit_too():
    copy = Copy(
        GraphRows([EntityRow(n, "x" * 1000, "x", (), ()) for n in range(20)], [], [], []), Confinement(answer=5000)
    )
    answer = ask(copy, ALL)
    assert 0 < len(answer.rows) < 6 and answer.more
    copy.close()


def test_an_error_of_the_query_is_told_and_keeps_the_process(copy):
    ask(copy, ALL)
    before = copy.workers.process_ids
    with pytest.raises(CypherQueryError, match="Cannot find property nope"):
        ask(copy, "MATCH (e:Entity) RETURN e.nope")
    assert copy.workers.process_ids == before


def test_a_process_that_is_killed_is_replaced(copy):
    ask(copy, ALL)
    (pid,) = copy.workers.process_ids
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(CypherTimeoutError):
        ask(copy, ALL, seconds=0.2)
    assert ask(copy, ALL).rows
    (pid,) = copy.workers.process_ids
    os.kill(pid, signal.SIGSTOP)
    os.kill(pid, signal.SIGKILL)
    try:
        assert ask(copy, ALL).rows
    except CypherWorkerError:
        assert ask(copy, ALL).rows
    assert copy.workers.process_ids != [pid]


def test_a_process_that_nobody_asks_ends_and_the_next_query_has_another():
    copy = Copy(GraphRows([EntityRow(1, "a", "a", (), ())], [], [], []), Confinement(idle=0.1))
    assert ask(copy, ALL).rows == ((1, "a"),)
    (pid,) = copy.workers.process_ids
    gone(pid)
    assert ask(copy, ALL).rows == ((1, "a"),)
    copy.close()


def test_names_are_kept_whatever_characters_they_have():
    names = [
        "",
        " ",
        "null",
        '"',
        "''",
        "\\",
        'a"\n,b',
        "[a, b]",
        "{x}",
        "\ufeffx",
        "居里夫人",
        "😀",
        "#x",
        "\t\r\n",
        "a\x1eb",
    ]
    entities = [EntityRow(n, name, name, (name, "x"), (name,)) for n, name in enumerate(names)]
    copy = Copy(GraphRows(entities, [], [], []), Confinement())
    answer = ask(copy, "MATCH (e:Entity) RETURN e.id, e.name, e.key, e.labels, e.properties ORDER BY e.id")
    assert [EntityRow(i, name, key, tuple(labels), tuple(p)) for i, name, key, labels, p in answer.rows] == entities
    for n, name in enumerate(names):
        run = allowed("MATCH (e:Entity) WHERE e.name = $name AND $name IN e.labels RETURN e.id", parameters=["name"])
        assert ask(copy, run.text, parameters=run.bound({"name": name})).rows[0][0] == n
        escaped = name.replace("\\", "\\\\").replace("'", "\\'")
        run = allowed(f"MATCH (e:Entity) WHERE any(label IN e.labels WHERE label = '{escaped}') RETURN e.id")
        assert ask(copy, run.text, parameters=run.literals).rows[0][0] == n
    copy.close()


def test_the_folder_goes_with_the_copy():
    copy = Copy(GraphRows([], [], [], []), Confinement())
    folder = copy.folder
    assert ask(copy, "MATCH (e:Entity) RETURN count(*)").rows == ((0,),)
    (pid,) = copy.workers.process_ids
    assert folder.exists() and folder.stat().st_mode & 0o077 == 0
    del copy
    assert not folder.exists()
    gone(pid)


def test_folders_that_are_made_at_once_do_not_remove_each_other():
    kept = []

    def make():
        for _ in range(20):
            folder = PrivateFolder()
            (folder.path / "file").write_text("here", encoding="utf-8")
            kept.append(folder)

    threads = [threading.Thread(target=make) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(kept) == 120 and all((folder.path / "file").exists() for folder in kept)
    for folder in kept:
        folder.remove()


PROGRAM = """
import sys
from retrieverkit_property_graph.cypher.rows import GraphRows
from retrieverkit_property_graph.cypher.sandbox.copying import Copy
from retrieverkit_property_graph.cypher.sandbox.worker import Confinement
copy = Copy(GraphRows([], [], [], []), Confinement())
copy.workers.ask("RETURN 1", {}, rows=1, seconds=30)
print(copy.folder, *copy.workers.process_ids, flush=True)
sys.stdin.read()
"""


def test_a_killed_program_leaves_no_process_and_its_folder_goes_with_the_next_one():
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    )
    folder, pid = program.stdout.readline().split()
    program.kill()
    program.wait()
    program.stdout.close()
    program.stdin.close()
    gone(int(pid))
    assert Path(folder).exists()
    mine = PrivateFolder()
    assert not Path(folder).exists() and mine.path.exists()
    mine.remove()
    assert not mine.path.exists() and mine.path.parent == Path(tempfile.gettempdir())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_has_workers_of_its_own(copy):
    before = ask(copy, ALL)
    (pid,) = copy.workers.process_ids
    child = os.fork()
    if not child:
        status = 1
        try:
            status = 0 if ask(copy, ALL) == before and copy.workers.process_ids != [pid] else 2
            copy.workers.close()
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert ask(copy, ALL) == before and copy.workers.process_ids == [pid]


def gone(pid):
    """Wait until a process is gone; the limit of the test ends the wait."""
    while True:
        try:
            if Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0] == "Z":
                return
            os.kill(pid, 0)
        except (ProcessLookupError, FileNotFoundError):
            return
        time.sleep(0.01)


MAKING = """
import sys
from retrieverkit_property_graph.cypher.errors import CypherWorkerError
from retrieverkit_property_graph.cypher.rows import EntityRow, GraphRows
from retrieverkit_property_graph.cypher.sandbox.copying import Copy
from retrieverkit_property_graph.cypher.sandbox.worker import Confinement
rows = GraphRows([EntityRow(n, f"name {n}", f"name {n}", ("a",), ("b",)) for n in range(100_000)], [], [], [])
try:
    Copy(rows, Confinement())
except CypherWorkerError as error:
    print(error)
"""


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc")
def test_a_program_that_is_killed_while_it_makes_a_copy_leaves_no_process(tmp_path, monkeypatch):
    places = (tmp_path / str(number) for number in range(20))
    place = next((place for place in places if killed_while_it_makes_a_copy(place)), None)
    assert place is not None, "each copy was made before the program was killed"
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    PrivateFolder().remove()
    assert not list(place.iterdir())


def killed_while_it_makes_a_copy(place):
    """Start the program and kill it once it has begun; return whether that was soon enough."""
    place.mkdir()
    program = subprocess.Popen([sys.executable, "-c", MAKING], env={**os.environ, "TMPDIR": str(place)})
    while not (begun := list(place.glob("*/graph"))):
        assert program.poll() is None
        time.sleep(0.001)
    folder = begun[0].parent
    found = processes_about(folder)
    program.kill()
    program.wait()
    for pid in found:
        gone(pid)
    return bool(found) and not (folder / "made").exists()


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc")
def test_a_process_that_is_killed_while_it_makes_a_copy_is_an_error(tmp_path):
    program = subprocess.Popen(
        [sys.executable, "-c", MAKING], env={**os.environ, "TMPDIR": str(tmp_path)}, stdout=subprocess.PIPE, text=True
    )
    while not (begun := list(tmp_path.glob("*/graph"))):
        assert program.poll() is None
        time.sleep(0.001)
    (pid,) = processes_about(begun[0].parent)
    os.kill(pid, signal.SIGKILL)
    told, _ = program.communicate()
    assert "cannot be made" in told and program.returncode == 0
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name != "posix", reason="needs limits of files")
def test_a_full_disk_is_an_error_and_leaves_nothing(tmp_path):
    full = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
    full += "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
    program = subprocess.run(
        [sys.executable, "-c", full + MAKING],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "the copy of the graph for Cypher cannot be made: File too large" in program.stdout
    assert not list(tmp_path.iterdir())


def test_no_folder_for_temporary_files_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with pytest.raises(CypherWorkerError, match=r"(?s)cannot be made.*TMPDIR"):
        Copy(GraphRows([], [], [], []), Confinement())


def test_a_clock_that_rings_after_the_answer_ends_no_other_query():
    copy = Copy(GraphRows([EntityRow(1, "a", "a", (), ())], [], [], []), Confinement())
    assert ask(copy, ALL).rows
    copy.workers._idle[0]._expire()
    assert ask(copy, ALL).rows == ((1, "a"),)
    copy.close()
