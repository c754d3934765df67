"""A replay needs neither the model nor its plugin, and never takes another model for it."""

import os

import pytest

from retrieverkit import cassette
from retrieverkit.discovery import Discovery
from retrieverkit.services import EMBEDDING, LLM, IndexServices
from retrieverkit_core import CorpusEmbedder, MeteredEmbedder, Prompt
from retrieverkit_core.errors import MissingServiceError, NotRecordedError
from retrieverkit_core.services import BoundedEmbedder, EmbeddingOptions, texts_per_call


class Provider:
    """Provides one model, as a plugin does."""

    options = EmbeddingOptions
    reason = ""

    def __init__(self, made):
        self.made, self.asked_for = made, 0

    def problem(self, options):
        return self.reason

    def make(self, options):
        self.asked_for += 1
        return self.made


@pytest.fixture
def providers(monkeypatch, model, embedding):
    """What the names ``remote`` and ``other`` stand for."""
    found = {"remote": {"llms": Provider(model), "embeddings": Provider(embedding)}}
    found["other"] = found["remote"]

    def provider(self, group, spec):
        named = found[spec.partition("(")[0]][group.rpartition(".")[2]]
        return named, EmbeddingOptions()

    monkeypatch.setattr(IndexServices, "_provider", provider)
    for name in (EMBEDDING, LLM):
        monkeypatch.delenv(name, raising=False)
    return found


def ask_both(services):
    llm, (spec, embedder) = services.llm(), services.embedding()
    told = llm.ask(Prompt("say")).text, embedder.embed_queries(["moon"]).tolist()
    return told, (llm.name, spec, embedder.fingerprint, embedder.dimension, texts_per_call(embedder))


def test_a_replay_asks_no_provider(providers, tmp_path, tape):
    with cassette(tape):
        told = ask_both(IndexServices(Discovery(), tmp_path, "remote", "remote"))
    for provider in providers["remote"].values():
        provider.reason, provider.asked_for = "the key is gone", 0
    with cassette(tape):
        assert ask_both(IndexServices(Discovery(), tmp_path, "remote", "remote")) == told
        assert ask_both(IndexServices(Discovery(), tmp_path, "remote()", "remote()")) == told
    with pytest.raises(MissingServiceError, match="the key is gone"):
        IndexServices(Discovery(), tmp_path, "remote", "remote").llm()
    assert [provider.asked_for for provider in providers["remote"].values()] == [0, 0]


def test_a_run_that_asked_nothing_is_replayed_too(providers, tmp_path, tape):
    for _ in range(2):
        with cassette(tape):
            services = IndexServices(Discovery(), tmp_path, "remote", "remote")
            assert services.llm().name == providers["remote"]["llms"].made.name
            assert services.embedding()[1].fingerprint == providers["remote"]["embeddings"].made.fingerprint
        for provider in providers["remote"].values():
            provider.reason = "the key is gone"


def test_where_none_is_named_it_is_the_one_that_was_recorded(providers, tmp_path, tape, monkeypatch):
    monkeypatch.setenv(EMBEDDING, "remote")
    monkeypatch.setenv(LLM, "remote")
    with cassette(tape):
        told = ask_both(IndexServices(Discovery(), tmp_path))
    monkeypatch.delenv(EMBEDDING)
    monkeypatch.delenv(LLM)
    with cassette(tape):
        assert ask_both(IndexServices(Discovery(), tmp_path)) == told
    assert os.listdir(tmp_path) == ["cassettes"]  # a choice of the cassette is not remembered for the index


def test_another_model_is_not_taken_for_the_recorded_one(providers, tmp_path, tape):
    with cassette(tape):
        ask_both(IndexServices(Discovery(), tmp_path, "remote", "remote"))
    for provider in providers["remote"].values():
        provider.reason = "the key is gone"
    with cassette(tape):
        other = IndexServices(Discovery(), tmp_path, "other", "other")
        for ask in (other.llm, other.embedding):
            with pytest.raises(NotRecordedError, match="is remote"):
                ask()


def test_a_retriever_that_was_made_before_the_cassette_is_recorded_too(providers, tmp_path, model, tape):
    services = IndexServices(Discovery(), tmp_path, "remote", "remote")
    llm, (_, embedder) = services.llm(), services.embedding()
    with cassette(tape):
        told = llm.ask(Prompt("say")).text, embedder.embed_queries(["moon"]).tolist()
    for provider in providers["remote"].values():
        provider.reason = "the key is gone"
    with cassette(tape):
        again = IndexServices(Discovery(), tmp_path, "remote", "remote")
        assert (again.llm().ask(Prompt("say")).text, again.embedding()[1].embed_queries(["moon"]).tolist()) == told


def test_asked_embeddings_are_what_they_ask(tmp_path, new_embedding, tape):
    class Bounded(new_embedding):
        fingerprint, max_tokens = "bounded", 3

        def longer(self, texts):
            return [len(text.split()) > self.max_tokens for text in texts]

    class Plain:
        fingerprint, dimension = "plain", 4
        embed_documents = embed_queries = new_embedding.embed_documents

    class Fitted:
        fingerprint = "fitted"
        in_language = fit = load = outgrown = lambda self: None

    def asked(model):
        return IndexServices(Discovery(), tmp_path, model).embedding()[1]

    bounded, plain, fitted = Bounded(), Plain(), Fitted()
    assert isinstance(asked(bounded), BoundedEmbedder) and isinstance(asked(bounded), MeteredEmbedder)
    assert not isinstance(asked(plain), (BoundedEmbedder, MeteredEmbedder, CorpusEmbedder))
    assert asked(fitted) is fitted  # it is fitted here: there is nothing to record
    assert (texts_per_call(asked(bounded)), texts_per_call(asked(plain)), texts_per_call(fitted)) == (3, None, 0)
    assert asked(bounded) is asked(bounded)  # so that two open indexes with one model share what is loaded
    assert asked(asked(bounded)) is asked(bounded)
    recorded = asked(bounded)
    with cassette(tape):
        assert recorded.longer(["a b", "a b c d"]) == [False, True]
    bounded.longer = None
    with cassette(tape):
        assert recorded.longer(["a b c d", "a b"]) == [True, False]
        assert recorded.max_tokens == 3


def test_without_a_cassette_a_call_is_the_models_own(services, model, embedding):
    prompt = Prompt("say")
    services.llm().ask(prompt)
    assert model.asked[0] is prompt
    assert services.embedding()[1].embed_documents(["a"]).shape == (1, 4)
    assert services.embedding()[1].texts is embedding.texts  # what else a model has is there too
