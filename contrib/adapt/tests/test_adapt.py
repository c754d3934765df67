import dataclasses
import os
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieverkit import Document, Index, MetadataFilters, QueryBundle
from retrieverkit_adapt import MIN_QUERIES, adapt
from retrieverkit_adapt.folds import folds_of, others
from retrieverkit_core.errors import ConfigError, InvalidEmbeddingError, RetrievalError
from retrieverkit_core.spec import RetrieverSpec
from retrieverkit_evaluate import evaluate
from retrieverkit_testkit.embedding import WordVectors
from retrieverkit_vector import Examples, QueryMap, read_adapter


@pytest.fixture(scope="module")
def adapted(workshop, queries, qrels):
    return adapt(workshop, queries, qrels, "vector", k=5)


def test_it_learns_the_words_of_queries_and_what_is_saved_answers_as_measured(
    adapted, workshop, queries, qrels, tmp_path
):
    assert adapted.kept and adapted.change("R@5").difference > 0.3
    assert type(adapted.adapter.learned) is (Examples if adapted.adapter.made_by.model else QueryMap)
    file = tmp_path / "adapter.json"
    adapted.save(file)
    with pytest.raises(ConfigError, match="there already"):
        adapted.save(file)
    adapted.save(file, force=True)
    mode = {"mode": "vector", "adapter": str(file)}
    retriever = workshop.as_retriever(mode)
    for text in ("my seat pole wobbles", "the lamp maker drinks rain"):
        result = retriever.retrieve(text)
        assert result[0].ref_doc_id.startswith("manual/") and "R@5" in result.notes[-1]
    assert read_adapter(file).queries == adapted.adapter.queries
    limits = MetadataFilters.parse("title != 'Seatpost: excess clearance'")
    filtered = retriever.retrieve(QueryBundle("my seat pole wobbles", top_k=50, filters=limits))
    assert "manual/saddle-play" not in [hit.ref_doc_id for hit in filtered]


def test_what_is_called_before_is_the_mode_and_after_is_what_other_parts_taught(adapted, workshop, queries, qrels):
    report = evaluate(workshop, queries, qrels, ["vector"], measures=["R@5", "nDCG@10"], depth=10)
    for measure in ("R@5", "nDCG@10"):
        assert adapted.before[measure] == report.score(measure, "vector").values
    assert sorted(each for fold in adapted.folds for each in fold.queries) == sorted(queries)
    assert adapted.unseen == frozenset(queries), "each query has a document of its own"
    change = adapted.change("R@5")
    differences = [adapted.after["R@5"][each] - adapted.before["R@5"][each] for each in queries]
    assert change.difference == pytest.approx(np.mean(differences))
    assert change.error == pytest.approx(np.std(differences, ddof=1) / len(queries) ** 0.5)
    assert (change.wins, change.losses) == (sum(d > 0 for d in differences), sum(d < 0 for d in differences))


def test_the_same_judgements_in_any_order_teach_the_same(adapted, workshop, queries, qrels):
    turned = dict(random.Random(3).sample(sorted(queries.items()), len(queries)))
    again = adapt(workshop, turned, qrels, "vector", k=5)
    assert again.as_dict()["changes"] == adapted.as_dict()["changes"]
    assert again.setting == adapted.setting
    assert [set(fold.queries) for fold in again.folds] == [set(fold.queries) for fold in adapted.folds]


def test_judgements_by_chance_teach_nothing_that_is_kept(workshop, queries, qrels, tmp_path):
    names = [next(iter(judged)) for judged in qrels.values()]
    random.Random(1).shuffle(names)
    found = adapt(workshop, queries, {query: {name: 1} for query, name in zip(queries, names, strict=True)}, "vector")
    assert not found.kept and found.reason
    with pytest.raises(ConfigError, match="nothing was kept"):
        found.save(tmp_path / "adapter.json")
    assert list(tmp_path.iterdir()) == []


def test_it_works_inside_other_modes(workshop, queries, qrels):
    few = dict(list(queries.items())[:15])
    for mode in ("hybrid(weight=0.9)", "fusion(bm25, vector, weights=[1, 9])"):
        found = adapt(workshop, few, qrels, mode, learn="adapter", k=5)
        assert found.adapter is not None and found.change("R@5").wins


