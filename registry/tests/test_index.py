"""The user's handle, with a mode that is registered at run time."""

import gc
import os
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from pydantic import Field

from retrieverkit import (
    Document,
    Index,
    IndexNode,
    MetadataFilters,
    Node,
    QueryBundle,
    RetrieverSpec,
    list_modes,
    register_mode,
)
from retrieverkit.discovery import KNOWN_MODES, Discovery
from retrieverkit_core import (
    BaseRetriever,
    ModeOptions,
    ModeSpec,
    NodeRelationship,
    NodeWithScore,
    Observers,
    hookimpl,
)
from retrieverkit_core.errors import (
    ConfigError,
    InvalidDocumentError,
    MissingServiceError,
    NotACorpusError,
    UnknownModeError,
    UnknownOptionError,
)


class InOrder(BaseRetriever):
    """Every node in the order it was added."""

    answers_blank = True

    def __init__(self, corpus, top_k):
        super().__init__()
        self.corpus, self.default_top_k = corpus, top_k

    def _retrieve(self, query_bundle):
        with self.corpus.snapshot() as view:
            return [NodeWithScore(stored.node) for stored in view.nodes()]


class InOrderOptions(ModeOptions):
    language: str = Field("en", description="unused")


class InOrderPlugin:
    spec = ModeSpec(name="in_order", summary="all nodes in order", options=InOrderOptions)
    built = 0

    @hookimpl
    def make_retriever(self, options, context):
        self.built += 1
        return InOrder(context.need_corpus(), options.top_k)


@pytest.fixture
def plugin():
    return InOrderPlugin()


@pytest.fixture
def discovery(plugin, monkeypatch):
    monkeypatch.setenv("RETRIEVERKIT_PLUGINS", "")
    monkeypatch.delenv("RETRIEVERKIT_EMBEDDING", raising=False)
    found = Discovery()
    found.register_mode("in_order", plugin)
    return found


@pytest.fixture
def index(tmp_path, discovery):
    with Index.create(tmp_path / "notes.rk", discovery=discovery) as opened:
        yield opened


def ids(result):
    return [hit.node_id for hit in result]


def test_a_retriever_sees_what_is_added_and_removed_after_it_was_made(index):
    retriever = index.as_retriever("in_order", top_k=10)
    assert retriever.retrieve("q") == []
    report = index.add([Document("one", id="a"), Document("two", id="b")])
    assert (report.added, ids(retriever.retrieve("q"))) == (("a", "b"), ["a", "b"])
    assert index.add(Document("one", id="a")).unchanged == ("a",)
    assert index.add(Document("one!", id="a")).changed == ("a",)
    assert index.delete(["b", "zz"]).missing == ("zz",)
    assert [(h.node_id, h.text) for h in retriever.retrieve("q")] == [("a", "one!")]


def test_what_is_stored_is_there_after_reopening(tmp_path, discovery):
    with Index.create(tmp_path / "x", discovery=discovery) as index:
        index.add(Document("one", id="a", metadata={"year": 1961}))
    with Index.open(tmp_path / "x", discovery=discovery) as index:
        assert index.document("a") == Document("one", id="a", metadata={"year": 1961})
        assert (len(index), bool(index), [node.id for node in index]) == (1, True, ["a"])
        assert index.fields() == {"year": frozenset({"number"})}


def test_settings_of_an_index(tmp_path, discovery):
    with Index.create(tmp_path / "x", language="de", searched=("title", "author"), discovery=discovery) as index:
        assert (index.settings.language, index.settings.searched) == ("de", ("title", "author"))
    with Index.open(tmp_path / "x", discovery=discovery) as index:
        assert index.settings == index.corpus.settings
        assert index.configure(searched=()).searched == index.settings.searched == ()
        assert index.settings.language == "de"
    with pytest.raises(ConfigError, match="already"):
        Index.create(tmp_path / "x", discovery=discovery)
    with Index.from_documents([Document("eins", id="a")], language="de", discovery=discovery) as index:
        assert (index.settings.language, index.document_ids()) == ("de", ["a"])
    with pytest.raises(ConfigError, match="did you mean 'de'"):
        Index.from_documents([], language="dee", discovery=discovery)


