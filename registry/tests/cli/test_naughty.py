"""Every naughty string as query, filter, mode and document: a right answer or a typed error, never a traceback."""

import json
from pathlib import Path

import pytest

from retrieverkit import Document, Index
from retrieverkit.cli import main
from retrieverkit_core.filters import MetadataFilters

SHARED = Path(__file__).parents[5] / "shared" / "data" / "naughty_strings.jsonl"
OWN = [
    *("", " ", "\t\n", "null", "None", "NaN", "0", "-1", "1e999", "true", "'", '"', "''", '"""', "\\", "\\\\", "%s%n"),
    *("; DROP TABLE nodes", "' OR '1'='1", "<script>alert(1)</script>", "{{7*7}}", "${HOME}", "$(id)", "`id`", "../.."),
    *(
        "a AND b",
        "title:x",
        "*",
        "?",
        "~",
        "^",
        "a^9",
        "[a TO b]",
        "+a -b",
        "((((",
        "))))",
        "a || b",
        "//",
        "\x00",
        "\x1b",
    ),
    *(
        "\x7f",
        "\x85",
        "\ud800",
        "\udfff",
        "\ufeff",
        "\ufffe",
        "\u2028",
        "\u202e",
        "Z̸̧͙̈a̷l̴g̵o̶",
        "👩‍👩‍👧‍👧",
        "🇩🇪",
        "田中さん",
        "찦차를",
        "الكل",
    ),
    *("ด้้้้้็็็็็้้้้้", "İıſK", "ﬃ", "Å", "[red]x[/red]", "[/]", ":smile:", "-", "--", "--help", "-h", "@file", "=1+1", "\\x1b[31m"),
]


def naughty():
    shared = [json.loads(line)["text"] for line in SHARED.open(encoding="utf-8")] if SHARED.is_file() else []
    return list(dict.fromkeys(OWN + shared))


def storable(text):
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in text


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """An index of one document for each string, which holds it as text, as metadata and as a key."""
    folder = tmp_path_factory.mktemp("naughty") / "ix"
    documents = [
        Document(f"needle {text}", id=f"d{number}", metadata={"label": text, f"key {text}": 1})
        for number, text in enumerate(naughty())
        if storable(text)
    ]
    with Index.from_documents(documents, folder):
        return folder


@pytest.fixture
def retriever(capsys):
    """Runs the command in this process; whatever it is given, it must not fail in a way nobody thought of."""

    def run(*arguments):
        code = main(list(map(str, arguments)))
        out, err = capsys.readouterr()
        assert "Traceback" not in err and "this is a bug" not in err, err
        assert code in (0, 1, 2), code
        assert (code == 0) == ("error: " not in err and "problem: " not in out)
        assert all(not 0xD800 <= ord(character) < 0xE000 for character in out + err)
        assert not any(character in out + err for character in "\x00\x07\x08\x1b\x7f\x9b\u202e")
        return code, out

    return run


@pytest.mark.searches
def test_as_a_query(retriever, index):
    for text in naughty():
        code, out = retriever("search", "--index", index, "--", f"{text} " if text == "-" else text)
        assert code == (1 if any(0xD800 <= ord(c) < 0xE000 for c in text) else 0), text
        assert code or out.startswith(("nothing found", "1 hit", "5 hits", "4 hits", "3 hits", "2 hits")), text


@pytest.mark.searches
def test_as_a_filter_and_as_a_mode(retriever, index):
    for text in naughty():
        retriever("search", "needle", "--index", index, f"--filter={text}")
        retriever("search", "needle", "--index", index, f"--scope={text}")
        retriever("search", "needle", "--index", index, f"--mode={text}")


@pytest.mark.searches
def test_as_a_value_in_a_filter(retriever, index):
    for number, text in enumerate(naughty()):
        if storable(text):
            tree = {"filters": [{"key": "label", "operator": "==", "value": text}]}
            filters = str(MetadataFilters.model_validate(tree))
            code, out = retriever("search", "needle", "--index", index, "--json", f"--filter={filters}")
            assert code == 0
            assert [hit["ref_doc_id"] for hit in json.loads(out)["hits"]] == [f"d{number}"], text


def test_as_a_path_a_command_and_an_option(retriever, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for text in OWN:
        retriever("modes", "show", text)
        retriever(text)
        if text not in ("", ".", "../..", "//"):
            retriever("search", "x", "--", text)
            retriever("doctor", f"--index={text}")
