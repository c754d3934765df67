"""What the index says of all modes: the language, and the fields that are searched with the text."""

import numpy as np
import pytest

from retrieverkit_core.corpus import IndexSettings
from retrieverkit_core.errors import ConfigError
from retrieverkit_core.nodes import Node
from retrieverkit_core.query import QueryBundle
from retrieverkit_testkit.memory_corpus import MemoryCorpus
from retrieverkit_vector import VectorRetriever
from retrieverkit_vector.embeddings.lsa.embedding import LsaEmbedding


def ids(result):
    return [hit.node.id for hit in result]


@pytest.fixture(params=["at hand", "fitted"])
def embedding(request, word_model, corpus_model):
    return {"at hand": word_model, "fitted": corpus_model}[request.param]()


def test_the_fields_that_the_index_names_are_embedded(embedding, tmp_path):
    corpus = MemoryCorpus("c", IndexSettings(searched=("author",)))
    corpus.add(
        Node(id="by", text="tide tables", metadata={"author": "walrus", "title": "otter"}),
        Node(id="out", text="sea maps", metadata={"author": "walrus"}, excluded_embed_metadata_keys=["author"]),
        Node(id="of", text="walrus otter"),
    )
    retriever = VectorRetriever(corpus, tmp_path, embedding, embedding_spec="e", top_k=1)
    assert ids(retriever.retrieve("walrus tide tables")) == ["by"]
    assert retriever.retrieve("otter")[0].node.id == "of"
    corpus.configure(searched=["title"])
    assert retriever.retrieve("otter tide tables")[0].score == pytest.approx(1, abs=1e-6)
    corpus.add(Node(id="new", text="lighthouse", metadata={"title": "walrus", "author": "otter"}))
    assert retriever.retrieve("walrus lighthouse")[0].node.id == "new"
    reopened = VectorRetriever(corpus, tmp_path, embedding, embedding_spec="e", top_k=3)
    assert reopened.retrieve("otter tide tables") == retriever.retrieve(QueryBundle("otter tide tables", top_k=3))
    assert reopened.index.status().rebuilds == 0


TEXTS = ["die Häuser der Stadt", "ein Haus am Meer", "Bücher und Zeitungen", "der Garten im Frühling"]


def found(corpus, folder, **options):
    spec = f"lsa{sorted(options.items())}"
    retriever = VectorRetriever(corpus, folder, LsaEmbedding(8, **options), embedding_spec=spec, top_k=9)
    return retriever, {hit.node.id for hit in retriever.retrieve("Häusern") if hit.score > 0.1}


def test_lsa_speaks_the_language_of_the_index(tmp_path):
    corpus = MemoryCorpus("c", IndexSettings(language="de"))
    corpus.add(*(Node(id=f"n{i}", text=text) for i, text in enumerate(TEXTS)))
    german, both = found(corpus, tmp_path)
    assert {"n0", "n1"} <= both
    assert found(corpus, tmp_path, language="de")[1] == both
    assert found(corpus, tmp_path, language="en")[1] == set()
    corpus.configure(language="en")
    assert {hit.node.id for hit in german.retrieve("Häusern") if hit.score > 0.1} == set()
    corpus.configure(language="de")
    assert {hit.node.id for hit in german.retrieve("Häusern") if hit.score > 0.1} == both
    assert found(corpus, tmp_path)[1] == both
    assert german.index.status().rebuilds == 0


def test_a_language_that_lsa_does_not_know_is_told(tmp_path):
    corpus = MemoryCorpus("c", IndexSettings(language="klingon"))
    corpus.add(Node(id="a", text="one"))
    with pytest.raises(ConfigError, match="klingon"):
        found(corpus, tmp_path)


class Bounded:
    """Reads three words of a text."""

    fingerprint, dimension, max_tokens = "bounded", 8, 3

    def embed_documents(self, texts):
        return self.embed_queries([" ".join(text.split()[:3]) for text in texts])

    def embed_queries(self, texts):
        return np.array([np.random.default_rng(list(text.encode())).standard_normal(8) for text in texts], np.float32)

    def longer(self, texts):
        return [len(text.split()) > 3 for text in texts]


def test_texts_that_the_model_does_not_read_to_their_end_are_told(tmp_path):
    corpus = MemoryCorpus("c")
    corpus.add(Node(id="short", text="a b c"), Node(id="long", text="a b c d"))

    def notes(retriever):
        one, many = retriever.retrieve("a"), retriever.retrieve_many(["a", "b"])
        assert all(result.notes == one.notes for result in many) and len(set(one.notes)) == len(one.notes)
        return [note for note in one.notes if "tokens" in note]

    retriever = VectorRetriever(corpus, tmp_path, Bounded(), embedding_spec="bounded")
    (note,) = notes(retriever)
    assert "1 node is longer than the 3 tokens that bounded reads" in note
    corpus.add(Node(id="longer", text="a b c d e"), Node(id="titled", text="a b", metadata={"title": "c d"}))
    assert "3 nodes are longer" in notes(retriever)[0]
    assert notes(VectorRetriever(corpus, tmp_path, Bounded(), embedding_spec="bounded")) == notes(retriever)
    corpus.delete("long", "titled")
    assert "1 node is longer" in notes(retriever)[0]
    retriever.index.rebuild("from the cache")
    assert "1 node is longer" in notes(retriever)[0]
    corpus.delete("longer")
    assert notes(retriever) == [] and retriever.notes == ("embedding: bounded",)
