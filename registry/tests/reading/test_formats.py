import json
import logging
import zlib

import pytest

from retrieverkit.reading import MAX_FILE_BYTES, split
from retrieverkit.reading.pdf import _Warnings
from retrieverkit_core.errors import UnsupportedFileError
from retrieverkit_core.readers import FILE_FACTS, sections_of


@pytest.fixture
def read(tmp_path, read_files):
    """Read one file of a name and content; return its documents and errors."""

    def read_one(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        report = read_files([path], base=tmp_path)
        return report.documents, [error.message.removeprefix(f"{path}: ") for error in report.errors]

    return read_one


def own(document):
    """Return what a document says of itself."""
    return {name: value for name, value in document.metadata.items() if name not in FILE_FACTS}


@pytest.mark.parametrize(
    "content",
    [
        "héllo\r\nwörld",
        b"\xef\xbb\xbf" + "héllo\r\nwörld".encode(),
        "héllo\r\nwörld".encode("utf-16"),
        b"\xfe\xff" + "héllo\r\nwörld".encode("utf-16-be"),
        "héllo\r\nwörld".encode("utf-32"),
    ],
)
@pytest.mark.parametrize("name", ["a.txt", "a.unheardof", "README"])
def test_text_is_read_as_it_stands(read, name, content):
    (document,), errors = read(name, content)
    assert (document.text, own(document), errors) == ("héllo\r\nwörld", {"path": name, "title": name}, [])
    assert document.id == name


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.txt", b"one\ntwo\xe9\n", "not valid UTF-8: byte 0xe9 on line 2"),
        ("a.txt", "hello".encode("utf-16-le"), "a NUL character on line 1"),
        ("a.md", b"\xff\xfe\x00", "not valid UTF-16"),
        ("a.csv", b"a,b\n\xff,1\n", "not valid UTF-8: byte 0xff on line 2"),
        ("a.json", b'{"a": 1,}', "bad JSON"),
        ("a.json", b"[" * 200_000, "bad JSON: nested too deeply"),
        ("a.html", "<script>1</script>", "the page shows no text"),
        ("a.html", "<div>" * 6_000 + "x", "nested, or left open, more than 5,000 deep"),
        ("a.pdf", b"not a pdf at all", "not a PDF that can be read"),
        ("a.pdf", b"", "not a PDF that can be read"),
        ("a.csv", "a,b,a\n1,2,3\n", "two columns are called 'a'"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_with_its_reason(read, name, content, told):
    documents, errors = read(name, content)
    assert documents == []
    assert len(errors) == 1 and told in errors[0]


def test_markdown_takes_its_first_heading_as_title(read):
    text = "---\ntitle: x\n---\n```sh\n# not this\n```\n\n## The *title* ##\n\nText.\n\n# Later\n"
    (document,), _ = read("a.md", text)
    assert (document.metadata["title"], document.text) == ("x", "\n\n" + text[text.index("\n```") :])
    (document,), _ = read("d.md", text.replace("title: x\n", "year: 1999\n"))
    assert (document.metadata["title"], document.metadata["year"]) == ("The *title*", 1999)
    (document,), _ = read("b.md", "Underlined\n==========\n\nText")
    assert document.metadata["title"] == "Underlined"
    (document,), _ = read("c.md", "No heading")
    assert document.metadata["title"] == "c.md"


def test_html_gives_what_a_browser_shows(read):
    page = """<!doctype html><html><head><title> A &amp;
      B </title><style>p {}</style></head><body><nav>menu</nav><h1>Head</h1>
      <p>one <b>bold</b>&nbsp;word<br>two</p><p hidden>secret</p><ul><li>x<li>y</ul>
      <table><tr><td>1<td>2</table><script>var a</script><pre>a
  b</pre></body></html>"""
    (document,), errors = read("a.html", page)
    assert errors == []
    assert document.metadata["title"] == "A & B"
    assert document.text == "Head\n\none bold\xa0word\ntwo\n\nx\ny\n1\t2\na\n  b"


def test_every_heading_of_a_page_is_known_where_it_begins(read):
    page = (
        "<p></p><title>Plant</title>\n<h1> Pumps\n and <b>valves</b></h1>a<h3>Care<br>daily</h3>b<pre>\n\nc\n</pre>"
        "<h2>Tanks</h2><table><tr><td><h2 hidden>no</h2><h4></h4>d<td>e</table>"
    )
    [document], _ = read("a.html", page)
    found = sections_of(document)
    assert [section.heading for section in found] == [
        ("Pumps and valves",),
        ("Pumps and valves", "Care daily"),
        ("Pumps and valves", "Tanks"),
    ]
    for section in found:
        line = document.text[section.start :].splitlines()[0]
        assert section.heading[-1].startswith(line)
        assert section.start == 0 or document.text[section.start - 1] == "\n"


def test_html_in_its_declared_encoding(read):
    page = '<meta charset="{}"><body>Привет'
    (document,), _ = read("a.html", page.format("windows-1251").encode("cp1251"))
    assert document.text == "Привет"
    documents, errors = read("b.html", page.format("utf-8").encode("cp1251"))
    assert documents == [] and "not valid UTF-8" in errors[0]


def test_pdf_nodes_know_their_page(read, make_pdf):
    (document,), errors = read("a.pdf", make_pdf("first page", "", "third page", title="The Title"))
    assert errors == []
    assert own(document) == {"path": "a.pdf", "title": "The Title", "pages": 3}
    nodes = split(document)
    assert [(n.text, n.metadata["page"]) for n in nodes] == [("first page", 1), ("third page", 3)]
    assert all(document.text[n.start_char_idx : n.end_char_idx] == n.text for n in nodes)


def test_pdf_locked_against_printing_is_read_and_one_with_a_password_is_told(read, make_pdf):
    (document,), errors = read("a.pdf", make_pdf("free to read", password=""))
    assert (document.text, errors) == ("free to read", [])
    assert read("b.pdf", make_pdf("secret", password="x")) == ([], ["the PDF is encrypted"])


def test_pdf_without_text_is_told(read, make_pdf):
    documents, errors = read("a.pdf", make_pdf("", ""))
    assert documents == [] and "no text on its 2 page(s)" in errors[0]


def test_a_damaged_page_is_told_and_the_others_keep_their_numbers(read, make_pdf):
    sound = make_pdf("first page", "second page", "third page")
    damaged = sound.replace(b"(second page) Tj", b"(second page( Tj")
    (document,), errors = read("a.pdf", damaged)
    assert len(errors) == 1 and errors[0].startswith("page 2: ")
    assert [(n.text, n.metadata["page"]) for n in split(document)] == [("first page", 1), ("third page", 3)]


def test_a_stream_bomb_in_a_pdf_is_told(read, make_pdf):
    sound = make_pdf("x" * 50)
    start, end = sound.index(b"stream\n") + 7, sound.index(b"\nendstream")
    packed = zlib.compress(b" " * 100_000_000, 9)
    bomb = sound[:start] + packed + sound[end:]
    length = sound[:start].rindex(b"/Length ")
    bomb = bomb[:length] + b"/Filter /FlateDecode /Length %d\n>>\nstream\n" % len(packed) + bomb[start:]
    documents, errors = read("a.pdf", bomb)
    assert documents == [] and len(errors) == 1


@pytest.mark.parametrize("cut", range(0, 1000, 60))
def test_a_cut_pdf_is_told(read, make_pdf, cut):
    whole = make_pdf("first page", "second page")
    documents, errors = read("a.pdf", whole[: len(whole) - cut])
    assert bool(errors) == bool(cut)
    assert documents or cut


def test_a_page_of_which_a_part_is_left_out_is_told(read, make_pdf):
    sound = make_pdf("x" * 50, "second page")
    start, end = sound.index(b"stream\n") + 7, sound.index(b"\nendstream")
    lines = b"".join(b"BT /F1 12 Tf 20 %d Td (line %d) Tj ET\n" % (number, number) for number in range(2_000))
    packed = zlib.compress(lines)
    packed = packed[: len(packed) // 2] + b"\xff" * 200
    length = sound[:start].rindex(b"/Length ")
    torn = sound[:length] + b"/Filter /FlateDecode /Length %d\n>>\nstream\n" % len(packed) + packed + sound[end:]
    (document,), errors = read("a.pdf", torn)
    assert "line 1" in document.text and "line 1999" not in document.text and "second page" in document.text
    assert len(errors) == 1 and errors[0].startswith("page 1: read in part: ")


@pytest.mark.timeout(200)
def test_long_runs_of_blanks_take_no_time(read):
    blanks = " " * 300_000
    (document,), errors = read("a.html", f"<pre>a{blanks}b{blanks}\nc</pre>")
    assert errors == [] and document.text == f"a{blanks}b\nc"
    (document,), errors = read("a.md", f"# one{blanks}two{blanks}##{blanks}\n")
    assert errors == [] and document.metadata["title"] == f"one{blanks}two"[:1_000]


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ("# a # b ##", "a # b"),
        ("## C#", "C#"),
        ("# a ##\t", "a"),
        ("# ##\n# b", "b"),
        ("#\n# b", "b"),
        ("#x\n# b", "b"),
    ],
)
def test_number_signs_that_close_a_heading_are_no_part_of_it(read, line, title):
    (document,), _ = read("a.md", line)
    assert document.metadata["title"] == title


def test_a_table_of_many_columns_is_refused_by_number(read):
    header = ",".join(f"c{number}" for number in range(100_000))
    documents, errors = read("a.csv", f"{header}\n" * 3)
    assert documents == [] and errors == ["100,000 columns, more than 5,000"]
    row = json.dumps({"text": "x", **{f"c{number}": 1 for number in range(5_000)}})
    documents, errors = read("a.jsonl", row)
    assert documents == [] and errors == ["line 1: 5,001 fields, more than 5,000"]


def test_json_lines_become_documents_with_metadata(read):
    lines = [
        {"_id": "d1", "title": "T", "text": "body", "metadata": {"year": 1961, "tags": ["a"]}},
        {"id": 7, "text": "second", "path": "own", "nothing": None},
        {"content": "third"},
        {"_id": "blank", "title": "", "text": ""},
        {"name": "no text field", "note": "joined", "title": "T", "n": 1},
    ]
    documents, errors = read("a.jsonl", "\n\n".join(json.dumps(line) for line in lines))
    assert errors == []
    assert [d.text for d in documents] == ["body", "second", "third", "", "no text field\njoined"]
    assert documents[0].id == "d1"
    assert documents[0].metadata == {"path": "a.jsonl", "row": 1, "title": "T", "year": 1961, "tags": ["a"]}
    assert (documents[1].id, documents[1].metadata) == ("7", {"path": "own", "row": 2, "nothing": None})
    assert documents[2].id == "a.jsonl#row=3"
    assert (documents[4].metadata["title"], documents[4].metadata["n"]) == ("T", 1)
    assert documents[0].excluded_embed_metadata_keys == ["path", "row"]
    assert documents[1].excluded_embed_metadata_keys == ["row"], "the record's own path is searched where it is named"


@pytest.mark.parametrize(
    "record", [{}, {"text": None}, {"text": " \n"}, {"note": ""}, {"metadata": {"title": "Inlet icing"}, "body": ""}]
)
def test_a_title_without_a_text_is_the_text_and_counts_once(read, record):
    title = {} if "metadata" in record else {"title": "Inlet icing"}
    (document,), errors = read("a.jsonl", json.dumps({**title, **record}))
    assert (document.text, document.metadata["title"], errors) == ("Inlet icing", "Inlet icing", [])
    assert "title" in document.excluded_embed_metadata_keys


def test_a_bad_line_is_told_by_number_and_the_others_go_in(read):
    good = b'{"id": "a", "text": "x"}'
    bad = [
        b'{"id": "b", "text": ',
        b'{"text": NaN}',
        b'{"text": "x", "n": 1e999}',
        b"[1]",
        b'{"n": 1}',
        b'{"id": [1], "text": "x"}',
        b'{"text": 3}',
        b'{"text": "\xff"}',
        b'{"text": "\\ud800"}',
        b'{"year": 1, "text": "x", "metadata": {"year": 2}}',
        b'{"text": "x", "deep": ' + b"[" * 60 + b"]" * 60 + b"}",
        b'{"text": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"text": "x", "n": ' + b"1" * 10_000 + b"}",
        good,
    ]
    documents, errors = read("a.jsonl", b"\n".join([good, b"", *bad, b'{"id": "z", "text": "y"}']))
    assert [d.id for d in documents] == ["a", "z"]
    told = [error for error in errors if error.startswith("line ")]
    assert [error.split(":")[0] for error in told] == [f"line {n}" for n in range(3, 3 + len(bad) - 1)]
    (taken,) = [error for error in errors if not error.startswith("line ")]
    assert taken == "a.jsonl, row 15: the id 'a' is already used by a.jsonl, row 1"


def test_json_is_rows_or_text(read):
    documents, _ = read("a.json", '[{"id": "x", "text": "one"}, {"text": "two", "n": 2}]')
    assert [(d.text, d.metadata["row"]) for d in documents] == [("one", 1), ("two", 2)]
    (document,), _ = read("b.json", '{"name": "value"}')
    assert document.text == '{"name": "value"}'


def test_csv_columns_become_typed_metadata(read):
    table = (
        "id,title,text,year,price,zip,open,mixed,empty,\n"
        '1,T,"two\r\nlines, ""quoted""",1961,1.5,01234,TRUE,1,,x\n'
        "2,,b,,2,94110,false,b,,\n"
    )
    documents, errors = read("a.csv", table)
    assert errors == []
    assert [(d.id, d.text) for d in documents] == [("1", 'two\r\nlines, "quoted"'), ("2", "b")]
    place = {"path": "a.csv"}
    assert [d.metadata for d in documents] == [
        {**place, "row": 1, "title": "T", "year": 1961, "price": 1.5, "zip": "01234", "open": True, "mixed": "1"}
        | {"empty": None, "column_10": "x"},
        {**place, "row": 2, "title": None, "year": None, "price": 2.0, "zip": "94110", "open": False, "mixed": "b"}
        | {"empty": None, "column_10": None},
    ]


@pytest.mark.parametrize(("name", "mark"), [("a.csv", ";"), ("a.csv", "\t"), ("a.tsv", "\t"), ("a.csv", "|")])
def test_the_header_tells_the_delimiter(read, name, mark):
    documents, _ = read(name, f'"name, first"{mark}note{mark}n\nAda{mark}a,b{mark}3\n')
    assert [d.metadata for d in documents] == [{"path": name, "row": 1, "name, first": "Ada", "note": "a,b", "n": 3}]
    assert documents[0].text == "Ada\na,b"


def test_bad_rows_are_told_by_line(read):
    documents, errors = read("a.csv", 'text,n\n"a\nb",1\nshort\nc,2,3\nd,4\n"never closed,5\ne,6\n')
    assert [(d.text, d.metadata["n"]) for d in documents] == [("a\nb", 1), ("d", 4)]
    assert errors[0] == "line 4: 1 cells where the header has 2"
    assert errors[1] == "line 5: 3 cells where the header has 2"
    assert errors[2].startswith("line 7: ") and errors[2].endswith("from here on the file was not read")


def test_a_cell_of_a_megabyte_is_read(read):
    (document,), errors = read("a.csv", f"text\n{'a' * 1_000_000}\n")
    assert (len(document.text), errors) == (1_000_000, [])


def test_binary_and_oversized_files_are_told(read, read_files, tmp_path):
    assert read("a.bin", b"\x00\x01") == ([], [".bin files are not supported"])
    assert read("a.png", b"\x89PNG\r\n\x1a\n") == ([], [".png files are not supported"])
    assert isinstance(read_files([tmp_path / "a.png"]).errors[0], UnsupportedFileError)
    with open(tmp_path / "big.txt", "wb") as big:
        big.truncate(MAX_FILE_BYTES + 1)
    assert "larger than 100 MB" in str(read_files([tmp_path / "big.txt"]).errors[0])


def test_what_the_parser_of_pdf_warns_of_goes_to_nobody_else(read, caplog):
    _, errors = read("a.pdf", b"nothing of the kind")
    assert len(errors) == 1
    assert caplog.records == []


def test_readers_of_pdf_side_by_side_leave_its_warnings_as_they_were():
    logger = logging.getLogger("pypdf")
    first, second = _Warnings(), _Warnings()
    before = logger.propagate
    with first:
        second.__enter__()
    assert not logger.propagate, "one of them still reads"
    second.__exit__()
    assert (logger.propagate, logger.handlers) == (before, [])