@pytest.mark.parametrize("mode", ["fusion(bm25, vector)", "hybrid"])
def test_weights_are_learned_as_mode_strings(queries, mode, tmp_path):
    documents = [Document(f"common words of all, and the rare word w{n}", id=f"d{n}") for n in range(30)]
    asked = {f"q{n}": f"words of all common w{n}" for n in range(20)}
    judged = {f"q{n}": {f"d{n}": 1} for n in range(20)}
    with Index.from_documents(documents, embedding="hash(dimensions=2)") as index:
        found = adapt(index, asked, judged, f"{mode[:-1]}, weights=[1, 99])" if "(" in mode else f"{mode}(weight=1)")
        assert found.kept, found.reason
        assert found.measures[0] == "nDCG@10" and found.after["nDCG@10"]["q1"] == 1.0
        found.save(tmp_path / "mode.json")
        from retrieverkit import RetrieverSpec

        spec = RetrieverSpec.load(tmp_path / "mode.json")
        assert spec == found.spec
        report = evaluate(index, asked, judged, [spec], measures=["nDCG@10"])
        assert report.score("nDCG@10", str(spec)).mean == 1.0
        again = adapt(index, asked, judged, spec)
        assert not again.kept and "best of those that were tried" in again.reason


def test_weights_are_not_learned_from_what_an_adapter_knows(adapted, workshop, queries, qrels, tmp_path):
    adapted.save(tmp_path / "a.json")
    mode = f"fusion(bm25, vector(adapter={str(tmp_path / 'a.json')!r}))"
    with pytest.raises(ConfigError, match="learned from 40 of the 40 queries"):
        adapt(workshop, queries, qrels, mode)
    others = {f"x{each}": f"{text} please" for each, text in queries.items()}
    found = adapt(workshop, others, {f"x{each}": judged for each, judged in qrels.items()}, mode)
    assert found.learn == "weights"
    with pytest.raises(ConfigError, match="has an adapter already"):
        adapt(workshop, queries, qrels, mode, learn="adapter")


def judged_by(count):
    return {f"q{n}": {f"d{n}": 1} for n in range(count)}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"queries": 9}, rf"{MIN_QUERIES} different queries .* are needed; there are 9 of 9"),
        ({"same": True}, r"needed; there are 1 of 12"),
        ({"qrels": {f"q{n}": {"d1": 1} for n in range(12)}}, "same relevant documents"),
        ({"qrels": {f"q{n}": {"d1": 0} for n in range(12)}}, "no query has a judgement above 0"),
        ({"qrels": {f"q{n}": {f"other{n}": 1} for n in range(12)}}, "none of the 12 judged documents"),
        ({"qrels": {f"q{n}": {f"d{n}" if n < 4 else "gone": 1} for n in range(12)}}, "there are 4 of 12"),
        ({"qrels": {f"q{n}": {f"d{n}": float("nan")} for n in range(12)}}, "not integers"),
        ({"mode": "bm25"}, "searches no vectors"),
        ({"mode": "bm25", "learn": "weights"}, "bm25 has no weights"),
        ({"mode": "fusion(bm25)"}, "no weights to learn"),
        ({"learn": "everything"}, "'adapter' or 'weights'"),
        ({"k": 0}, "from 1 to 1000"),
        (
            {"mode": "fusion(vector(embedding='hash'), vector(embedding='lsa'))", "learn": "adapter"},
            "vectors of 2 embeddings",
        ),
        ({"mode": "vector(topk=3)"}, "topk"),
    ],
    ids=str,
)
def test_what_cannot_teach_is_refused(changes, told):
    count = changes.pop("queries", 12)
    queries = {f"q{n}": "one" if changes.get("same") else f"word{n} and more" for n in range(count)}
    changes.pop("same", None)
    given = {"qrels": judged_by(count), "mode": "vector", **changes}
    with Index.from_documents([Document(f"word{n}", id=f"d{n}") for n in range(12)], embedding="hash") as index:
        with pytest.raises(ConfigError, match=told) as raised:
            adapt(index, queries, **given)
        assert raised.value.fix


def test_errors_of_the_model_and_of_legs_pass():
    class Broken(WordVectors):
        def embed_queries(self, texts):
            return np.full((len(texts), self.dimension), np.nan, np.float32)

    documents = [Document(f"word{n}", id=f"d{n}") for n in range(12)]
    queries = {f"q{n}": f"word{n}" for n in range(12)}
    with Index.from_documents(documents, embedding=Broken()) as index:
        with pytest.raises(InvalidEmbeddingError, match="NaN"):
            adapt(index, queries, judged_by(12))
        with pytest.raises(RetrievalError, match=r"12 of 12 queries have no whole answer"):
            adapt(index, queries, judged_by(12), "fusion(bm25, vector)")


