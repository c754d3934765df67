"""Judging sheets: written from what modes find, filled in as a spreadsheet does, and evaluated."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieverkit import Document, Index
from retrieverkit_core.errors import ReadError
from retrieverkit_evaluate import read_sheet
from retrieverkit_evaluate.judging_sheet import COLUMNS, Row, write_sheet

CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n\ufeff"), min_size=1).filter(
    str.strip
)
"""Cells as they may be; the csv module reads a lone CR as a line break."""


def filled(path, grade, **how):
    """Fill every row's grade in and save the sheet as a spreadsheet does."""
    how = {"delimiter": "\t", "encoding": "utf-8-sig", **how}
    rows = list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""), delimiter="\t"))
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=how["delimiter"]).writerows(
        [rows[0], *([*row[:2], grade(row), *row[3:]] for row in rows[1:])]
    )
    path.write_bytes(text.getvalue().encode(how["encoding"]))
    return path


@given(st.dictionaries(CELLS, st.tuples(CELLS, st.sets(CELLS, max_size=3)), max_size=3), st.sampled_from("\t,;"))
def test_ids_and_texts_come_back_as_they_were_and_no_cell_is_a_formula(tmp_path_factory, queries, delimiter):
    path = tmp_path_factory.mktemp("sheet") / "judge.tsv"
    rows = [Row(q, text, doc, doc, text) for q, (text, docs) in queries.items() for doc in sorted(docs)]
    write_sheet(path, rows)
    table = csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""), delimiter="\t")
    cells = [cell for row in table for cell in row]
    assert not [cell for cell in cells if cell[:1] in ("=", "+", "-", "@", "\t")]
    filled(path, lambda row: "1", delimiter=delimiter)
    if not rows:
        with pytest.raises(ReadError, match="no row of the sheet has a grade"):
            read_sheet(path)
        return
    sheet = read_sheet(path)
    assert sheet.queries == {q: text for q, (text, docs) in queries.items() if docs}
    assert sheet.qrels == {q: dict.fromkeys(docs, 1) for q, (_, docs) in queries.items() if docs}


@pytest.fixture
def bakery(tmp_path):
    """An index with hostile ids, and queries one per line."""
    texts = {
        "=HYPERLINK(1)": "=cmd|calc bake the dough",
        "rice": "rinse the rice \x1b[2J",
        "-1": "bake the rice and the dough",
    }
    Index.from_documents([Document(text, doc_id) for doc_id, text in texts.items()], tmp_path / "ix").close()
    (tmp_path / "queries.txt").write_text("bake dough\nrinse rice\nzebra\n")
    return tmp_path


def test_from_queries_to_a_sheet_to_a_report(eval_command, bakery):
    done = eval_command("init", "queries.txt", "--index", "ix", "--mode", "bm25", "--mode", "bm25(title_weight=3)")
    told = "wrote 4 rows to judge (3 queries, the first 10 of bm25, bm25(title_weight=3)) to judge.tsv"
    assert done.stdout.startswith(told)
    assert "no mode finds anything for: 3" in done.stderr
    data = (bakery / "judge.tsv").read_bytes()
    assert b"\x1b" not in data and data.startswith("\ufeffquery_id\tquery\tgrade".encode())
    assert "is there already" in eval_command("init", "queries.txt", "--index", "ix", code=2).stderr
    assert (bakery / "judge.tsv").read_bytes() == data

    filled(bakery / "judge.tsv", lambda row: "" if row[3] == "'-1" and row[0] == "2" else "1", delimiter=";")
    report = ("--index", "ix", "--sheet", "judge.tsv", "--mode", "bm25", "--json", "-")
    done = eval_command(*report)
    told = json.loads(done.stdout)["collection"]
    assert (told["scored_queries"], told["judgements"], told["without_grade"]) == (2, 3, 1)
    assert told["missing_documents"] == []
    assert "rows of the judging sheet without a grade, counted as not relevant: 1" in done.stderr


def test_a_sheet_as_another_spreadsheet_saves_it(bakery, eval_command):
    eval_command("init", "queries.txt", "--index", "ix", "--mode", "bm25", "--output", "a.csv")
    path = bakery / "a.csv"
    assert path.read_text("utf-8-sig").startswith(",".join(COLUMNS))
    path.write_text(path.read_text("utf-8-sig").replace(",,", ",2,"), "utf-16")
    assert set(read_sheet(path).qrels["1"].values()) == {2}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "empty"),
        ("query_id\tquery\tdocument\n", "no column 'grade'"),
        ("query_id\tquery\tgrade\tdocument\nq\tt\tgood\td\n", "line 2: the grade 'good' is not an integer"),
        ("query_id\tquery\tgrade\tdocument\nq\tt\t1\td\nq\tu\t1\te\n", "line 3: query 'q' has another text"),
        ("query_id\tquery\tgrade\tdocument\nq\tt\t1\td\nq\tt\t0\td\n", "line 3: document 'd' has another grade"),
        ("query_id\tquery\tgrade\tdocument\nq\tt\t1\t\n", "line 2: a row needs"),
        ("query_id\tquery\tgrade\tdocument\nq\tt\t\td\n", "no row of the sheet has a grade"),
        (b"query_id\tquery\tgrade\tdocument\nq\t\xff\t1\td\n", "not UTF-8"),
    ],
)
def test_what_is_wrong_with_a_sheet_is_named_with_its_line(tmp_path, content, told):
    path = tmp_path / "judge.tsv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ReadError, match=told):
        read_sheet(path)


def test_what_does_not_go_together_is_refused(eval_command, bakery):
    for arguments, told in (
        ([], "no index is named"),
        (["--index", "ix"], "no mode is named"),
        (["--index", "ix", "--mode", "bm25"], "--queries and --qrels go together"),
        (["--index", "ix", "--mode", "bm25", "--sheet", "a", "--qrels", "b"], "holds the queries and the grades"),
        (["init", "queries.txt", "--index", "ix", "--output", "no/where.tsv"], "cannot be written"),
    ):
        assert told in eval_command(*arguments, code=2).stderr
    assert "twice" in eval_command("init", "queries.txt", "-i", "ix", "-m", "bm25", "-m", "bm25", code=1).stderr
