import json
import os
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrieverkit import Document, Index
from retrieverkit_core.errors import ConfigError, EmbeddingMismatchError, RetrieverKitError
from retrieverkit_core.filters import MetadataFilters
from retrieverkit_core.nodes import Node
from retrieverkit_core.query import QueryBundle
from retrieverkit_testkit import check_retriever
from retrieverkit_vector import (
    Adapter,
    Examples,
    MadeBy,
    QueryMap,
    VectorRetriever,
    digest,
    fitted_map,
    mean_direction,
    read_adapter,
    write_adapter,
)
from retrieverkit_vector.embeddings.lsa.embedding import LsaEmbedding

numbers = st.sampled_from([-2.0, -1.0, 0.0, 0.5, 1.0, 3.0])
vectors = st.lists(numbers, min_size=3, max_size=3).filter(any)


def adapter_of(learned, made_by=MadeBy("words-1"), embedding="words"):
    return Adapter(embedding, made_by, 1.0, 1.0, frozenset({digest("asked")}), "R@10 0.1 → 0.2", learned)


def unit(vector):
    return np.array(vector, float) / np.linalg.norm(vector)


@given(
    pairs=st.lists(st.tuples(vectors, vectors), min_size=1, max_size=6),
    asked=vectors,
    strength=st.sampled_from([0.3, 1.0, 10.0]),
    share=st.sampled_from([0.25, 1.0]),
)
@settings(deadline=None)
def test_a_query_is_moved_by_the_ridge_regression_of_the_pairs(pairs, asked, strength, share):
    starts, ends = (np.array([unit(pair[at]) for pair in pairs]) for at in (0, 1))
    rows = np.vstack([starts, np.sqrt(strength) * np.eye(3)])
    wanted = np.vstack([ends - starts, np.zeros((3, 3))])
    weights = np.linalg.lstsq(rows, wanted, rcond=None)[0]
    expected = unit(asked) + share * unit(asked) @ weights
    moved = fitted_map(np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs]), strength, share)(
        np.array(asked, np.float32)
    )
    if np.linalg.norm(expected) > 1e-2:
        assert moved == pytest.approx(unit(expected) * np.linalg.norm(asked), abs=1e-3)


@given(
    held=st.lists(vectors, min_size=1, max_size=9),
    words=st.lists(st.sampled_from(["one", "two", "three"]), min_size=1, max_size=3),
    limits=st.sampled_from([{}, {"filters": "i < 5"}, {"scope": "i >= 2"}, {"filters": "i < 5", "scope": "i >= 2"}]),
    metric=st.sampled_from(["cosine", "dot", "l2"]),
    moves=st.booleans(),
)
@settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=50)
def test_filters_metric_and_batches_are_as_without(
    corpus_of, word_model, tmp_path_factory, held, words, limits, metric, moves
):
    """What is found is what the moved vector finds; a map that moves nothing changes nothing."""
    corpus, folder, model = corpus_of(np.array(held, np.float32)), tmp_path_factory.mktemp("s"), word_model(3)
    found = fitted_map(np.eye(3, dtype=np.float32), np.roll(np.eye(3, dtype=np.float32), 1, 0), 0.5)
    if not moves:
        found = QueryMap(found.reads, np.zeros_like(found.adds))
    plain = VectorRetriever(corpus, folder, model, metric=metric)
    write_adapter(adapter_of(found), folder / "adapter.json")
    saved = VectorRetriever(corpus, folder, model, metric=metric, adapter=folder / "adapter.json")
    held_in_memory = VectorRetriever(corpus, folder, model, metric=metric, adapter=adapter_of(found))
    limits = {name: MetadataFilters.parse(text) for name, text in limits.items()}
    query = QueryBundle(" ".join(words), top_k=4, **limits)
    moved = found(model.embed_queries([query.query_str])[0])
    expected = plain.retrieve(query.replace(embedding=tuple(moved.tolist())))
    answers = [saved.retrieve(query), held_in_memory.retrieve(query), saved.retrieve_many([query, query])[1]]
    for answer in answers:
        assert [(hit.node_id, hit.score) for hit in answer] == [(hit.node_id, hit.score) for hit in expected]
    if not moves:
        assert [hit.node_id for hit in expected] == [hit.node_id for hit in plain.retrieve(query)]


