"""Queries and judgements in every form that is read, and the line of what is not."""

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieverkit_core.errors import ReadError
from retrieverkit_evaluate import read_qrels, read_queries

words = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), min_size=1).filter(
    lambda text: text.strip() == text and not text.startswith("\ufeff")
)


@given(queries=st.dictionaries(words, words, min_size=1), crlf=st.booleans(), bom=st.booleans())
def test_queries_come_back_from_both_formats(tmp_path_factory, queries, crlf, bom):
    folder = tmp_path_factory.mktemp("queries")
    end, start = ("\r\n" if crlf else "\n"), ("\ufeff" if bom else "")
    table = "".join(f"{query_id}\t{text}{end}" for query_id, text in [("query_id", "text"), *queries.items()])
    lines = "".join(json.dumps({"_id": key, "text": text}) + end for key, text in queries.items())
    (folder / "queries.tsv").write_bytes((start + table).encode())
    (folder / "queries.jsonl").write_bytes((start + lines).encode())
    assert list(read_queries(folder / "queries.tsv").items()) == list(queries.items())
    assert list(read_queries(folder / "queries.jsonl").items()) == list(queries.items())


@given(qrels=st.dictionaries(words, st.dictionaries(words, st.integers(-2, 4), min_size=1), min_size=1))
def test_judgements_come_back_from_both_formats(tmp_path_factory, qrels):
    folder = tmp_path_factory.mktemp("qrels")
    rows = [(query_id, doc_id, grade) for query_id, judged in qrels.items() for doc_id, grade in judged.items()]
    (folder / "qrels.tsv").write_text("query\tdoc\tgrade\n" + "".join(f"{q}\t{d}\t{g}\n" for q, d, g in rows))
    (folder / "qrels.trec").write_text("".join(f"{q} 0 {d} {g}\n" for q, d, g in rows))
    assert read_qrels(folder / "qrels.tsv") == qrels
    assert read_qrels(folder / "qrels.trec") == qrels


def test_document_ids_may_hold_blanks_between_tabs(tmp_path):
    (tmp_path / "qrels.tsv").write_text("q1\tmy notes.md\t1\n")
    assert read_qrels(tmp_path / "qrels.tsv") == {"q1": {"my notes.md": 1}}


def test_an_integer_is_an_id_too(tmp_path):
    (tmp_path / "q.jsonl").write_text('{"id": 7, "text": "seven", "more": null}\n')
    assert read_queries(tmp_path / "q.jsonl") == {"7": "seven"}


@pytest.mark.parametrize(
    ("content", "line", "problem"),
    [
        ('{"_id": "1", "text": "a"}\n{"_id": "1", "text": "b"}', 2, "twice"),
        ('\n\n{"_id": "1"', 3, "bad JSON"),
        ('["1", "a"]', 1, "not a JSON object"),
        ('{"text": "a"}', 1, "no string or integer"),
        ('{"_id": true, "text": "a"}', 1, "no string or integer"),
        ('{"_id": "1", "text": null}', 1, "no string or integer"),
        ('{"_id": "1", "text": "  "}', 1, "an id and a text"),
        ('{"_id": "", "text": "a"}', 1, "an id and a text"),
        ('{"_id": "1", "text": "\\ud800"}', 1, "surrogate"),
        ("[" * 100_000, 1, "bad JSON"),
    ],
)
def test_a_bad_line_of_json_is_named(tmp_path, content, line, problem):
    check(read_queries, tmp_path / "queries.jsonl", content.encode(), line, problem)


@pytest.mark.parametrize(
    ("content", "line", "problem"),
    [
        (b"1\ta\n2 b\n", 2, "1 columns"),
        (b"1\ta\tb\n", 1, "3 columns"),
        (b"1\t\n", 1, "an id and a text"),
        (b"1\ta\n2\t\xff\n", 2, "UTF-8"),
        (b"1\ta\nid\ttext\nid\tquery\n", 3, "twice"),
    ],
)
def test_a_bad_line_of_a_table_is_named(tmp_path, content, line, problem):
    check(read_queries, tmp_path / "queries.tsv", content, line, problem)


@pytest.mark.parametrize(
    ("content", "line", "problem"),
    [
        (b"q1\td1\n", 1, "2 columns where 3 or 4"),
        (b"q1\td1\t1\nq1\t0\td2\t1\n", 2, "4 columns where 3"),
        (b"q1\td1\trelevant\n", 1, "'relevant' is not an integer"),
        (b"q1\td1\t1\nq\td\tscore\n", 2, "'score' is not an integer"),
        (b"q1\td1\t0.5\n", 1, "not an integer"),
        (b"q1\td1\t99999999999\n", 1, "not an integer"),
        (b"q1\t\t1\n", 1, "an empty id"),
        (b"q1\td1\t1\n\nq1\td1\t2\n", 3, "another grade"),
        (b"q1 0 d1 1\nq1 0 d2\n", 2, "3 columns where 4"),
    ],
)
def test_a_bad_line_of_judgements_is_named(tmp_path, content, line, problem):
    check(read_qrels, tmp_path / "qrels.tsv", content, line, problem)


def check(read, path, content, line, problem):
    path.write_bytes(content)
    with pytest.raises(ReadError, match=problem) as refused:
        read(path)
    assert f"{path.name}: line {line}: " in refused.value.message
    assert refused.value.fix


@pytest.mark.parametrize("read", [read_queries, read_qrels])
def test_an_empty_or_missing_file_is_refused(tmp_path, read):
    with pytest.raises(ReadError, match="missing"):
        read(tmp_path / "missing")
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(ReadError, match="in it"):
        read(tmp_path / "empty")
    with pytest.raises(ReadError, match="folder"):
        read(tmp_path)


@pytest.mark.timeout(200)
@pytest.mark.parametrize("read", [read_queries, read_qrels])
def test_a_device_or_a_pipe_is_refused_at_once(tmp_path, read):
    os.mkfifo(tmp_path / "pipe")
    for path in ("/dev/zero", tmp_path / "pipe"):
        with pytest.raises(ReadError, match="not a regular file") as refused:
            read(path)
        assert refused.value.fix
