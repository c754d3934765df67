"""``retriever graph``: what it shows, and triples that it adds."""

import json
from functools import reduce

import pytest

from retrieverkit import Document, Index
from retrieverkit.cli import main
from retrieverkit_core import MetadataMode
from retrieverkit_core.errors import CorpusBusyError
from retrieverkit_property_graph.cli.adding import add_triples

LINES = [
    {"doc_id": "a", "triples": [["Ada", "met", "Babbage"], {"subject": "Ada", "relation": "wrote", "object": "Notes"}]},
    {"doc_id": "b", "triples": [["Babbage", "built", {"name": "Engine", "labels": ["Machine"]}]]},
]
NESTED = reduce(lambda inner, _: {"in": inner}, range(900), {"in": 1})


@pytest.fixture
def folder(tmp_path):
    with Index.create(tmp_path / "i.rk") as index:
        index.add([Document("one", id="a", metadata={"year": 1}), Document("two", id="b"), Document("three", id="c")])
    return tmp_path / "i.rk"


@pytest.fixture
def graph(capsys, folder):
    def run(*arguments, code=0):
        assert main(["graph", *map(str, arguments), "-i", str(folder)]) == code
        return capsys.readouterr()

    return run


@pytest.fixture
def file(tmp_path):
    def write(*lines):
        path = tmp_path / "triples.jsonl"
        path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines), "utf-8")
        return path

    return write


def documents(folder):
    with Index.open(folder) as index:
        return [index.document(doc_id) for doc_id in index.document_ids()]


def test_triples_are_added_to_the_documents_that_they_name_once(graph, file, folder):
    path = file(*LINES, "", {"doc_id": "a", "triples": [["ada", "met", "Babbage"], ["Ada", "met", "Babbage"]]})
    assert graph("add", path).out == "added 4 triples to 2 documents; 1 was there\n"
    told = json.loads(graph("add", path, "--json").out)
    assert told == {"documents": 0, "triples": 0, "known": 5, "notes": []}
    a, b, c = documents(folder)
    assert (a.text, a.metadata["year"], len(a.metadata["triples"])) == ("one", 1, 3)
    assert (b.metadata, c.metadata) == ({"triples": LINES[1]["triples"]}, {})


def test_an_entity_is_shown_with_what_is_around_it(graph, file):
    graph("add", file(*LINES))
    assert graph("show", "ADA", "--depth", 2).out.splitlines() == [
        "Ada  1 node",
        "├── met → Babbage  [a]",
        "│   └── built → Engine  [b]",
        "└── wrote → Notes  [a]",
    ]
    assert graph("show", "Engine").out.splitlines() == ["Engine (Machine)  1 node", "└── ← built Babbage  [b]"]
    limited = graph("show", "Ada", "--limit", 1).out.splitlines()
    assert limited[1:] == ["└── met → Babbage  [a]", "there are more: raise --limit"]
    assert '-->|"met"| e1' in graph("show", "ada", "--format", "mermaid").out
    told = json.loads(graph("show", "Engine", "--format", "json").out)
    step = {"subject": "Babbage", "relation": "built", "object": "Engine", "nodes": ["b"]}
    assert told["paths"] == [[step]]
    assert told["entity"] == {"name": "Engine", "labels": ["Machine"], "properties": {}, "nodes": 1}


def test_alone_it_says_what_it_does(capsys):
    assert main(["graph"]) == 0
    shown = capsys.readouterr()
    assert all(command in shown.out for command in ("show", "stats", "add"))
    assert shown.err == ""
    assert main(["graph", "show"]) == 2


def test_an_unknown_name_is_an_error_that_names_near_ones(graph, file):
    assert "the graph, which is empty" in graph("show", "Ada", "--extract", "given", code=1).err
    graph("add", file(*LINES))
    assert "did you mean 'Babbage'?" in graph("show", "Babage", code=1).err
    assert "did you mean" not in graph("show", "xyz", code=1).err


def test_statistics_count_what_there_is(graph, file):
    graph("add", file(*LINES))
    told = json.loads(graph("stats", "--json", "--extract", "given").out)
    assert (told["entities"], told["relations"], told["nodes"], told["nodes_that_name_entities"]) == (4, 3, 3, 2)
    assert told["most_related"][:2] == [
        {"name": "Ada", "relations": 2, "nodes": 1},
        {"name": "Babbage", "relations": 2, "nodes": 2},
    ]
    assert graph("stats", "--extract", "given").out.startswith("4 entities, 3 relations\n2 of 3 nodes name entities\n")


