import numpy as np
import pytest

from retrieverkit_core.errors import EmbeddingMismatchError, EndpointError, InvalidEmbeddingError, QueryError
from retrieverkit_core.nodes import Node
from retrieverkit_core.plugin import BuildContext
from retrieverkit_core.query import QueryBundle
from retrieverkit_vector import VectorOptions, VectorRetriever
from retrieverkit_vector.plugin import plugin


def ids(result):
    return [hit.node.id for hit in result]


def files(folder):
    return sorted(path.name for path in folder.rglob("*.f32"))


def test_another_model_under_the_same_name_is_refused(new_corpus, word_model, tmp_path):
    corpus = new_corpus(["one", "two"])
    VectorRetriever(corpus, tmp_path / "d", word_model(), embedding_spec="words").retrieve("one")
    other = word_model(seed="other")
    for change in (lambda: None, lambda: corpus.add(Node(text="three", id="n3"))):
        change()
        changed = VectorRetriever(corpus, tmp_path / "d", other, embedding_spec="words")
        with pytest.raises(EmbeddingMismatchError, match=f"retriever reindex --index {tmp_path}"):
            changed.retrieve("one")
    renamed = word_model()
    renamed.fingerprint = "words-2"
    with pytest.raises(EmbeddingMismatchError, match="words-1"):
        VectorRetriever(corpus, tmp_path / "d", renamed, embedding_spec="words").retrieve("one")
    assert (
        ids(VectorRetriever(corpus, tmp_path / "d", word_model(), embedding_spec="words").retrieve("three"))[0] == "n3"
    )


def test_nothing_is_embedded_twice(new_corpus, word_model, tmp_path):
    corpus = new_corpus(["one", "two", "one", " "])
    model = word_model()
    retriever = VectorRetriever(corpus, tmp_path, model, embedding_spec="words")
    retriever.retrieve("one")
    assert sorted(text for text in model.asked if len(text) < 10) == ["one", "two"]
    retriever.index.drop()
    corpus.add(Node(text="three", id="x"))
    again = word_model()
    assert ids(VectorRetriever(corpus, tmp_path, again, embedding_spec="words").retrieve("three"))[0] == "x"
    assert [text for text in again.asked if len(text) < 10] == ["three"]


def test_metrics_share_one_index(new_corpus, word_model, tmp_path):
    corpus = new_corpus(["one", "two"])
    for metric in ("cosine", "dot", "l2"):
        VectorRetriever(corpus, tmp_path, word_model(), metric=metric).retrieve("one")
    assert len(files(tmp_path)) == 1


@pytest.mark.parametrize(
    "spoil",
    [
        lambda v: v[:-1],
        lambda v: v[:, :-1],
        lambda v: np.where(np.arange(len(v))[:, None] == 1, np.nan, v),
        lambda v: np.where(np.arange(len(v))[:, None] == 1, np.inf, v),
        lambda v: v * 0,
        lambda v: v.astype(str),
    ],
)
def test_vectors_that_cannot_be_used_are_refused_and_nothing_is_stored(new_corpus, word_model, tmp_path, spoil):
    corpus = new_corpus(["one", "two", "three"])
    model = word_model()
    good = model.embed_documents
    model.embed_documents = lambda texts: spoil(good(texts))
    retriever = VectorRetriever(corpus, tmp_path, model)
    retriever.index.retry_pause = 0.0
    with pytest.raises(InvalidEmbeddingError):
        retriever.retrieve("one")
    assert files(tmp_path) == []
    model.embed_documents = good
    assert ids(retriever.retrieve("one"))[0] == "n0"
    before = files(tmp_path)
    model.embed_documents = lambda texts: spoil(good(texts))
    corpus.add(Node(text="four", id="n4"), Node(text="five", id="n5"))
    with pytest.raises(InvalidEmbeddingError):
        retriever.retrieve("one")
    assert files(tmp_path) == before


def test_a_model_that_is_away_is_told_and_may_come_back(new_corpus, word_model, tmp_path):
    model = word_model()

    def away(texts):
        raise EndpointError("away", retryable=True)

    model.embed_documents, good = away, model.embed_documents
    retriever = VectorRetriever(new_corpus(["one"]), tmp_path, model)
    retriever.index.retry_pause = 0.0
    with pytest.raises(EndpointError):
        retriever.retrieve("one")
    model.embed_documents = good
    assert ids(retriever.retrieve("one")) == ["n0"]


@pytest.mark.parametrize(
    ("vector", "said"),
    [([1.0] * 3, "3 numbers"), ([0.0] * 16, "zero vector"), ([float("nan")] * 16, "NaN"), ([], "0 numbers")],
)
def test_a_node_s_own_vector_is_checked(new_corpus, word_model, tmp_path, vector, said):
    corpus = new_corpus(["one"])
    corpus.add(Node(text="mine", id="own", embedding=vector))
    retriever = VectorRetriever(corpus, tmp_path, word_model())
    with pytest.raises(InvalidEmbeddingError, match=f"'own'.*{said}"):
        retriever.retrieve("one")
    corpus.delete("own")
    assert ids(retriever.retrieve("one")) == ["n0"]


