import os
import random
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieverkit_bm25 import Bm25Index, Bm25Options, Bm25Retriever
from retrieverkit_bm25.plugin import plugin
from retrieverkit_core.errors import ConfigError, MissingServiceError, QueryError, StorageFullError
from retrieverkit_core.nodes import Node
from retrieverkit_core.plugin import BuildContext
from retrieverkit_core.query import QueryBundle

TEXTS = [
    "The cat sat on the mat.",
    "Dogs and cats are animals; cats sleep.",
    "Birds fly over the mat.",
    "Nothing of interest",
]


@pytest.fixture
def retriever(new_corpus, tmp_path):
    return Bm25Retriever(new_corpus(TEXTS), tmp_path)


def ids(result):
    return [hit.node.id for hit in result]


def test_equal_scores_come_in_the_order_of_the_corpus_also_at_the_cut(new_corpus, tmp_path):
    corpus = new_corpus(["same words here"] * 300)
    retriever = Bm25Retriever(corpus, tmp_path)
    for n in range(300, 330):  # several files of the engine
        corpus.add(Node(text="same words here", id=f"n{n}"))
        retriever.index.reader()
    for k in (1, 5, 50, 329, 330, 10**9):
        result = retriever.retrieve(QueryBundle("words", top_k=k))
        assert ids(result) == [f"n{i}" for i in range(min(k, 330))]
        assert len({hit.score for hit in result}) == 1


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("cats", ["n1", "n0"]),
        ("mat AND NOT cat", ["n0", "n1", "n2"]),
        ('"', []),
        ("", []),
        (" \n", []),
        ("the of and", []),
        ("unicorn", []),
        ("body:cat ordinal:[1 TO 3] *", ["n1", "n0"]),
    ],
)
def test_queries_are_words_and_no_syntax(retriever, query, found):
    assert ids(retriever.retrieve(query)) == found


@given(st.text())
@settings(max_examples=3 * settings.default.max_examples)
def test_any_query_is_answered(retriever, text):
    assert set(ids(retriever.retrieve(text))) <= {"n0", "n1", "n2", "n3"}


def test_how_many(retriever):
    assert ids(retriever.retrieve(QueryBundle("cat mat", top_k=0))) == []
    assert len(retriever.retrieve(QueryBundle("cat mat", top_k=10**9))) == 3
    with pytest.raises(QueryError):
        QueryBundle("cat", top_k=-1)


def test_a_huge_query_is_cut_to_its_rarest_terms(new_corpus, tmp_path):
    corpus = new_corpus([f"common{i % 100} word{i}" for i in range(3000)])
    retriever = Bm25Retriever(corpus, tmp_path, top_k=3000)
    query = " ".join([f"common{i}" for i in range(100)] + [f"word{i}" for i in range(1024)])
    assert len(retriever.retrieve(query)) == 1024
    assert len(retriever.retrieve("unknown " * 200_000 + "word7")) == 1
    assert len(retriever.retrieve("x" * 1_000_000)) == 0


def test_an_empty_corpus_has_no_hits(new_corpus, tmp_path):
    corpus = new_corpus()
    retriever = Bm25Retriever(corpus, tmp_path)
    assert retriever.retrieve("anything") == []
    corpus.add(Node(text="anything at all", id="a"))
    assert ids(retriever.retrieve("anything")) == ["a"]
    corpus.delete("a")
    assert retriever.retrieve("anything") == []


def test_the_title_is_text_unless_it_is_excluded(new_corpus, tmp_path):
    corpus = new_corpus()
    corpus.add(
        Node(text="one", id="titled", metadata={"title": "Walrus", "other": "Penguin"}),
        Node(text="two", id="kept out", metadata={"title": "Walrus"}, excluded_embed_metadata_keys=["title"]),
        Node(text="three", id="no text", metadata={"title": 5}),
    )
    retriever = Bm25Retriever(corpus, tmp_path)
    assert ids(retriever.retrieve("walruses")) == ["titled"]
    assert ids(retriever.retrieve("penguin")) == []


def test_the_language_decides_the_stems(new_corpus, tmp_path):
    corpus = new_corpus(["Die Häuser am See", "東京の水道"])
    assert ids(Bm25Retriever(corpus, tmp_path, language="de").retrieve("Haus")) == ["n0"]
    assert ids(Bm25Retriever(corpus, tmp_path, language="en").retrieve("Haus")) == []
    assert ids(Bm25Retriever(corpus, tmp_path).retrieve("水道")) == ["n1"]
    with pytest.raises(ConfigError):
        Bm25Retriever(corpus, tmp_path, language="xx")


def added_then_deleted(corpus, retriever, extra):
    retriever.retrieve("cat")
    corpus.add(*extra)
    retriever.retrieve("cat")
    corpus.delete(*(node.id for node in extra))


def test_added_then_deleted_equals_never_added(new_corpus, tmp_path):
    corpus = new_corpus(TEXTS * 10)
    retriever = Bm25Retriever(corpus, tmp_path)
    before = retriever.retrieve(QueryBundle("cat mat sleeping", top_k=100))
    added_then_deleted(corpus, retriever, [Node(text="cat " * n, id=f"x{n}") for n in range(1, 6)])
    assert retriever.retrieve(QueryBundle("cat mat sleeping", top_k=100)) == before
    assert retriever.index.status().rebuilds == 0