def test_under_a_scope_nothing_else_is_shown_counted_or_near(graph, file, folder):
    with Index.open(folder) as index:
        index.add([Document("one", id="a", metadata={"t": "x"}), Document("two", id="b", metadata={"t": "y"})])
    graph("add", file(*LINES))
    scope = ("--extract", "given", "--scope", "t == 'x'")
    assert graph("show", "Ada", "--depth", 3, *scope).out.splitlines() == [
        "Ada  1 node",
        "├── met → Babbage  [a]",
        "└── wrote → Notes  [a]",
    ]
    assert graph("show", "Engine", *scope, code=1).err == (
        "error: there is no entity 'Engine' in the graph\nfix: see 'retriever graph stats'\n"
    )
    assert graph("stats", *scope).out.startswith("3 entities, 2 relations\n1 of 1 nodes name entities\n")
    assert "error: " in graph("stats", "--scope", "no_field == 1", code=1).err


def test_doctor_counts_what_is_in_a_graph(graph, file, folder, capsys):
    graph("add", file(*LINES))
    graph("stats", "--extract", "given")
    assert main(["doctor", "--index", str(folder)]) == 0
    assert "property_graph  3 nodes, 4 entities, 3 relations, " in capsys.readouterr().out
    assert main(["doctor", "--index", str(folder), "--json"]) == 0
    (derived,) = json.loads(capsys.readouterr().out)["index"]["derived"]
    assert derived["counts"] == {"entities": 4, "relations": 3}


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["{"], "line 1: it is not JSON"),
        (["[" * 100_000], "line 1: it is not JSON"),
        ([LINES[0], '["a"]'], "line 2: it is not an object of doc_id and triples alone"),
        ([{"doc_id": "a", "triples": [], "more": 1}], "doc_id and triples alone"),
        ([{"doc_id": 1, "triples": []}], "doc_id is not the id"),
        ([{"doc_id": "a", "triples": {}}], "triples is not a list"),
        ([LINES[0], {"doc_id": "b", "triples": [["x", "y"]]}], "line 2: triples[0] has 2 parts"),
        ([{"doc_id": "a", "triples": [["x", "y", {"name": "z", "properties": {"p": float("nan")}}]]}], "not JSON"),
        ([{"doc_id": "a", "triples": [["x", "y", "\ud800"]]}], "surrogate"),
        ([{"doc_id": "a", "triples": [["x", "y", {"name": "z", "properties": NESTED}]]}], "nested more than"),
        (['{"doc_id": "a", "triples": [["x", "y", ' + "9" * 5_000 + "]]}"], "too many digits"),
        ([LINES[0], {"doc_id": "no", "triples": []}, {"doc_id": "none", "triples": []}], "no document 'no', 'none'"),
    ],
)
def test_what_cannot_be_added_adds_nothing(graph, file, folder, lines, told):
    before = documents(folder)
    assert told in graph("add", file(*lines), code=1).err
    assert documents(folder) == before


def test_a_file_that_is_not_there_or_not_text_is_an_error(graph, tmp_path):
    assert "error: " in graph("add", tmp_path / "none.jsonl", code=1).err
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\xff")
    assert "not UTF-8" in graph("add", tmp_path / "bytes", code=1).err


def test_metadata_that_is_not_a_list_of_triples_is_not_overwritten(graph, file, folder):
    with Index.open(folder) as index:
        index.add(Document("one", id="a", metadata={"triples": "Ada met Babbage"}))
    assert "is not a list" in graph("add", file(*LINES), code=1).err
    assert documents(folder)[1].metadata == {}


def test_the_nodes_of_a_long_document_stay_what_they_are(graph, file, folder):
    text = "\n\n".join(f"Babbage wrote page {n}. " + "word " * 150 for n in range(9))
    with Index.open(folder) as index:
        index.add(Document(text, id="b"))
        before = list(index)
    graph("add", file(*LINES))
    with Index.open(folder) as index:
        after = list(index)
    assert sorted((node.id, node.text, node.start_char_idx) for node in after) == sorted(
        (node.id, node.text, node.start_char_idx) for node in before
    )
    assert len(after) > 4
    assert all("triples" in node.metadata for node in after if node.ref_doc_id == "b")


