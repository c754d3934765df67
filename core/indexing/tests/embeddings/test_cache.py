import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieverkit_core.errors import InvalidEmbeddingError
from retrieverkit_indexing.embeddings import CachedEmbedder, EmbeddingCache

np = pytest.importorskip("numpy")


def expected(embedder, texts):
    return np.array([embedder.vector(text) for text in texts], np.float32).reshape(len(texts), embedder.dimension)


def test_each_text_is_paid_for_once(tmp_path, model, asked):
    first, second = model(), model()
    texts = [f"text {i % 30}" for i in range(50)]
    cached = CachedEmbedder(first, EmbeddingCache(tmp_path), batch_size=20)
    assert (cached.embed_documents(texts) == expected(first, texts)).all()
    assert sorted(asked(first)) == sorted(set(texts))

    again = CachedEmbedder(second, EmbeddingCache(tmp_path / "." / ""))
    more = [*texts, "new", "", "\ud800"]
    assert (again.embed_documents(more) == expected(second, more)).all()
    assert asked(second) == ["new", "", "\ud800"]
    assert again.embed_documents([]).shape == (0, 8)


@given(st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=6), max_size=6), st.integers(1, 4))
def test_rows_belong_to_their_texts_in_any_order_of_requests(tmp_path_factory, model, requests, batch_size):
    embedder = model()
    cached = CachedEmbedder(embedder, EmbeddingCache(tmp_path_factory.mktemp("cache")), batch_size)
    for texts in requests:
        assert (cached.embed_documents(texts) == expected(embedder, texts)).all()


def test_queries_are_checked_and_not_remembered(tmp_path, model):
    embedder = model()
    cached = CachedEmbedder(embedder, EmbeddingCache(tmp_path))
    assert (cached.embed_queries(["q"]) == -expected(embedder, ["q"])).all()
    cached.embed_queries(["q"])
    assert embedder.asked == [["q"], ["q"]]
    embedder.embed_queries = lambda texts: np.zeros((1, 8))
    with pytest.raises(InvalidEmbeddingError, match="zero vector"):
        cached.embed_queries(["q"])


def test_another_model_of_the_same_name_gets_none_of_the_old_vectors(tmp_path, model, asked):
    CachedEmbedder(model(), EmbeddingCache(tmp_path)).embed_documents(["a", "b"])
    other = model(seed=1)
    assert (CachedEmbedder(other, EmbeddingCache(tmp_path)).embed_documents(["a"]) == expected(other, ["a"])).all()
    assert asked(other) == ["a"]
    back = model()
    assert (CachedEmbedder(back, EmbeddingCache(tmp_path)).embed_documents(["a"]) == expected(back, ["a"])).all()
    assert asked(back) == ["a"]


def test_models_of_other_names_and_lengths_are_kept_apart(tmp_path, model, asked):
    for again in (False, True):
        for embedder in (model(), model(fingerprint="other", seed=1), model(fingerprint="long", dimension=9)):
            vectors = CachedEmbedder(embedder, EmbeddingCache(tmp_path)).embed_documents(["a"])
            assert (vectors == expected(embedder, ["a"])).all()
            assert asked(embedder) == ([] if again else ["a"])


def test_nothing_of_a_bad_batch_is_remembered_and_what_came_before_is(tmp_path, model, asked):
    broken = model()
    broken.vector = lambda text: np.full(8, np.nan, np.float32) if text == "d" else model.vector(broken, text)
    with pytest.raises(InvalidEmbeddingError, match="row 1 holds NaN"):
        CachedEmbedder(broken, EmbeddingCache(tmp_path), batch_size=2).embed_documents(["a", "b", "c", "d"])
    mended = model()
    CachedEmbedder(mended, EmbeddingCache(tmp_path)).embed_documents(["a", "b", "c", "d"])
    assert asked(mended) == ["c", "d"]


def the_file(folder):
    return next(folder.glob("*.sqlite3"))


def garbage(path):
    path.write_bytes(os.urandom(5000))


def truncate(path):
    path.write_bytes(path.read_bytes()[:5000])


def another_application(path):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA application_id = 7")


def other_columns(path):
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("DROP TABLE vectors; CREATE TABLE vectors (model, text, x)")


def bad_text(path):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE models SET probe = CAST(x'ff' AS TEXT)")


@pytest.mark.parametrize("damage", [garbage, truncate, another_application, other_columns, bad_text])
def test_a_damaged_file_is_dropped_and_filled_again(tmp_path, model, asked, damage):
    texts = [str(i) for i in range(200)]
    cache = EmbeddingCache(tmp_path)
    CachedEmbedder(model(), cache).embed_documents(texts)
    cache.close()
    damage(the_file(tmp_path))
    for _ in range(2):  # the first finds the damage, the second a new file
        embedder = model()
        assert (
            CachedEmbedder(embedder, EmbeddingCache(tmp_path)).embed_documents(texts) == expected(embedder, texts)
        ).all()
    assert asked(embedder) == []