def test_what_was_left_out_is_told(workshop, queries, qrels):
    more = {**queries, "unjudged": "x", "lost": "what is lost"}
    found = adapt(workshop, more, {**qrels, "lost": {"gone": 1}, "strange": {"manual/hub-wet": 1}}, "vector", k=5)
    told = "\n".join(found.remarks)
    assert found.queries == len(queries)
    for part in ("unjudged", "strange", "gone", "none is in the index, left out: 1"):
        assert part in told


def test_asking_in_the_same_words_again_makes_nothing_surer(workshop, queries, qrels):
    some = dict(list(queries.items())[:12])
    judged = {each: qrels[each] for each in some}
    once = adapt(workshop, some, judged, "vector", k=5)
    loud = {f"{each}!": f" {text.upper()} ?" for each, text in some.items()}
    also = {f"{each}!": {**grades, "manual/hub-wet": 0} for each, grades in judged.items()}
    twice = adapt(workshop, {**some, **loud}, {**judged, **also}, "vector", k=5)
    assert twice.queries == 12 and twice.change("R@5") == once.change("R@5")
    assert any("taken as one with the judgements of all: 12" in remark for remark in twice.remarks)
    two_answers = {f"{each}!": {"manual/hub-wet": 2} for each in some}
    both = adapt(workshop, {**some, **loud}, {**judged, **two_answers}, "vector", k=5)
    assert both.change("R@5").after <= 1 and both.change("R@5") != once.change("R@5")


def test_measuring_with_the_queries_it_was_learned_from_is_warned_of(adapted, workshop, queries, qrels, tmp_path):
    file = tmp_path / "adapter.json"
    adapted.save(file)
    within = f"rerank(fusion(bm25, vector(adapter='{file}')), by='mmr')"
    modes = ["vector", f"vector(adapter='{file}')", f"hybrid(adapter='{file}')", within]
    modes = [str(RetrieverSpec.parse(mode)) for mode in modes]
    report = evaluate(workshop, {**queries, "new": "a word"}, {**qrels, "new": {"manual/hub-wet": 1}}, modes)
    told = [remark for remark in report.remarks() if "learned from 40 of the 41 queries" in remark]
    assert [remark.startswith(mode) for remark, mode in zip(told, modes[1:], strict=True)] == [True] * 3
    other = evaluate(workshop, {"new": "a word"}, {"new": {"manual/hub-wet": 1}}, modes[1:])
    assert not any("learned from" in remark for remark in other.remarks())


def test_an_interrupted_run_leaves_nothing(workshop, queries, qrels, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)

    def stop(what, done, total):
        if done == len(queries) + 10:
            assert os.listdir(tmp_path), "what the parts taught is here while it is needed"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        adapt(workshop, queries, qrels, "vector", k=5, on_progress=stop)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("How do I?", "how  do i", True),
        ("ﬁx ①!", "FIX 1", True),
        ("C++", "C", False),
        ("C#", "C", False),
        (".net", "net", False),
        ("?", "!", False),
    ],
)
def test_queries_that_ask_the_same_are_in_one_part(one, other, same):
    assert (len(folds_of({"a": one, "b": other}, 2, 0)) == 1) is same


texts = st.dictionaries(st.text("abc", min_size=1), st.text("xy z", max_size=3), min_size=2, max_size=30)


@given(texts, st.integers(2, 6), st.integers(0, 3))
@settings(deadline=None)
def test_parts_hold_each_query_once_and_the_same_words_together(queries, count, seed):
    parts = folds_of(queries, count, seed)
    assert sorted(each for part in parts for each in part) == sorted(queries)
    assert len(parts) <= count and all(parts)
    for place, part in enumerate(parts):
        words = {" ".join(queries[each].split()) for each in part}
        assert not words & {" ".join(queries[each].split()) for each in others(parts, place)}
    assert folds_of(dict(reversed(queries.items())), count, seed) == parts


def test_numbers_are_for_programs_too(adapted):
    import json

    told = json.loads(json.dumps(adapted.as_dict()))
    assert told["kept"] is True and [change["measure"] for change in told["changes"]] == ["R@5", "nDCG@10"]
    with pytest.raises(ConfigError, match="was not measured"):
        adapted.change("R@7")
    with pytest.raises(ConfigError, match="unseen"):
        dataclasses.replace(adapted, unseen=frozenset()).change("R@5", unseen=True)