@pytest.mark.needs("retrieverkit_bm25")
def test_documents_of_files_keep_their_triples_until_the_file_changes(graph, file, folder, tmp_path, capsys):
    notes = tmp_path / "notes"
    notes.mkdir()
    for name in ("x", "y"):
        (notes / f"{name}.txt").write_text(f"Text of {name}.")
    index = ["index", str(notes), "--index", str(folder)]
    assert main(index) == 0
    capsys.readouterr()
    done = graph("add", file({"doc_id": "notes/x.txt", "triples": [["x", "is", "y"]]}, LINES[0]))
    assert "1 document was read from files" in done.err
    assert main(index) == 0
    assert [d.id for d in documents(folder) if "triples" in d.metadata] == ["a", "notes/x.txt"]
    (notes / "x.txt").write_text("Another text.")
    assert main(index) == 0
    assert [d.id for d in documents(folder) if "triples" in d.metadata] == ["a"]
    assert {d.id for d in documents(folder)} == {"a", "b", "c", "notes/x.txt", "notes/y.txt"}


@pytest.mark.needs("retrieverkit_bm25")
def test_triples_of_documents_of_files_and_of_others_are_added_together_or_not_at_all(graph, file, folder, tmp_path):
    (tmp_path / "x.txt").write_text("Text of x.")
    assert main(["index", str(tmp_path / "x.txt"), "--index", str(folder)]) == 0
    before = documents(folder)
    deep = {"doc_id": "a", "triples": [["x", "y", {"name": "z", "properties": NESTED["in"]["in"]}]]}
    assert "nested" in graph("add", file({"doc_id": "x.txt", "triples": [["x", "is", "y"]]}, deep), code=1).err
    assert documents(folder) == before
    assert main(["index", str(tmp_path / "x.txt"), "--index", str(folder)]) == 0


def test_a_change_of_another_writer_meanwhile_is_not_undone(folder):
    with Index.open(folder) as index, Index.open(folder) as other:

        class Changing:
            """A corpus that somebody else changes at the last moment."""

            def __getattr__(self, name):
                return getattr(index.corpus, name)

            def amend(self, documents, *, at):
                other.add(Document("one, changed", id="a"))
                return index.corpus.amend(documents, at=at)

        with pytest.raises(CorpusBusyError, match="changed meanwhile; nothing was"):
            add_triples(Changing(), {"a": LINES[0]["triples"], "b": LINES[1]["triples"]})
    a, b, _ = documents(folder)
    assert (a.text, a.metadata, b.metadata) == ("one, changed", {}, {})


def test_models_are_not_shown_what_is_added(graph, file, folder):
    with Index.open(folder) as index:
        index.add(Document("two", id="b", metadata={"triples": [["x", "is", "y"]]}))
    graph("add", file(*LINES))
    a, b, _ = documents(folder)
    assert (a.excluded_llm_metadata_keys, b.excluded_llm_metadata_keys) == (["triples"], [])
    with Index.open(folder) as index:
        shown = {node.ref_doc_id or node.id: node.get_content(MetadataMode.LLM) for node in index}
    assert shown["a"] == "year: 1\n\none"
    assert "Engine" in shown["b"]  # it is shown what the author of the document let be shown


def test_a_name_cannot_end_its_place_in_a_flowchart(graph, file, folder):
    name = 'Ada"] --> e9["<img src=x onerror=alert(1)>'
    with Index.open(folder) as index:
        index.add(Document("one", id="d", metadata={"author": name}))
    shown = graph("show", name, "--extract", "given", "--entity-field", "author", "--format", "mermaid").out
    assert len(shown.splitlines()) == 2
    assert not set('<>="]') & set(shown.splitlines()[1].removeprefix('    e0["').removesuffix('"]'))


@pytest.mark.parametrize("command", [("show", "Ada"), ("stats",), ("show", "Ada", "--format", "json")])
def test_relations_by_rules_are_not_shown_as_facts(graph, file, command):
    graph("add", file(*LINES))
    told = "rules say what is named together, not what is true"
    assert f"relations: by rules where none are given; {told}" in " ".join(graph(*command).err.split())
    assert f"relations: by rules; {told}" in " ".join(graph(*command, "--extract", "rules").err.split())
    assert graph(*command, "--extract", "given").err == ""


def test_of_entities_that_are_related_equally_often_the_first_by_name_are_shown(graph, folder):
    names = [f"e{n:02}" for n in range(60)]
    with Index.open(folder) as index:
        for first in (30, 0):  # in another order than by name
            triples = [[name, "is", name] for name in names[first : first + 30]]
            index.add(Document("x", id=f"d{first}", metadata={"triples": triples}))
            graph("stats", "--extract", "given")
    told = json.loads(graph("stats", "--json", "--extract", "given").out)
    assert [row["name"] for row in told["most_related"]] == names[:10]