def test_in_a_large_index_deletes_are_cheap_and_scores_stay(new_corpus, tmp_path, monkeypatch):
    monkeypatch.setattr("retrieverkit_bm25.index.EXACT_UP_TO", 100)
    rng = random.Random(1)
    words = [f"word{i}" for i in range(200)]
    corpus = new_corpus([" ".join(rng.choices(words, k=20)) for _ in range(2000)])
    retriever = Bm25Retriever(corpus, tmp_path, top_k=2000)
    queries = [f"word{i} word{i + 1} word{i + 2}" for i in range(0, 40, 3)]
    retriever.index.reader()
    builds = []
    monkeypatch.setattr(Bm25Index, "build", lambda *args, build=Bm25Index.build: [builds.append(1), build(*args)][1])
    for _ in range(5):
        extra = [Node(text=" ".join(rng.choices(words[:20], k=20)), id=f"x{i}") for i in range(15)]
        added_then_deleted(corpus, retriever, extra)
        corpus.delete(f"n{rng.randrange(2000)}")
        fresh = Bm25Retriever(corpus, tmp_path / f"fresh{corpus.head().seq}", top_k=2000)
        fresh.index.reader()
        builds.pop()
        for query in queries:
            ours, theirs = retriever.retrieve(query), fresh.retrieve(query)
            assert {hit.node.id: hit.score for hit in ours} == pytest.approx(
                {hit.node.id: hit.score for hit in theirs}, rel=1e-3
            )
    assert len(builds) <= 1
    assert retriever.index.reader().deleted_share <= 0.05


def test_a_large_share_of_deletes_or_a_shift_in_length_makes_a_build(new_corpus, tmp_path, monkeypatch):
    monkeypatch.setattr("retrieverkit_bm25.index.EXACT_UP_TO", 10)
    corpus = new_corpus([f"word{i} and a few more words" for i in range(500)])
    retriever = Bm25Retriever(corpus, tmp_path)
    retriever.retrieve("word1")
    corpus.delete(*(f"n{i}" for i in range(20, 50)))
    retriever.retrieve("word1")
    assert retriever.index.reader().deleted_share == 0
    corpus.delete("n60")
    retriever.retrieve("word1")
    assert 0 < retriever.index.reader().deleted_share < 0.05
    added_then_deleted(corpus, retriever, [Node(text="long " * 2000, id="long")])
    retriever.retrieve("word1")
    assert retriever.index.reader().deleted_share == 0


def test_threads_find_the_same_while_one_writes(new_corpus, tmp_path):
    corpus = new_corpus([f"common word{i}" for i in range(200)])
    retriever = Bm25Retriever(corpus, tmp_path)
    errors, done = [], threading.Event()

    def read():
        try:
            while not done.is_set():
                for i in (0, 57, 199):
                    assert ids(retriever.retrieve(f"word{i}")) == [f"n{i}"]
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=read) for _ in range(16)]
    [thread.start() for thread in threads]
    for i in range(10):
        corpus.add(Node(text=f"common new{i}", id=f"new{i}"))
        assert ids(retriever.retrieve(f"new{i}")) == [f"new{i}"]
    done.set()
    [thread.join() for thread in threads]
    assert errors == []


def test_many_small_additions_stay_few_files(new_corpus, tmp_path):
    corpus = new_corpus(["first word"] * 50)
    retriever = Bm25Retriever(corpus, tmp_path)
    for i in range(40):
        corpus.add(Node(text=f"added{i}", id=f"a{i}"))
        assert ids(retriever.retrieve(f"added{i}")) == [f"a{i}"]
    assert retriever.index.reader()._searcher.num_segments <= 16
    assert retriever.index.check() == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_reader_without_the_right_to_write_uses_what_is_stored(new_corpus, tmp_path, in_child, obey_permissions):
    corpus = new_corpus(TEXTS)
    Bm25Retriever(corpus, tmp_path / "s").retrieve("cat")
    for path in [tmp_path / "s", *(tmp_path / "s").rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)

    def as_reader():
        obey_permissions()
        retriever = Bm25Retriever(corpus, tmp_path / "s")
        assert ids(retriever.retrieve("cats")) == ["n1", "n0"]
        assert not retriever.index.status().private
        corpus.add(Node(text="cats cats", id="new"))
        assert ids(retriever.retrieve("cats"))[0] == "new"
        assert retriever.index.status().private

    in_child(as_reader)
    for path in [tmp_path / "s", *(tmp_path / "s").rglob("*")]:
        path.chmod(0o755)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_full_disk_is_told(new_corpus, tmp_path, in_child):
    import resource
    import signal

    def with_little_space():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, resource.RLIM_INFINITY))
        with pytest.raises(StorageFullError):
            retriever.retrieve("word7")
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        retriever.index.rebuild("there is space again")
        assert ids(retriever.retrieve("word7")) == ["n7"]

    retriever = Bm25Retriever(new_corpus([f"word{i} more{i * 7}" for i in range(3000)]), tmp_path)
    in_child(with_little_space)


def test_the_plugin_makes_a_retriever(new_corpus, tmp_path):
    context = BuildContext(mode="bm25", corpus=new_corpus(TEXTS), storage=tmp_path)
    retriever = plugin.make_retriever(mode="bm25", options=Bm25Options(top_k=1), context=context)
    assert ids(retriever.retrieve("mat")) == ["n0"]
    with pytest.raises(MissingServiceError):
        plugin.make_retriever(mode="bm25", options=Bm25Options(), context=BuildContext(mode="bm25"))