def test_opening_refuses_what_is_not_there_and_creating_what_is(tmp_path, discovery):
    with pytest.raises(NotACorpusError, match="no index in") as caught:
        Index.open(tmp_path / "nots.rk", discovery=discovery)
    assert "Index.create" in caught.value.fix and not (tmp_path / "nots.rk").exists()
    Index.open(tmp_path / "notes.rk", create=True, discovery=discovery).close()
    with pytest.raises(ConfigError, match="already"):
        Index.create(tmp_path / "notes.rk", discovery=discovery)
    with pytest.raises(ConfigError, match="already"):
        Index.from_documents([Document("one")], tmp_path / "notes.rk", discovery=discovery)
    for name in ("a\0b", "\0"):
        with pytest.raises(ConfigError, match="NUL"):
            Index.open(name, discovery=discovery)


def test_what_is_asked_of_one_query(index):
    index.add([Document(str(n), id=str(n), metadata={"n": n, "of": "ab"[n % 2]}) for n in range(6)])
    asked = QueryBundle("q", top_k=5)
    kept = index.as_retriever("in_order")
    for filters in ("n >= 1", {"filters": [{"key": "n", "operator": ">=", "value": 1}]}):
        assert ids(index.retrieve("q", "in_order", top_k=2, filters=filters, scope="of == 'b'")) == ["1", "3"]
    parsed = MetadataFilters.parse("n >= 1")
    assert ids(index.retrieve(asked, "in_order", filters=parsed)) == ["1", "2", "3", "4", "5"]
    assert ids(index.retrieve(asked, "in_order", top_k=1)) == ["0"]
    assert len(kept.retrieve("q")) == 5
    for name in ("filters", "scope"):
        with pytest.raises(ConfigError, match="belongs to the query") as caught:
            index.as_retriever("in_order", **{name: parsed})
        assert f"{name}=" in caught.value.fix
        with pytest.raises(ConfigError, match="belongs to the query"):
            index.as_retriever(f"in_order({name}='n > 1')")


class AllOf(BaseRetriever):
    def __init__(self, legs):
        super().__init__()
        self.legs = legs

    def _retrieve(self, query_bundle):
        return [hit for leg in self.legs for hit in leg.retrieve(query_bundle)]


class AllOfOptions(ModeOptions):
    retrievers: list[RetrieverSpec]


class AllOfPlugin:
    spec = ModeSpec(name="all_of", summary="what each leg finds", options=AllOfOptions)

    @hookimpl
    def make_retriever(self, options, context):
        return AllOf([context.resolve(leg) for leg in options.retrievers])


def test_sub_retrievers_as_an_option(index, discovery):
    discovery.register_mode("all_of", AllOfPlugin())
    index.add([Document("one", id="a"), Document("two", id="b")])
    for legs in (["in_order(top_k=1)", {"mode": "in_order"}], (RetrieverSpec.parse("in-order"),)):
        retriever = index.as_retriever("all_of", retrievers=legs)
        assert len(retriever.legs) == len(legs) and ids(retriever.retrieve("q")) == ["a", "b"]
    assert len(index.as_retriever("all_of(in_order, in_order)", retrievers=["in_order"]).legs) == 1
    for wrong in ("in_order", 5):
        with pytest.raises(ConfigError, match="not a list of retrievers"):
            index.as_retriever("all_of", retrievers=wrong)


@pytest.mark.parametrize("name", ["similarity_top_k", "k", "limit", "n", "num_results"])
def test_what_others_call_top_k(index, name):
    with pytest.raises(UnknownOptionError, match="did you mean 'top_k'") as caught:
        index.as_retriever("in_order", **{name: 2})
    assert caught.value.near == ("top_k",)