def test_two_retrievers_of_one_index_do_not_mix_their_adapters(new_corpus, word_model, tmp_path):
    corpus, model = new_corpus(["one", "two", "three"]), word_model()
    one, two, three = model.embed_queries(["one", "two", "three"])
    to_two, to_three = (adapter_of(fitted_map(one[None], end[None], 0.01)) for end in (two, three))
    retrievers = [VectorRetriever(corpus, tmp_path, model, adapter=each) for each in (None, to_two, to_three)]
    for _ in range(2):
        assert [each.retrieve("one")[0].node.text for each in retrievers] == ["one", "two", "three"]
    moved = [each.moved(QueryBundle("one"), [1], 0.1) for each in retrievers]
    assert [each.retrieve(query)[0].node.text for each, query in zip(retrievers, moved)] == ["one", "two", "three"]
    hits = retrievers[0].retrieve("one")
    assert np.argmax(retrievers[1].compared(QueryBundle("one"), hits).nearness) == [h.node.text for h in hits].index(
        "two"
    )


def test_the_result_and_the_explanation_tell_whether_it_was_applied(new_corpus, word_model, tmp_path):
    corpus, model = new_corpus(["one", "two"]), word_model()
    one, two = model.embed_queries(["one", "two"])
    retriever = VectorRetriever(
        corpus, tmp_path, model, adapter=adapter_of(fitted_map(one[None], two[None], 0.1)), similarity_cutoff=-1.0
    )
    told = "adapter: given as an object, learned from 1 queries (R@10 0.1 → 0.2)"
    result = retriever.retrieve(QueryBundle("one", explain=True))
    assert told in result.notes and told in str(result.explain())
    moved = retriever.moved(QueryBundle("one"), [1], 0.5)
    assert told in retriever.retrieve(moved).notes, "a query that was moved from an adapted one is not told otherwise"
    own = retriever.retrieve(QueryBundle("one", embedding=one.tolist()))
    assert own[0].node.text == "one"
    assert any("not applied, as the query brings its own vector" in note for note in own.notes)


def test_what_a_file_says_of_itself_is_one_line_of_a_note(new_corpus, word_model, tmp_path):
    corpus, model = new_corpus(["one", "two"]), word_model()
    vectors = model.embed_queries(["one", "two"])
    adapter = adapter_of(fitted_map(vectors[:1], vectors[1:], 0.1))
    file = tmp_path / "a.json"
    write_adapter(replace(adapter, measured="R@10\n\n 1  a hit of its own\x1b[31m\u2028" + "x" * 10_000), file)
    (note,) = (each for each in VectorRetriever(corpus, tmp_path, model, adapter=file).retrieve("one").notes[-1:])
    assert note.startswith("adapter: a.json") and note.isprintable() and len(note) < 500


def test_another_embedding_dimension_or_model_is_refused(new_corpus, word_model, tmp_path):
    corpus, model = new_corpus(["one", "two"]), word_model()
    found = fitted_map(np.eye(16, dtype=np.float32)[:1], np.eye(16, dtype=np.float32)[1:2], 1.0)
    with pytest.raises(EmbeddingMismatchError, match=r"learned for the embedding 'words' (.|\n)*retriever adapt"):
        VectorRetriever(corpus, tmp_path, model, adapter=adapter_of(found, MadeBy("others")))
    small = adapter_of(QueryMap(None, np.zeros((3, 3), np.float32)))
    with pytest.raises(EmbeddingMismatchError, match="of 3 numbers; those of .* have 16"):
        VectorRetriever(corpus, tmp_path, model, adapter=small).retrieve("one")
    retriever = VectorRetriever(corpus, tmp_path, model)
    retriever.retrieve("one")
    made_by = retriever.index.reader().made_by
    assert made_by.probe
    VectorRetriever(corpus, tmp_path, model, adapter=adapter_of(found, made_by)).retrieve("one")
    with pytest.raises(EmbeddingMismatchError, match="another model of the name"):
        other = adapter_of(found, made_by._replace(probe="others"))
        VectorRetriever(corpus, tmp_path, model, adapter=other).retrieve("one")