def test_a_vector_that_was_changed_or_swapped_is_not_used(tmp_path, model, asked):
    texts = ["a", "b", "c", "d"]
    cache = EmbeddingCache(tmp_path)
    CachedEmbedder(model(), cache).embed_documents(texts)
    cache.close()
    with closing(sqlite3.connect(the_file(tmp_path))) as connection, connection:
        rows = connection.execute("SELECT rowid, digest, vector FROM vectors ORDER BY rowid").fetchall()
        connection.execute("UPDATE vectors SET digest = ?, vector = ? WHERE rowid = ?", (*rows[1][1:], rows[0][0]))
        connection.execute("UPDATE vectors SET vector = ? WHERE rowid = ?", (rows[1][2][:-1] + b"?", rows[1][0]))
        connection.execute("UPDATE vectors SET vector = ? WHERE rowid = ?", (rows[2][2][:-4], rows[2][0]))
    embedder = model()
    assert (
        CachedEmbedder(embedder, EmbeddingCache(tmp_path)).embed_documents(texts) == expected(embedder, texts)
    ).all()
    assert asked(embedder) == ["a", "b", "c"]


def test_where_no_file_can_be_everything_works_without(tmp_path, model):
    (tmp_path / "file").write_text("not a folder")
    embedder = model()
    cached = CachedEmbedder(embedder, EmbeddingCache(tmp_path / "file" / "cache"))
    for _ in range(2):
        assert (cached.embed_documents(["a"]) == expected(embedder, ["a"])).all()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_read_only_folder(tmp_path, model, obey_permissions):
    folder = tmp_path / "cache"
    CachedEmbedder(model(), EmbeddingCache(folder)).embed_documents(["a"])
    folder.chmod(0o555)
    the_file(folder).chmod(0o444)
    embedder = model()
    child = os.fork()
    if child == 0:
        try:
            obey_permissions()
            right = CachedEmbedder(embedder, EmbeddingCache(folder)).embed_documents(["a"]) == expected(embedder, ["a"])
            os._exit(0 if right.all() else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from counting_model import CountingEmbedder
from retrieverkit_indexing.embeddings import CachedEmbedder, EmbeddingCache
embedder = CountingEmbedder()
cached = CachedEmbedder(embedder, EmbeddingCache(Path(sys.argv[2])), batch_size=10)
for start in range(0, 200, 50):
    texts = [f"{(start + int(sys.argv[3]) * 7 + i) % 250}" for i in range(60)]
    for text, vector in zip(texts, cached.embed_documents(texts)):
        assert (vector == embedder.vector(text)).all()
"""


@pytest.mark.slow
def test_processes_share_a_folder(tmp_path, model, asked, here):
    processes = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(here), str(tmp_path / "cache"), str(i)]) for i in range(6)
    ]
    assert [process.wait() for process in processes] == [0] * 6
    embedder = model()
    texts = [str(i) for i in range(200)]
    vectors = CachedEmbedder(embedder, EmbeddingCache(tmp_path / "cache")).embed_documents(texts)
    assert (vectors == expected(embedder, texts)).all()
    assert asked(embedder) == []


def test_threads_share_an_embedder(tmp_path, model):
    embedder = model()
    cached = CachedEmbedder(embedder, EmbeddingCache(tmp_path), batch_size=5)
    wrong = []

    def work(offset):
        for _ in range(5):
            texts = [str((offset + i) % 40) for i in range(20)]
            if not (cached.embed_documents(texts) == expected(embedder, texts)).all():
                wrong.append(texts)

    threads = [threading.Thread(target=work, args=(i * 3,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_uses_a_connection_of_its_own(tmp_path, model):
    embedder = model()
    cached = CachedEmbedder(embedder, EmbeddingCache(tmp_path))
    cached.embed_documents(["a"])
    child = os.fork()
    if child == 0:
        try:
            right = cached.embed_documents(["a", "b"]) == expected(embedder, ["a", "b"])
            os._exit(0 if right.all() else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert (cached.embed_documents(["b"]) == expected(embedder, ["b"])).all()
    assert embedder.asked[-1] != ["b"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_not_a_file_is_left_alone(tmp_path, model, make):
    path = EmbeddingCache(tmp_path).path
    make(path)
    embedder = model()
    for _ in range(2):
        vectors = CachedEmbedder(embedder, EmbeddingCache(tmp_path)).embed_documents(["a"])
        assert (vectors == expected(embedder, ["a"])).all()
    assert path.exists() and not path.is_file()


def test_in_memory_it_writes_nothing(tmp_path, model, asked, monkeypatch):
    monkeypatch.chdir(tmp_path)
    embedder = model()
    cached = CachedEmbedder(embedder, EmbeddingCache(None))
    for _ in range(2):
        assert (cached.embed_documents(["a", "b"]) == expected(embedder, ["a", "b"])).all()
    assert list(tmp_path.iterdir()) == []
