import io
import json
import os
import shlex
import subprocess
import sys
from types import SimpleNamespace

import pytest

from retrieverkit import Document, Index
from retrieverkit.cli import main
from retrieverkit_core.spec import RetrieverSpec

TEXT = {"capture_output": True, "text": True, "check": True, "timeout": 60}
FILES = ("--index", "workshop.rk", "--queries", "queries.jsonl", "--qrels", "qrels.tsv", "--k", "5")


@pytest.fixture
def run(files, monkeypatch):
    def run(command, *arguments, code=0):
        with monkeypatch.context() as patched:
            for name in ("stdout", "stderr"):
                patched.setattr(sys, name, io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True))
            ended = main([command, *map(str, arguments)])
            out, err = (getattr(sys, name).buffer.getvalue().decode() for name in ("stdout", "stderr"))
        assert "Traceback" not in err and ended == code, (out, err)
        return SimpleNamespace(stdout=out, stderr=err)

    return run


def test_what_it_prints_can_be_used(run, files):
    done = run("adapt", *FILES, "--out", "adapter.json", "--json", "numbers.json")
    assert "use it: --mode \"vector(adapter='adapter.json')\"" in done.stdout
    assert json.loads((files / "numbers.json").read_text("utf-8"))["kept"] is True
    found = run("search", "my seat pole wobbles", "-i", "workshop.rk", "--mode", "vector(adapter='adapter.json')")
    assert "manual/saddle-play" in found.stdout and "adapter: adapter.json" in found.stdout + found.stderr
    before = (files / "adapter.json").read_bytes()
    refused = run("adapt", *FILES, "--out", "adapter.json", code=1)
    assert "there already" in refused.stderr and "--force" in refused.stderr
    assert (files / "adapter.json").read_bytes() == before
    run("adapt", *FILES, "--out", "adapter.json", "--force")
    assert (files / "adapter.json").read_bytes() == before, "the same judgements teach the same"
    found = run("search", "seat pole", "-i", "workshop.rk", "--mode", "hybrid(adapter='adapter.json')")
    assert "manual/" in found.stdout


@pytest.mark.skipif(os.name == "nt", reason="the words are those of a POSIX shell")
@pytest.mark.parametrize("name", ["$(echo oh).json", "it's `me`!.json", 'two "words".json'])
def test_what_it_prints_can_be_pasted_into_a_shell(run, files, name):
    done = run("adapt", *FILES, "--out", name)
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("use it: "))
    option, mode = shlex.split(line.removeprefix("use it: "))
    assert option == "--mode" and RetrieverSpec.parse(mode).options["adapter"] == name
    shown = subprocess.run(["sh", "-c", f"printf %s {line.removeprefix('use it: --mode ')}"], **TEXT)
    assert shown.stdout == mode


def test_the_config_it_names_is_found_from_the_current_folder(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RETRIEVERKIT_EMBEDDING", "hash(dimensions=2)")
    (tmp_path / "sub folder").mkdir()
    documents = [Document(f"common words of all, and the rare word w{n}", id=f"d{n}") for n in range(30)]
    with Index.from_documents(documents, "sub folder/i.rk", embedding="hash(dimensions=2)"):
        pass
    (tmp_path / "q.tsv").write_text("".join(f"q{n}\twords of all common w{n}\n" for n in range(20)))
    (tmp_path / "r.tsv").write_text("".join(f"q{n}\td{n}\t1\n" for n in range(20)))
    files = ("--index", "sub folder/i.rk", "--queries", "q.tsv", "--qrels", "r.tsv", "--out", "sub folder/mode.json")
    done = run("adapt", *files, "--mode", "fusion(bm25, vector, weights=[1, 99])")
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("or the file: "))
    option, file = shlex.split(line.removeprefix("or the file: "))
    found = run("search", "the rare word w7", "--index", "sub folder/i.rk", option, file, "--top-k", "1")
    assert "\n 1  d7\n" in found.stdout


def test_nothing_is_written_where_nothing_is_kept(run, files):
    done = run("adapt", *FILES, "--mode", "fusion(bm25, vector)", "--out", "mode.json")
    assert "nothing kept: " in done.stdout and "use it" not in done.stdout
    assert not (files / "mode.json").exists()
    told = json.loads(run("adapt", *FILES, "--mode", "fusion(bm25, vector)", "--json", "-").stdout)
    assert told["kept"] is False and told["learn"] == "weights"


@pytest.mark.parametrize(
    "options",
    [
        ("--out", "adapter.json", "--json", "./adapter.json"),
        ("--out", "queries.jsonl", "--force"),
        ("--json", "link.tsv"),
    ],
    ids=str,
)
def test_a_file_that_is_read_or_written_for_something_else_is_not_written(run, files, options):
    (files / "link.tsv").symlink_to("qrels.tsv")
    before = {file.name: file.read_bytes() for file in files.iterdir() if file.is_file()}
    assert "the same file" in run("adapt", *FILES, *options, code=2).stderr
    assert {file.name: file.read_bytes() for file in files.iterdir() if file.is_file()} == before


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({"--index": "nowhere.rk"}, 1, "there is no index"),
        ({"--qrels": "queries.jsonl"}, 1, "queries.jsonl: line 1"),
        ({"--k": "0"}, 2, "--k"),
        ({"--learn": "all"}, 1, "'adapter' or 'weights'"),
        ({"--out": "no/such/folder.json"}, 1, "no folder"),
        ({"--json": "no/such/folder.json"}, 2, "cannot be written"),
        ({"--mode": "bm52"}, 1, "unknown retriever mode 'bm52'"),
        ({"--mode": "bm25"}, 1, "searches no vectors"),
    ],
    ids=str,
)
def test_bad_input_gets_a_message_and_a_fix(run, changes, code, message):
    given = {**dict(zip(FILES[::2], FILES[1::2], strict=True)), **changes}
    done = run("adapt", *(part for pair in given.items() for part in pair), code=code)
    assert "error: " in done.stderr and message in done.stderr and done.stdout == ""