def test_what_was_learned_for_lsa_is_fitted_again_with_it(new_corpus, tmp_path):
    texts = ["the lamp flickers", "a bulb blinks at night", "dynamo: replace the rectifier", "chain and cassette"]
    corpus, lsa = new_corpus(texts), LsaEmbedding()
    plain = VectorRetriever(corpus, tmp_path, lsa)
    assert plain.retrieve("lamp flickers")[0].node_id == "n0"
    examples = Examples(("lamp flickers", "unknown words"), (("dynamo: replace the rectifier",), ("chain",)))
    made_by = plain.index.reader().made_by
    write_adapter(replace(adapter_of(examples, made_by, "lsa"), strength=0.01), tmp_path / "a.json")
    retriever = VectorRetriever(corpus, tmp_path, lsa, adapter=tmp_path / "a.json")
    before = retriever.retrieve("lamp")
    assert before[0].node_id == "n2" and not any("fitted again" in note for note in before.notes)
    corpus.add(Node(id="more", text="a lamp in the shed, and a saddle"), Node(id="still more", text="the valve leaks"))
    after = retriever.retrieve("lamp")
    assert after[0].node_id == "n2" and any("fitted again to the corpus" in note for note in after.notes)
    assert retriever.index.reader().made_by != made_by
    strange = Examples(("qqq",), (("www",),))
    with pytest.raises(EmbeddingMismatchError, match="knows no word"):
        VectorRetriever(corpus, tmp_path, lsa, adapter=adapter_of(strange, made_by)).retrieve("lamp")
    with pytest.raises(EmbeddingMismatchError, match="lsa"):
        VectorRetriever(corpus, tmp_path, LsaEmbedding(7), adapter=tmp_path / "a.json")


def test_an_empty_corpus_and_a_blank_query_find_nothing(new_corpus, word_model, tmp_path):
    found = adapter_of(QueryMap(None, np.zeros((16, 16), np.float32)))
    empty = VectorRetriever(new_corpus(), tmp_path / "a", word_model(), adapter=found).retrieve("one")
    assert list(empty) == [] and not any("adapter" in note for note in empty.notes)
    assert list(VectorRetriever(new_corpus(["x"]), tmp_path / "b", word_model(), adapter=found).retrieve(" ")) == []


SOME = [
    adapter_of(QueryMap(None, np.array([[0.0, 1e-30], [-3.5, 7.0]], np.float32))),
    adapter_of(Examples(("wie heißt das?",), (("日本語", "x\u2028y"),)), MadeBy("lsa", "lsa abc"), "lsa(dimensions=2)"),
]


@pytest.mark.parametrize("adapter", SOME, ids=["map", "examples"])
def test_a_file_is_read_back_whole_or_refused_wherever_it_is_damaged(adapter, tmp_path):
    file = tmp_path / "adapter.json"
    write_adapter(adapter, file)
    back = read_adapter(file)
    assert replace(back, learned=None) == replace(adapter, learned=None)
    if isinstance(adapter.learned, Examples):
        assert back.learned == adapter.learned
    else:
        assert np.array_equal(back.learned.adds, adapter.learned.adds) and back.learned.reads is None
    data = file.read_bytes()
    for at in range(0, len(data), 7):
        for damaged in (data[:at], data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]):
            file.write_bytes(damaged)
            try:
                again = read_adapter(file)
            except RetrieverKitError as error:
                assert "adapter" in str(error) and error.fix
            else:
                assert str(again) == str(back), "only blanks may differ"


def test_what_is_not_an_adapter_is_refused(tmp_path):
    def contents(**changes):
        file = tmp_path / "a.json"
        write_adapter(SOME[0], file, force=True)
        whole = json.loads(file.read_text())
        whole["adapter"].update(changes)
        whole["sha256"] = sha256(json.dumps(whole["adapter"], sort_keys=True).encode()).hexdigest()
        file.write_text(json.dumps(whole))
        return file

    assert read_adapter(contents()).learned.dimension == 2
    nan = {"dimension": 1, "reads": None, "adds": ["AADAfw=="]}
    for changes, told in [
        ({"map": nan}, "finite"),
        ({"map": {"dimension": 3, "reads": None, "adds": ["AAAAAA=="]}}, "numbers"),
        ({"map": {"dimension": 1, "reads": ["AAAAAA==", "AAAAAA=="], "adds": ["AAAAAA=="]}}, "fit together"),
        ({"map": None}, "one of the two"),
        ({"strength": -1.0}, "strength: "),
        ({"more": 1}, "more: Extra"),
        ({"version": 2}, "later version"),
        ({"format": "x"}, "something else"),
    ]:
        with pytest.raises(ConfigError, match=told):
            read_adapter(contents(**changes))
    with pytest.raises(ConfigError, match="no such file"):
        read_adapter(tmp_path / "none.json")
    with pytest.raises(ConfigError, match="not a file"):
        read_adapter(tmp_path)
    (tmp_path / "deep.json").write_text("[" * 100_000)
    with pytest.raises(ConfigError, match="damaged"):
        read_adapter(tmp_path / "deep.json")