def test_an_index_of_nodes(tmp_path, discovery):
    nodes = [Node("one", id="a#0", relationships={NodeRelationship.SOURCE: "a"}), Node("two", id="b")]
    with Index.from_nodes(nodes, tmp_path / "x", searched=(), discovery=discovery) as index:
        assert list(index) == nodes and index.document_ids() == ["a", "b"]
        assert index.settings.searched == ()
    with pytest.raises(ConfigError, match="already"):
        Index.from_nodes(nodes, tmp_path / "x", discovery=discovery)


def test_whether_a_document_is_there(index):
    index.add(Document("one", id="a"))
    assert "a" in index and "b" not in index and 5 not in index and "\ud800" not in index


class NothingPlugin:
    spec = ModeSpec(name="nothing", summary="finds nothing, anywhere")

    @hookimpl
    def make_retriever(self, options, context):
        return AllOf([])


def test_an_answer_from_an_empty_index_says_so(index, discovery):
    discovery.register_mode("nothing", NothingPlugin())
    retriever = index.as_retriever("in_order")
    told = "the index holds no documents"
    assert told in retriever.retrieve("q").notes and told in retriever.candidates(QueryBundle("q")).notes
    index.add(Document("one", id="a", metadata={"n": 1}))
    assert retriever.retrieve("q").notes == () == retriever.retrieve("q", filters="n > 1").notes
    index.delete(["a"])
    assert told in index.retrieve("q", "in_order").notes
    nothing = index.as_retriever("nothing")
    index.close()
    assert nothing.retrieve("q").notes == ()  # it needs no corpus, and nothing is known of this one


def test_the_installed_modes_are_listed():
    register_mode("listed_here", InOrderPlugin())
    rows = {row.name: row for row in list_modes()}
    assert (rows["listed_here"].distribution, rows["listed_here"].status) == ("runtime", "available")


@pytest.mark.parametrize("key", ["_node_id", "_doc_id"])
def test_metadata_cannot_take_the_names_of_ids(index, key):
    with pytest.raises(InvalidDocumentError, match="reserved"):
        index.add([Document("fine", id="a"), Document("x", id="b", metadata={key: "x"})])
    with pytest.raises(InvalidDocumentError, match="reserved"):
        index.add_nodes([Node("x", id="n", metadata={key: 1})])
    assert index.document_ids() == []
    index.add([Document("one", id="a"), Document("two", id="b")])
    assert ids(index.retrieve("q", "in_order", filters=f"{key} == 'b'")) == ["b"]


def test_values_that_are_nearly_json_are_told_how_to_write(index):
    for value, hint in ((date(2024, 2, 1), "isoformat"), (Path("x"), "str(value)"), ((1, 2), "list")):
        with pytest.raises(InvalidDocumentError, match=re.escape(hint)):
            index.add(Document("x", id="x", metadata={"v": value}))


def test_a_retriever_keeps_a_temporary_index(discovery):
    def make():
        return Index.from_documents([Document("x", id="x")], discovery=discovery).as_retriever("in_order")

    retriever = make()
    gc.collect()
    folder = retriever.corpus.path.parent
    assert ids(retriever.retrieve("q")) == ["x"] and folder.exists()
    del retriever
    gc.collect()
    assert not folder.exists()


def test_a_long_document_is_cut_and_its_nodes_name_it(index):
    text = "\n\n".join(f"Paragraph {n} " + "word " * 60 for n in range(40))
    index.add(Document(text, id="long"))
    nodes = list(index)
    assert len(nodes) > 3
    assert {node.ref_doc_id for node in nodes} == {"long"}
    assert all(node.text == text[node.start_char_idx : node.end_char_idx] for node in nodes)
    assert nodes[1].prev_node == nodes[0].id and nodes[1].next_node == nodes[2].id


def test_nodes_of_the_callers_own_and_index_nodes(index):
    index.add_nodes([Node("text", id="n"), IndexNode("lead", id="lead", index_id="there")])
    target = Node("found", id="found")
    assert ids(index.as_retriever("in_order").retrieve("q")) == ["n", "lead"]
    assert ids(index.as_retriever("in_order", object_map={"there": target}).retrieve("q")) == ["n", "found"]
    led = index.as_retriever("in_order", objects=[IndexNode(index_id="there", obj=target)])
    assert ids(led.retrieve("q")) == ["n", "found"]


