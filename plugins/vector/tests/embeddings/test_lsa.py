import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from retrieverkit_core.errors import ConfigError, EmbeddingMismatchError, InvalidEmbeddingError
from retrieverkit_core.services import CorpusEmbedder, Embedder
from retrieverkit_core.vectors import checked
from retrieverkit_vector.embeddings.lsa import embedding
from retrieverkit_vector.embeddings.lsa.decomposition import right_singular_vectors
from retrieverkit_vector.embeddings.lsa.embedding import LsaEmbedding
from retrieverkit_vector.embeddings.lsa.provider import LsaOptions, provider

ANIMALS = ["the cat chased a mouse", "a mouse fears the cat", "dogs and cats are pets", "the dog barked at the cat"]
FINANCE = ["the bank raised its interest rate", "interest on a loan from the bank", "the loan was repaid to the bank"]


def fitted(texts, folder, **options):
    folder.mkdir(exist_ok=True)
    lsa = LsaEmbedding(**options)
    lsa.fit(texts, folder)
    return lsa.load(folder)


def test_it_is_what_the_contract_asks_for(tmp_path):
    lsa = provider.make(LsaOptions())
    assert isinstance(lsa, CorpusEmbedder) and provider.problem(LsaOptions()) == ""
    model = fitted(ANIMALS, tmp_path)
    assert isinstance(model, Embedder)
    vectors = model.embed_documents(ANIMALS)
    assert checked(vectors, len(ANIMALS), model.dimension) is vectors
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_texts_of_one_subject_are_near_each_other(tmp_path):
    model = fitted(ANIMALS + FINANCE, tmp_path, dimensions=2)
    scores = model.embed_queries(["pets", "loan"]) @ model.embed_documents(ANIMALS + FINANCE).T
    assert scores[0, : len(ANIMALS)].min() > scores[0, len(ANIMALS) :].max()
    assert scores[1, len(ANIMALS) :].min() > scores[1, : len(ANIMALS)].max()


def test_a_text_without_known_terms_is_a_zero_vector(tmp_path):
    model = fitted(ANIMALS, tmp_path)
    vectors = model.embed_documents(["zebra", "", "the of and", "cat zebra"])
    assert [bool(row.any()) for row in vectors] == [False, False, False, True]
    checked(vectors, 4, model.dimension, allow_zero=True)


@pytest.mark.parametrize(
    "texts", [[], [""], ["the"], ["cat"], ["cat", "cat"], ["cat", ""], ["cat", "dog"], ["cat dog", "dog bird", "cat"]]
)
def test_any_small_corpus_will_do(tmp_path, texts):
    model = fitted(texts, tmp_path)
    assert 1 <= model.dimension <= max(1, len(texts))
    vectors = model.embed_documents(texts)
    assert np.isfinite(vectors).all()
    for text, vector in zip(texts, vectors, strict=True):
        if text not in ("", "the"):
            assert vector @ model.embed_queries([text])[0] == pytest.approx(1, abs=1e-5)
    assert not model.embed_queries(["quux"]).any()


def test_a_term_that_is_in_every_text_can_still_be_found(tmp_path):
    model = fitted(["cat one", "cat two", "cat three"], tmp_path)
    assert (model.embed_queries(["cat"]) @ model.embed_documents(["cat one", "cat two"]).T > 0.1).all()


words = st.sampled_from([f"word{chr(97 + i)}" for i in range(20)])