def test_a_file_is_replaced_only_when_asked_and_nothing_half_is_left(tmp_path, monkeypatch):
    file = tmp_path / "a.json"
    write_adapter(SOME[0], file)
    with pytest.raises(ConfigError, match=r"there already(.|\n)*--force"):
        write_adapter(SOME[1], file)
    assert read_adapter(file).embedding == "words"
    for name, force in (("replace", True), ("link", False)):
        target = file if force else tmp_path / "b.json"
        with monkeypatch.context() as patched:

            def interrupted(*_):
                raise KeyboardInterrupt

            patched.setattr(os, name, interrupted)
            with pytest.raises(KeyboardInterrupt):
                write_adapter(SOME[1], target, force=force)
        assert [each.name for each in tmp_path.iterdir()] == ["a.json"]
        assert read_adapter(file).embedding == "words"
    write_adapter(SOME[1], file, force=True)
    assert read_adapter(file).embedding == "lsa(dimensions=2)"
    with pytest.raises(ConfigError, match="no folder"):
        write_adapter(SOME[0], tmp_path / "no" / "a.json")


def test_the_option_looks_beside_the_index_and_in_the_current_folder(tmp_path, monkeypatch):
    beside, here = tmp_path / "beside", tmp_path / "here"
    beside.mkdir()
    here.mkdir()
    monkeypatch.chdir(here)
    with Index.from_documents([Document("one", id="a")], beside / "i.rk", embedding="lsa") as index:
        made_by = index.as_retriever("vector").index.reader().made_by
        (here / "ring").symlink_to("ring")
        too_long = "a" * 300
        for missing in ("a.json", str(here / "a.json"), "~/no/such.json", "", "a\0b", too_long, "/" + too_long, "ring"):
            with pytest.raises(ConfigError, match=r"adapter|a\\x00b"):
                index.as_retriever({"mode": "vector", "adapter": missing})
        adapter = adapter_of(Examples(("one",), (("one",),)), made_by, "lsa")
        write_adapter(adapter, beside / "a.json")
        for written in ("a.json", str(beside / "a.json")):
            assert (
                index.as_retriever({"mode": "vector", "adapter": written})
                .retrieve("one")
                .notes[-1]
                .startswith("adapter: a.json")
            )
        write_adapter(adapter, here / "a.json")
        with pytest.raises(ConfigError, match="there are two adapters"):
            index.as_retriever("vector(adapter='a.json')")
        os.unlink(beside / "a.json")
        assert index.as_retriever("vector(adapter='a.json')").retrieve("one")


def test_a_mean_of_nothing_or_of_opposites_is_nothing():
    assert not mean_direction(np.zeros((0, 2), np.float32)).any()
    assert not mean_direction(np.array([[1, 0], [-2, 0]], np.float32)).any()
    assert mean_direction(np.array([[3, 0], [0, 0]], np.float32)) == pytest.approx([1, 0])


@pytest.mark.slow
def test_a_mode_with_an_adapter_conforms(tmp_path):
    file = tmp_path / "adapter.json"
    with Index.from_documents([Document("one", id="a")], embedding="hash") as index:
        retriever = index.as_retriever("vector")
        retriever.retrieve("one")
        reader = retriever.index.reader()
    starts, ends = np.random.default_rng(0).standard_normal((2, 8, reader.dimension)).astype(np.float32)
    write_adapter(adapter_of(fitted_map(starts, ends, 30.0), reader.made_by, "hash"), file)
    mode = {"mode": "vector", "embedding": "hash", "adapter": str(file)}
    report = check_retriever(mode, capabilities=["deterministic", "ranks-by-query", "exhaustive"], quick=True)
    refused = "the adapter was learned for the embedding"  # by the checks that put a model of their own in its place
    assert len([each for each in report if each.ok]) > 50
    assert [(each.name, each.reason) for each in report if not each.ok and refused not in each.reason] == []