def test_modes_as_string_dict_and_with_options_over_it(index):
    index.add([Document(str(n), id=str(n)) for n in range(5)])
    for mode, options, count in (
        ("in_order(top_k=2)", {}, 2),
        ("in_order(top_k=2)", {"top_k": 3}, 3),
        ({"mode": "in_order", "top_k": 1}, {}, 1),
        ("in-order", {}, 5),
    ):
        assert len(index.as_retriever(mode, **options).retrieve("q")) == count
        assert len(index.retrieve("q", mode, **options)) == count
    assert len(index.as_retriever(retriever_mode="in_order").retrieve(QueryBundle("q", top_k=4))) == 4


def test_retrieve_builds_a_retriever_once(index, plugin):
    for _ in range(3):
        index.retrieve("q", "in_order", top_k=2)
    assert plugin.built == 1


def test_wrong_modes_and_options(index, monkeypatch):
    monkeypatch.setitem(KNOWN_MODES, "shipped_apart", "retrieverkit-apart")
    with pytest.raises(UnknownModeError, match=r"did you mean 'in_order'"):
        index.as_retriever("in_ordre")
    with pytest.raises(UnknownModeError, match="pip install retrieverkit-apart"):
        index.as_retriever("shipped_apart")
    with pytest.raises(UnknownOptionError, match=r"did you mean 'top_k'"):
        index.as_retriever("in_order", topk=3)
    with pytest.raises(ConfigError, match="pip install"):
        index.as_retriever()


def test_observers_that_are_given_are_told(index):
    told = []

    class Watches:
        @hookimpl
        def on_retrieve_end(self, retriever, result):
            told.append((retriever.name, len(result)))

    index.add(Document("x"))
    index.as_retriever("in_order", hooks=Observers.of(Watches())).retrieve("q")
    assert told == [("in_order", 1)]


def test_a_mode_that_needs_a_model_says_what_to_give(index):
    services = index.as_retriever("in_order") and index._services
    with pytest.raises(MissingServiceError, match="llm="):
        services.llm()
    with pytest.raises(MissingServiceError, match="pip install"):
        services.embedding()


def test_a_temporary_index_leaves_nothing_behind(discovery):
    index = Index.from_documents([Document("x")], discovery=discovery)
    folder = index.path
    assert folder.is_dir()
    index.close()
    assert not folder.exists()
    forgotten = Index.from_documents([Document("x")], discovery=discovery)
    folder = forgotten.path
    del forgotten
    gc.collect()
    assert not folder.exists()


def test_a_forked_child_leaves_its_parents_temporary_index_alone(discovery):
    index = Index.from_documents([Document("x", id="x")], discovery=discovery)
    child = os.fork()
    if child == 0:
        index.close()
        os._exit(0)
    os.waitpid(child, 0)
    assert index.document("x") is not None
    index.close()