def test_a_node_s_own_vector_is_used(new_corpus, word_model, tmp_path):
    corpus = new_corpus(["one"])
    own = word_model().embed_queries(["unicorn"])[0]
    corpus.add(Node(text="one", id="own", embedding=own.tolist()))
    retriever = VectorRetriever(corpus, tmp_path, word_model())
    assert ids(retriever.retrieve("unicorn")) == ["own", "n0"]


def test_blank_texts_and_titles(new_corpus, word_model, tmp_path):
    corpus = new_corpus(["", " \n", "one"])
    corpus.add(
        Node(text="one", id="titled", metadata={"title": "walrus"}),
        Node(text="one", id="kept", metadata={"title": "walrus"}, excluded_embed_metadata_keys=["title"]),
    )
    retriever = VectorRetriever(corpus, tmp_path, word_model(), top_k=10)
    assert ids(retriever.retrieve("walrus one")) == ["titled", "n2", "kept"]


def test_an_empty_corpus(new_corpus, word_model, corpus_model, tmp_path):
    for number, model in enumerate((word_model(), corpus_model())):
        corpus = new_corpus()
        retriever = VectorRetriever(corpus, tmp_path / str(number), model)
        assert retriever.retrieve("one") == [] == retriever.retrieve(QueryBundle("", embedding=[1.0] * 5))
        assert retriever.retrieve_many(["one", "two"]) == [[], []]
        corpus.add(Node(text="one", id="a"))
        assert ids(retriever.retrieve("one")) == ["a"]
        corpus.delete("a")
        assert retriever.retrieve("one") == []


def test_a_fitted_model_folds_in_and_is_fitted_anew(new_corpus, corpus_model, tmp_path):
    corpus = new_corpus([f"word{i} common" for i in range(20)])
    model = corpus_model()
    retriever = VectorRetriever(corpus, tmp_path, model, embedding_spec="cm", top_k=3)
    assert ids(retriever.retrieve("word7"))[0] == "n7"
    corpus.add(Node(text="word7 word7", id="more"), Node(text="unheard", id="unknown"))
    assert ids(retriever.retrieve("word7"))[0] == "more" and model.fits == 1
    assert retriever.retrieve("unheard") == []
    assert "unknown" not in ids(retriever.retrieve(QueryBundle("word1", top_k=100)))
    reopened = VectorRetriever(corpus, tmp_path, corpus_model(), embedding_spec="cm", top_k=3)
    assert reopened.retrieve("word7") == retriever.retrieve("word7")
    for i in range(9):
        corpus.add(Node(text=f"later{i}", id=f"later{i}"))
        retriever.retrieve("word7")
    assert model.fits == 2 and retriever.index.status().rebuilds == 0
    assert ids(retriever.retrieve("unheard"))[0] == "unknown"


def test_a_fitted_model_and_vectors_from_elsewhere(new_corpus, corpus_model, tmp_path):
    corpus = new_corpus()
    corpus.add(Node(text="mine", id="own", embedding=[1.0, 2.0]))
    retriever = VectorRetriever(corpus, tmp_path, corpus_model(), embedding_spec="cm")
    assert ids(retriever.retrieve(QueryBundle("", embedding=[1.0, 0.0]))) == ["own"]
    with pytest.raises(QueryError, match="bring their own"):
        retriever.retrieve("mine")
    corpus.add(Node(text="mine too", id="own2", embedding=[1.0, 0.0]))
    assert ids(retriever.retrieve(QueryBundle("", embedding=[1.0, 0.0]))) == ["own2", "own"]
    corpus.add(Node(text="text", id="text"))
    with pytest.raises(InvalidEmbeddingError, match="fitted"):
        retriever.retrieve("text")
    corpus.delete("own", "own2")
    assert ids(retriever.retrieve("text")) == ["text"]
    for i in range(10):
        corpus.add(Node(text=f"text{i}", id=f"t{i}"))
    retriever.retrieve("text")
    corpus.add(Node(text="mine", id="own", embedding=[1.0, 2.0]))
    with pytest.raises(InvalidEmbeddingError, match="fitted"):
        retriever.retrieve("text")


def test_the_plugin_makes_a_retriever_and_names_its_embedding(new_corpus, word_model, tmp_path):
    class Services:
        def embedding(self, spec=None):
            return spec or "words", word_model()

    context = BuildContext(mode="vector", corpus=new_corpus(["one", "two"]), storage=tmp_path, services=Services())
    retriever = plugin.make_retriever(mode="vector", options=VectorOptions(top_k=1), context=context)
    result = retriever.retrieve("two")
    assert ids(result) == ["n1"] and result.notes == ("embedding: words",)
    assert retriever.embedding_spec == "words"
    named = plugin.make_retriever(mode="vector", options=VectorOptions(embedding="other(a=1)"), context=context)
    assert named.embedding_spec == "other(a=1)"


def test_importing_the_mode_loads_nothing_heavy():
    import subprocess
    import sys

    code = (
        "import sys, retrieverkit_vector.plugin; "
        "print([m for m in ('numpy', 'scipy', 'faiss', 'sklearn') if m in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
