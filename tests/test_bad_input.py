"""Bad input: a typed error with a fix or a right answer, and nothing lost."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from modes import searchable_modes

from retrieverkit import Document, Index, MetadataFilters, QueryBundle, RetrieverKitError
from retrieverkit_core import MetadataFilter

MODES = searchable_modes()
each_mode = pytest.mark.parametrize("mode", MODES.values(), ids=MODES.keys())

OURS = [
    "",
    " ",
    "\x00",
    "a\x00b",
    "\ud800",
    "\U0001f469\u200d\U0001f4bb",
    "‮reversed",
    "%s%n",
    "' OR 1=1 --",
    '"; DROP TABLE nodes',
    "../../etc/passwd",
    "${jndi:x}",
    "{{7*7}}",
    "<script>alert(1)</script>",
    "AND OR NOT",
    'title:"x" AND (',
    "*",
    "?",
    "~",
    "\\",
    "\r\n",
    "ß",
    "İ",
    "ﬁ",
    "e\u0301",
    "é",
    "漢字かな",
    "อักษรไทย",
    "مرحبا",
    "a" * 70_000,
    "🙂" * 1000,
    "-1",
    "NaN",
    "null",
]


def naughty():
    root = Path(os.environ.get("RETRIEVERKIT_DATA", Path(__file__).parents[2] / "shared" / "data"))
    path = root / "naughty_strings.jsonl"
    if not path.exists():
        return OURS
    strings = []
    for line in path.read_text("utf-8").strip().split("\n"):
        value = json.loads(line)
        strings.append(value if isinstance(value, str) else next(v for v in value.values() if isinstance(v, str)))
    return OURS + strings


def storable(text):
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


@pytest.fixture(scope="module")
def hostile_index(tmp_path_factory):
    with Index.open(tmp_path_factory.mktemp("hostile") / "index", create=True) as index:
        good = [text for text in dict.fromkeys(naughty()) if storable(text)]
        index.add([Document(f"plain words {t}", id=f"doc {n}", metadata={"s": t}) for n, t in enumerate(good)])
        index.add(Document("plain", id="keys", metadata={text: n for n, text in enumerate(good)}))
        yield index, good


def test_every_string_is_stored_faithfully(hostile_index):
    index, good = hostile_index
    assert index.document("keys").metadata == {text: n for n, text in enumerate(good)}
    for n, text in enumerate(good):
        assert index.document(f"doc {n}").metadata == {"s": text}
        assert index.document(f"doc {n}").text == f"plain words {text}"


def test_strings_that_cannot_be_stored_are_refused_and_nothing_is_lost(hostile_index):
    index, _ = hostile_index
    head = index.corpus.head()
    bad = "\ud800"
    for document in (Document(bad, id="x"), Document("x", id=bad), Document("x", id="x", metadata={bad: 1})):
        with pytest.raises(RetrieverKitError):
            index.add([Document("good", id="good"), document])
    assert index.corpus.head() == head
    assert index.document("good") is None


@each_mode
def test_every_string_as_a_query(hostile_index, mode):
    index, _ = hostile_index
    retriever = index.as_retriever(mode, top_k=3)
    for text in naughty():
        if not storable(text):
            with pytest.raises(RetrieverKitError):
                retriever.retrieve(text)
            continue
        result = retriever.retrieve(text)
        assert len(result) <= 3
        if not text.strip():
            assert result == []


@each_mode
def test_every_string_as_a_filter_value_and_key(hostile_index, mode):
    index, good = hostile_index
    retriever = index.as_retriever(mode, top_k=2000)
    for n, text in list(enumerate(good))[::7]:
        by_value = MetadataFilters(filters=[MetadataFilter(key="s", value=text)])
        found = {hit.ref_doc_id for hit in retriever.retrieve(QueryBundle("plain", filters=by_value))}
        same = {f"doc {m}" for m, other in enumerate(good) if by_value.matches({"s": other})}
        assert f"doc {n}" in same
        assert found == same
        by_key = MetadataFilters(filters=[MetadataFilter(key=text, value=n)])
        assert [h.ref_doc_id for h in retriever.retrieve(QueryBundle("plain", filters=by_key))] == ["keys"]


@each_mode
@pytest.mark.parametrize(("top_k", "n"), [(0, 0), (1, 1), (10**9, 4)])
def test_top_k(tmp_path, mode, top_k, n):
    with Index.from_documents([Document(f"word {i}", id=str(i)) for i in range(4)]) as index:
        assert len(index.retrieve(QueryBundle("word", top_k=top_k), mode)) == n
        assert len(index.as_retriever(mode, top_k=top_k).retrieve("word")) == n
        with pytest.raises(RetrieverKitError, match="top_k"):
            index.as_retriever(mode, top_k=-1)


@each_mode
def test_an_empty_corpus_and_one_that_was_emptied(tmp_path, mode):
    with Index.open(tmp_path / "index", create=True) as index:
        retriever = index.as_retriever(mode)
        filters = MetadataFilters.parse("year > 3")
        assert retriever.retrieve("word") == retriever.retrieve(QueryBundle("word", filters=filters)) == []
        index.add([Document("word", id="a"), Document("the of and", id="stop"), Document("", id="empty")])
        assert [hit.ref_doc_id for hit in retriever.retrieve("word")][:1] == ["a"]
        index.delete(["a", "stop", "empty"])
        assert retriever.retrieve("word") == []


@each_mode
def test_a_query_of_a_million_characters(tmp_path, mode):
    with Index.from_documents([Document("needle in hay", id="a"), Document("other", id="b")]) as index:
        query = "needle " + "straw" * 200_000
        found = [] if mode == "grep" else ["a"]  # one takes the query as it is, the others by its words
        assert [hit.ref_doc_id for hit in index.as_retriever(mode, top_k=1).retrieve(query)] == found


@pytest.mark.parametrize(
    "mode",
    [
        "bm52",
        "bm25(",
        "bm25(topk=3)",
        "bm25(top_k='3')",
        "bm25(top_k=1.5)",
        "bm25(bm25)",
        "",
        " ",
        "bm25;",
        "__import__('os')",
        "bm25(language='xx')",
        "../bm25",
        "bm25\x00",
        "ｂｍ25",
        "x" * 20_000,
        "f(" * 100 + ")" * 100,
        3,
        None.__class__,
        ["bm25"],
    ],
    ids=lambda value: repr(value)[:30],
)
def test_wrong_modes_and_options_are_typed_errors_with_a_fix(tmp_path, mode):
    with Index.open(tmp_path / "index", create=True) as index, pytest.raises(RetrieverKitError) as caught:
        index.as_retriever(mode).retrieve("x")
    assert len(str(caught.value)) < 1500


@pytest.mark.parametrize(
    ("documents", "told"),
    [
        pytest.param(["text"], "Documents", id="no document"),
        pytest.param([{"text": "x"}], "not dict", id="a dict"),
        pytest.param([Document("x", id="")], "id", id="no id"),
        pytest.param([Document("x", id="a"), Document("y", id="a")], "twice", id="an id twice"),
        pytest.param([Document("x", metadata={"n": float("nan")})], "n", id="NaN"),
        pytest.param([Document("x", metadata={1: 2})], "str", id="a number as key"),
        pytest.param([Document("x", metadata={"o": object()})], "o", id="an object"),
        pytest.param([Document(b"bytes")], "text", id="bytes"),
    ],
)
def test_documents_that_cannot_be_stored(tmp_path, documents, told):
    with Index.open(tmp_path / "index", create=True) as index:
        with pytest.raises(RetrieverKitError, match=told):
            index.add([Document("fine", id="fine"), *documents])
        assert index.document_ids() == []


def test_folders_that_are_no_index(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "photo.jpg").write_text("x")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "corpus.sqlite").write_text("")
    for name in ("file", "folder", "empty"):
        with pytest.raises(RetrieverKitError, match="fix:"):
            Index.open(tmp_path / name, create=True)
    with pytest.raises(RetrieverKitError, match="no index"):
        Index.open(tmp_path / "missing")
    assert not (tmp_path / "missing").exists()


def test_a_folder_that_cannot_be_looked_into_is_a_typed_error(tmp_path, obey_permissions):
    folder = tmp_path / "index"
    folder.mkdir(mode=0)
    program = (
        "import sys\n"
        "from retrieverkit import Index, RetrieverKitError\n"
        "for name in (sys.argv[1], sys.argv[1] + '/deeper'):\n"
        "    try: Index.open(name)\n"
        "    except RetrieverKitError as error: print(error.code)\n"
    )
    command = [sys.executable, "-c", program, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=obey_permissions)
    assert done.stdout.split() == ["corpus", "corpus"], done.stderr
    folder.chmod(0o700)


@each_mode
def test_a_read_only_folder_answers_and_refuses_writes(tmp_path, mode, obey_permissions):
    folder = tmp_path / "index"
    with Index.open(folder, create=True) as index:
        index.add([Document("a word", id="a")])
        index.retrieve("word", mode)
        index.add([Document("another word", id="b")])
    program = (
        "import sys\n"
        "from retrieverkit import Document, Index, RetrieverKitError\n"
        "index = Index.open(sys.argv[1])\n"
        "print(*sorted(h.ref_doc_id for h in index.as_retriever(sys.argv[2], top_k=9).retrieve('word')))\n"
        "try: index.add(Document('x'))\n"
        "except RetrieverKitError as error: print(error.code)\n"
    )
    for path in [folder, *folder.rglob("*")]:
        os.chmod(path, 0o555 if path.is_dir() else 0o444)
    try:
        home = {"HOME": "/nonexistent", "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            [sys.executable, "-c", program, str(folder), mode],
            capture_output=True,
            text=True,
            cwd="/",
            env={**os.environ, **home},
            preexec_fn=obey_permissions,
        )
        assert done.stdout.split() == ["a", "b", "read_only"], done.stderr
    finally:
        for path in [folder, *folder.rglob("*")]:
            os.chmod(path, 0o755)