def test_opening_imports_nothing_heavy():
    program = (
        "import sys; from retrieverkit import Index\n"
        "heavy = {'numpy', 'tantivy', 'typer', 'rich', 'pypdf', 'yaml', 'Stemmer', 'semantic_text_splitter'}\n"
        "found = sorted(name for name in sys.modules if name in heavy or name.startswith('retrieverkit_') "
        "and not name.startswith('retrieverkit_core'))\n"
        "print(found)"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout.strip() == "[]"


@pytest.fixture
def folder(tmp_path):
    files = tmp_path / "files"
    files.mkdir()
    for name in ("one", "two", "three"):
        (files / f"{name}.txt").write_text(f"text of {name}")
    return files


def test_a_folder_that_is_added_again_only_costs_what_changed(index, folder):
    first = index.add_files(folder)
    assert (len(first.added), first.read, first.errors) == (3, 3, [])
    head = index.corpus.head()
    again = index.add_files([folder])
    assert (again.read, again.unchanged, again.added + again.changed + again.removed) == (0, 3, [])
    assert index.corpus.head() == head
    (folder / "one.txt").write_text("another text")
    (folder / "two.txt").unlink()
    (folder / "four.txt").write_text("text of four")
    report = index.add_files(folder)
    assert [Path(name).name for name in report.added + report.changed + report.removed] == [
        "four.txt",
        "one.txt",
        "two.txt",
    ]
    assert sorted(node.text for node in index) == ["another text", "text of four", "text of three"]


def test_a_touched_file_of_the_same_size_and_time_is_still_seen(index, folder):
    index.add_files(folder)
    path = folder / "one.txt"
    before = path.stat()
    path.write_text("texT of one")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert len(index.add_files(folder).changed) == 1


def test_what_cannot_be_read_is_reported_and_the_rest_goes_in(index, folder):
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 nothing more")
    (folder / "binary.bin").write_bytes(bytes(range(256)))
    (folder / "rows.jsonl").write_text('{"text": "good row"}\n{"text": bad}\n{"text": "last row", "n": 1}\n')
    report = index.add_files([folder, folder / "missing.txt"])
    assert len(index) == 5
    told = "\n".join(map(str, report.errors))
    assert all(name in told for name in ("broken.pdf", "rows.jsonl", "missing.txt")) and "binary.bin" not in told
    assert [skipped.path for skipped in report.skipped] == ["files/binary.bin"]
    again = index.add_files(folder)
    assert (again.errors, again.partial) == ([], True)
    assert again.failed_before == ["files/broken.pdf", "files/rows.jsonl"]
    assert [str(error) for error in index.add_files(folder, retry=True).errors] == list(map(str, report.errors[1:]))


def test_a_row_that_cannot_be_stored_does_not_stop_its_file(index, folder):
    rows = '{"id": "a", "text": "fine"}\n{"id": "b", "text": "too deep", "x": ' + "[" * 40 + "]" * 40 + "}\n"
    (folder / "rows.jsonl").write_text(rows)
    report = index.add_files(folder)
    assert index.document("a") is not None
    assert len(index) == 4
    assert "rows.jsonl" in str(report.errors[0])


def test_an_id_that_is_taken_elsewhere_is_called_by_its_file_and_nothing_is_replaced(index, folder):
    index.add(Document("mine", id="a"))
    (folder / "rows.jsonl").write_text('{"id": "a", "text": "theirs"}\n{"id": "b", "text": "fine"}\n')
    report = index.add_files(folder)
    assert report.errors == [] and "1 record of 1 file has an id" in report.notes[0]
    assert index.document("a").text == "mine"
    assert index.document("files/rows.jsonl#id=a").text == "theirs"
    assert index.document("b").text == "fine"


def test_a_document_of_a_file_that_was_deleted_comes_back_with_the_file(index, folder):
    index.add_files(folder)
    gone = index.document_ids()[0]
    index.delete([gone])
    assert index.add_files(folder).added == [gone]


def test_the_index_folder_itself_is_never_read(tmp_path, discovery):
    (tmp_path / "a.txt").write_text("x")
    with Index.create(tmp_path / "notes.rk", discovery=discovery) as index:
        report = index.add_files(tmp_path)
        assert [Path(name).name for name in report.added] == ["a.txt"]


def test_reindexing_keeps_what_was_paid_for(index):
    (index.storage / "bm25-1").mkdir(parents=True)
    (index.storage / "embeddings-1.sqlite3").write_text("paid")
    index.reindex()
    assert [path.name for path in index.storage.iterdir()] == ["embeddings-1.sqlite3"]


def test_objects_of_index_nodes_are_not_stored_and_that_is_said(tmp_path):
    with Index.create(tmp_path / "notes.rk") as index:
        leads, plain = IndexNode(id="i", text="wind", index_id="k", obj=Node(id="t")), Node(id="n", text="ice")
        assert ["1 index nodes are not stored" in note for note in index.add_nodes([leads, plain]).notes].count(
            True
        ) == 1
        assert not any("stored" in note for note in index.add_nodes([IndexNode(id="j", text="x", index_id="k")]).notes)
