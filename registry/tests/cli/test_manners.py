"""What may be left out, shortened or misspelt on the command line."""

import json
import re

import pytest

from retrieverkit import Document, Index, files
from retrieverkit.cli import progress
from retrieverkit.cli.search import spec_of

pytestmark = pytest.mark.searches


def labels(done):
    return sorted("/".join(hit["path"].split("/")[-2:]) for hit in json.loads(done.stdout)["hits"])


def test_short_flags(retriever, notes):
    retriever("index", notes, "-i", "ix")
    done = retriever("search", "moon", "-i", "ix", "-m", "bm25", "-k", 1, "-f", "year >= 1960", "--json")
    assert labels(done) == ["notes/moon.jsonl"]
    assert retriever("-V").stdout == retriever("--version").stdout


def test_without_a_path_the_named_index_is_searched_else_the_current_folder(retriever, notes, monkeypatch):
    monkeypatch.chdir(notes)
    assert labels(retriever("search", "fusion", "--json")) == ["notes/fusion.md"]
    retriever("index", "deep", "--index", "../deep.rk")
    monkeypatch.setenv("RETRIEVERKIT_INDEX", "../deep.rk")
    assert labels(retriever("search", "dough", "--json")) == ["deep/bread.txt"]
    assert labels(retriever("search", "fusion", "--json")) == []
    assert labels(retriever("search", "fusion", "fusion.md", "--json")) == ["notes/fusion.md"], "what is named wins"
    assert "nothing changed" in retriever("index", "deep").stdout
    monkeypatch.setenv("RETRIEVERKIT_INDEX", "../nowhere.rk")
    assert "there is no index" in retriever("search", "fusion", code=1).stderr


def test_a_home_folder_is_not_read_unasked(retriever, environment, monkeypatch):
    monkeypatch.chdir(environment["HOME"])
    assert "fix: name files" in retriever("search", "fusion", code=2).stderr


@pytest.mark.parametrize("where", [(), ("--index", "ix")])
def test_a_query_that_is_not_quoted_is_written_with_quotes(retriever, notes, where):
    done = retriever("search", "rank", "fusion's", "sum", "notes", *where, code=1)
    assert "fusion's: no such file or folder" in done.stderr
    assert """retriever search 'rank fusion'"'"'s sum' notes\n""" in done.stderr


def test_options_of_the_mode_need_no_quotes(retriever, notes):
    def legs(flag, mode, *more):
        given = dict(zip((flag, *more[::2]), (mode, *more[1::2]), strict=True))
        options = [value for name, value in zip(more[::2], more[1::2], strict=True) if name == "-o"]
        return spec_of(given.get("-m"), None, options, given.get("--embedding"))

    assert legs("-m", "bm25(top_k=3)", "-o", "top_k=1", "-o", "language=de") == legs(
        "-m", "bm25(top_k=1, language='de')"
    )
    assert legs("-m", "bm25", "-o", "typos=False") == legs("-m", "bm25(typos=false)")
    assert legs("-m", "vector", "--embedding", "lsa") == legs("-m", "vector(embedding='lsa')")
    assert len(json.loads(retriever("search", "moon", notes, "--json", "-o", "top_k=1").stdout)["hits"]) == 1
    for wrong, code, told in (
        ("top=1", 1, "did you mean 'top_k'?"),
        ("top_k", 2, "NAME=VALUE"),
        ("a b=1", 2, "NAME=VALUE"),
        ("mode=vector", 2, "NAME=VALUE"),
        ("top_k=NaN", 1, "top_k"),
    ):
        assert told in retriever("search", "moon", notes, "-m", "bm25", "-o", wrong, code=code).stderr


def test_an_answer_says_when_its_time_went_into_an_index_too(retriever, notes):
    first, second = (retriever("search", "moon", notes).stdout.splitlines()[0] for _ in range(2))
    assert re.fullmatch(r"2 hits · \w+ · indexed 3 files in [0-9.]+ m?s · searched in [0-9.]+ ms", first)
    assert re.fullmatch(r"2 hits · \w+ · [0-9.]+ ms", second)
    (notes / "new.txt").write_text("one more moon")
    told = json.loads(retriever("search", "moon", notes, "--json").stdout)["seconds"]
    assert set(told) == {"reading", "indexing", "searching"} and min(told.values()) > 0
    assert json.loads(retriever("search", "moon", notes, "--json").stdout)["seconds"]["indexing"] == 0


def test_an_index_that_is_behind_is_told_apart_from_the_search(retriever, notes, tmp_path):
    retriever("index", notes, "-i", "ix")
    with Index.open(tmp_path / "ix") as index:
        index.add(Document(id="new", text="one more moon"))
    first, second = (retriever("search", "moon", "-i", "ix").stdout.splitlines()[0] for _ in range(2))
    assert " · indexed in " in first and " · searched in " in first and "indexed" not in second
    told = json.loads(retriever("index", notes, "-i", "ix", "--json").stdout)["seconds"]
    assert set(told) == {"reading", "indexing"}


def test_help_begins_with_examples_and_shows_flags_without_types(retriever):
    assert sum(line.startswith(" retriever ") for line in retriever("--help").stdout.splitlines()) == 3
    told = retriever("search", "--help").stdout
    assert told.count("  retriever search ") == 3
    assert "What is shown" in told
    (flag,) = [line for line in told.splitlines() if "--json" in line]
    assert "<bool>" not in flag
    assert "The exit code is 3" in re.sub(r"\s+", " ", told)


@pytest.mark.parametrize("words", [["watch"], ["search"], ["cache", "clear"], ["config", "check"]])
def test_help_flows_with_the_width(retriever, monkeypatch, words):
    monkeypatch.setenv("COLUMNS", "60")
    lines = retriever(*words, "--help").stdout.splitlines()
    prose = lines[2 : next(at for at, line in enumerate(lines) if "Examples:" in line or line.startswith("╭"))]
    paragraphs = "\n".join(map(str.strip, prose)).split("\n\n")
    for paragraph in paragraphs:
        *full, _ = paragraph.strip().splitlines() or [""]
        for line, following in zip(full, paragraph.strip().splitlines()[1:], strict=True):
            assert len(line) + 1 + len(following.split()[0]) > 57, "a line ends where a word would still fit"


def test_who_interrupts_is_told_what_is_kept(retriever, tmp_path, monkeypatch):
    (tmp_path / "many").mkdir()
    for number in range(9):
        (tmp_path / "many" / f"{number}.txt").write_text("moon")
    shown = progress.LongWork.files

    def interrupted(work, done, total, path):
        shown(work, done, total, path)
        if done == 5:
            raise KeyboardInterrupt

    monkeypatch.setattr(files, "_BATCH", 2)
    for place in (["index", "many", "-i", "ix"], ["search", "moon", "many"]):
        with monkeypatch.context() as patched:
            patched.setattr(progress.LongWork, "files", interrupted)
            told = retriever(*place, code=130).stderr.splitlines()
        assert told[-2:] == ["4 of 9 files are in; run it again to go on", "interrupted"]
    assert len(retriever("ls", "-i", "ix").stdout.splitlines()) == 4
    assert "5 documents added (5 files read, 4 unchanged)" in retriever("index", "many", "-i", "ix").stdout