@settings(max_examples=settings.default.max_examples // 2)
@given(st.lists(st.lists(words, max_size=8).map(" ".join), max_size=30), st.integers(1, 6))
def test_it_is_deterministic_and_blind_to_how_it_is_asked(tmp_path_factory, texts, dimensions):
    folder = tmp_path_factory.mktemp("lsa")
    first = fitted(texts, folder / "a", dimensions=dimensions)
    second = fitted(texts, folder / "b", dimensions=dimensions)
    assert first.fingerprint == second.fingerprint and first.dimension <= dimensions
    together = first.embed_documents(texts)
    assert (together == second.embed_documents(texts)).all()
    for text, vector in zip(texts, together, strict=True):
        assert (first.embed_documents([text])[0] == vector).all()
        assert first.embed_queries([text])[0] == pytest.approx(vector, abs=1e-6)
    checked(together, len(texts), first.dimension, allow_zero=True)


@settings(max_examples=settings.default.max_examples // 2)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_the_directions_are_those_of_a_full_decomposition(rows, columns, count, seed):
    random = np.random.default_rng(seed)
    spread = 0.8 ** np.arange(min(rows, columns))
    left, right = (np.linalg.qr(random.standard_normal((n, len(spread))))[0] for n in (rows, columns))
    matrix = (left * spread @ right.T).astype(np.float32)
    found = right_singular_vectors(csr_array(matrix), count)
    assert found.shape == (columns, min(count, len(spread)))
    assert np.allclose(found.T @ found, np.eye(found.shape[1]), atol=1e-3)
    exact = np.linalg.svd(matrix, full_matrices=False)[2][: found.shape[1]].T
    assert np.linalg.norm(matrix @ found) >= (1 - 1e-3) * np.linalg.norm(matrix @ exact)
    assert (found[np.abs(found).argmax(axis=0), np.arange(found.shape[1])] > 0).all()


def test_repeated_rows_give_no_directions_of_noise():
    matrix = csr_array(np.tile(np.eye(3, 9, dtype=np.float32), (50, 1)))
    assert right_singular_vectors(matrix, 8).shape == (9, 3)


def test_more_texts_and_terms_than_are_fitted(tmp_path, monkeypatch):
    texts = [f"{'cat' if i % 4 else 'dog'} shared{i % 7} rare{i}x" for i in range(300)]
    monkeypatch.setattr(embedding, "MAX_TEXTS", 50)
    monkeypatch.setattr(embedding, "MAX_TERMS", 9)
    model = fitted(texts, tmp_path)
    assert sorted(json.loads((tmp_path / "terms.json").read_bytes())) == [
        "cat",
        "dog",
        *(f"shared{i}" for i in range(7)),
    ]
    assert model.embed_documents(texts).any(axis=1).all()


def test_languages(tmp_path):
    model = fitted(["die Häuser der Stadt", "Bücher und Zeitungen"], tmp_path, language="de")
    assert model.embed_queries(["Haus"]) @ model.embed_documents(["die Häuser"]).T == pytest.approx(1, abs=1e-5)
    assert LsaEmbedding(language="de").fingerprint != LsaEmbedding().fingerprint != LsaEmbedding(8).fingerprint
    with pytest.raises(ConfigError, match="unknown language"):
        LsaEmbedding(language="klingon")


@pytest.mark.parametrize(
    ("fitted_on", "added", "removed", "outgrown"),
    [
        (0, 0, 0, False),
        (0, 1, 0, True),
        (999, 1, 0, True),
        (1000, 200, 0, False),
        (1000, 201, 0, True),
        (1000, 0, 1, True),
        (1001, 0, 1, False),
        (1000, 1, 1, False),
        (1210, 0, 201, False),
        (1210, 0, 202, True),
        (10**6, 10**5, 10**5, False),
    ],
)
def test_when_it_is_fitted_again(fitted_on, added, removed, outgrown):
    assert LsaEmbedding().outgrown(fitted_on, added, removed) is outgrown


def test_a_model_of_other_rules_is_refused(tmp_path):
    fitted(ANIMALS, tmp_path)
    with pytest.raises(EmbeddingMismatchError, match="retriever reindex --index DIR"):
        LsaEmbedding(dimensions=3).load(tmp_path)


@pytest.mark.parametrize("name", ["rows.npy", "terms.json", "lsa.json"])
@pytest.mark.parametrize("damage", [None, b"", b"\x93NUMPY\x01\x00", b"[]", b"{}", b'["cat"]'])
def test_damaged_files_are_refused(tmp_path, name, damage):
    fitted(ANIMALS, tmp_path)
    if damage is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_bytes(damage)
    with pytest.raises(InvalidEmbeddingError, match="is damaged"):
        LsaEmbedding().load(tmp_path)


def test_the_rows_hold_numbers_only(tmp_path):
    fitted(ANIMALS, tmp_path)
    np.save(tmp_path / "rows.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(InvalidEmbeddingError, match="is damaged"):
        LsaEmbedding().load(tmp_path)


@given(st.lists(st.text("ab \n", max_size=30), min_size=1, max_size=20), st.integers(1, 6))
@settings(deadline=None, suppress_health_check=list(HealthCheck))
def test_vectors_that_come_by_fitting_are_those_of_the_model(tmp_path_factory, texts, together):
    folder = tmp_path_factory.mktemp("m")
    lsa = LsaEmbedding(3, language="fi")
    vectors = lsa.fit(texts, folder)
    model = lsa.load(folder)
    parts = [model.embed_documents(texts[at : at + together]) for at in range(0, len(texts), together)]
    assert vectors.tobytes() == np.concatenate(parts).tobytes()
    assert model.embed_queries(texts) == pytest.approx(vectors, abs=1e-6)


def test_a_query_of_a_fitted_index_loads_no_scipy_and_nothing_of_adapters(tmp_path):
    code = (
        "import sys\n"
        "from retrieverkit_core.nodes import Node\n"
        "from retrieverkit_testkit.memory_corpus import MemoryCorpus\n"
        "from retrieverkit_vector import VectorRetriever\n"
        "from retrieverkit_vector.embeddings.lsa.embedding import LsaEmbedding\n"
        "corpus = MemoryCorpus('c')\n"
        "corpus.add(Node(id='a', text='the cat sat'), Node(id='b', text='a dog barked'))\n"
        "hits = VectorRetriever(corpus, sys.argv[1], LsaEmbedding(), embedding_spec='lsa').retrieve('dogs')\n"
        "print(hits[0].node.id, *sorted({'scipy', 'retrieverkit_vector.adapting'} & set(sys.modules)))\n"
    )
    asks = [sys.executable, "-c", code, str(tmp_path)]
    said = [subprocess.run(asks, capture_output=True, text=True, check=True).stdout.split() for _ in range(2)]
    assert said == [["b", "scipy"], ["b"]]


def test_the_package_imports_nothing_heavy_until_it_is_used():
    code = (
        "import sys, retrieverkit_vector, retrieverkit_vector.embeddings.lsa.provider\n"
        "print(sorted({'scipy', 'tokenizers', 'safetensors', 'sentence_transformers', 'torch'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_quality_on_real_questions(evaluation_data, measured, tmp_path):
    documents, queries, qrels = evaluation_data("scifact")
    ndcg, recall = measured(fitted(list(documents.values()), tmp_path), documents, queries, qrels)
    assert ndcg >= 0.52 and recall >= 0.85
